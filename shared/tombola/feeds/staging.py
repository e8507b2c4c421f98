"""Write and read staged files: the typed Parquet that a receipt names."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tombola.feeds.events import FileRef
from tombola.feeds.names import extension_of
from tombola.feeds.rejects import RejectsForm, RejectsWriter, Sink, Writable

ROWS_PER_GROUP = 16 * 1024
"""At the least; a block of a file is more, unless its rows are long."""
LOOKED_AT = 8 * 1024
"""Rows that show how a file's columns repeat themselves."""
BUFFERED = 1024 * 1024
"""Bytes that are written at once: Parquet comes in small parts, and each would wait for Python's lock."""
pa.set_memory_pool(pa.system_memory_pool())
"""Arrow's own pool keeps what it has freed: 40 MiB more of the process's memory, and no time less."""
REPEATED = 4
"""Rows that share a value, on average, where a dictionary is worth its time. Where such rows follow each other,
compressing their values as they are takes less time still, and less room."""


class Address(Protocol):
    """Where an object came to lie."""

    @property
    def bucket(self) -> str:
        """Its bucket."""
        ...

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def generation(self) -> int:
        """Its generation."""
        ...


class NewObject(Writable, Protocol):
    """An object being written; `ref` can be read once its block has ended."""

    @property
    def ref(self) -> Address:
        """Where it came to lie."""
        ...


Create = Callable[[str, str], AbstractContextManager[NewObject]]
"""Opens a new object of a bucket and a name, visible once its block ends without an error."""


class StagedWriter:
    """Writes batches as Parquet, zstd, in groups of some ten thousand rows. `close` completes the file."""

    def __init__(self, target: Writable, schema: pa.Schema) -> None:
        """Write to `target`, which stays open."""
        self._stream = pa.BufferedOutputStream(pa.PythonFile(Sink(target), mode="w"), BUFFERED)
        self._schema = schema
        self._parquet: pq.ParquetWriter | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self.rows += batch.num_rows
        if self._waiting_rows >= ROWS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what waits, and the footer."""
        self._flush()
        if self._parquet is None:
            self._parquet = self._opened(self._schema.empty_table())
        self._parquet.close()
        self._stream.close()

    def _flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting)
            if self._parquet is None:
                self._parquet = self._opened(table)
            self._parquet.write_table(table)
            self._waiting, self._waiting_rows = [], 0

    def _opened(self, first: pa.Table) -> pq.ParquetWriter:
        """Use dictionaries only for columns that repeat themselves here and there: for others they only cost time.

        The file says nothing of how texts lay in memory here, so that readers take them as they do any others.
        """
        seen = first.slice(0, LOOKED_AT)
        most = seen.num_rows // REPEATED
        repeated = [name for name in seen.column_names if _distinct(seen[name]) <= most < _runs(seen[name])]
        ranged = [field.name for field in self._schema if not pa.types.is_string(field.type)]
        return pq.ParquetWriter(
            self._stream,
            first.schema,
            compression="zstd",
            use_dictionary=repeated,
            write_statistics=ranged,
            store_schema=False,
        )


def _distinct(column: pa.ChunkedArray) -> int:
    """Return how many different values there are."""
    found: int = pc.count_distinct(_comparable(column)).as_py()
    return found


def _runs(column: pa.ChunkedArray) -> int:
    """Return how often a value follows that is not the one before."""
    compared = _comparable(column)
    found: int = pc.sum(pc.not_equal(compared[1:], compared[:-1])).as_py() or 0
    return found


def _comparable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column whose values can be compared; Arrow compares no views."""
    return column.cast(pa.string()) if pa.types.is_string_view(column.type) else column


class Attempt:
    """The files of one attempt at one inbox object. Inside its block it takes rows; none is visible before the end.

    Afterwards `accepted` and `rejected` are the files there are. Nothing is read that no receipt names, so a
    file that an interrupted attempt leaves behind has no effect.
    """

    def __init__(self, attempt: str, folder: str, schema: pa.Schema, create: Create, sent_as: str = "") -> None:
        """Name files by `attempt` in `folder`, in the buckets `staging` and `rejects`.

        Rejected rows bear the extension of the file that was `sent_as` this name, if it has one.
        """
        self.folder = folder
        self.accepted: FileRef | None = None
        self.rejected: FileRef | None = None
        self._attempt = attempt
        self._schema = schema
        self._create = create
        self._stack = ExitStack()
        self._staged: tuple[NewObject, StagedWriter] | None = None
        self._extension = extension_of(sent_as)
        self._refused: tuple[NewObject, RejectsWriter] | None = None
        self._refused_rows = 0

    def accept(self, batch: pa.RecordBatch) -> None:
        """Take accepted rows."""
        if self._staged is None:
            target = self._open("staging", f"{self._attempt}.parquet")
            writer = StagedWriter(target, self._schema)
            self._stack.callback(writer.close)
            self._staged = (target, writer)
        self._staged[1].write(batch)

    def reject(self, form: RejectsForm, rows: Sequence[Any]) -> None:
        """Take rejected rows as they were sent, in the file's own form."""
        if self._refused is None:
            target = self._open("rejects", f"rejected-{self._attempt}.{self._extension or form.extension}")
            writer = form.writer(target)
            self._stack.callback(writer.close)
            self._refused = (target, writer)
        self._refused[1].write(rows)
        self._refused_rows += len(rows)

    def __enter__(self) -> Self:
        """Open nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the files, or leave none when something failed."""
        self._stack.__exit__(kind, error, trace)
        if error is None and self._staged is not None:
            self.accepted = _file(self._staged[0].ref, self._staged[1].rows)
        if error is None and self._refused is not None:
            self.rejected = _file(self._refused[0].ref, self._refused_rows)

    def _open(self, bucket: str, file: str) -> NewObject:
        return self._stack.enter_context(self._create(bucket, f"{self.folder}/{file}"))


def _file(ref: Address, rows: int) -> FileRef:
    return FileRef(bucket=ref.bucket, name=ref.name, generation=ref.generation, rows=rows)


def read_rows(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield the rows of a staged file, one row group in memory at a time. Instants are aware UTC."""
    for batch in pq.ParquetFile(stream).iter_batches():
        names, columns = batch.schema.names, [column.to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            yield dict(zip(names, values, strict=True))
