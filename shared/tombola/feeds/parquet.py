"""Read Parquet, row group by row group: typed columns become the very texts that a file of text would hold."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Literal

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tombola.feeds.rejects import RejectsWriter, Sink, Writable
from tombola.feeds.splitting import Block
from tombola.feeds.transcribing import LONGEST_CELL, WIDEST, Transcribed, block_of, instant_text, null_text
from tombola.feeds.unpacking import MAX_RATIO, UNPACKED_FREELY
from tombola.feeds.unusable import Unusable
from tombola.retailers.model import Dialect

ROWS = 32 * 1024
"""Rows read at a time."""
REJECTS_PER_GROUP = 4_096
_BUFFER = 1024 * 1024
_DAMAGED = (pa.ArrowException, OSError, ValueError)


class Parquet(Transcribed):
    """One Parquet file. Its rows are counted from 1, as no line of it is a header."""

    def __init__(self, file: IO[bytes], size: int, dialect: Dialect, wanted: Mapping[str, bool]) -> None:
        """Read the schema. Raises `Unusable` for a file that is damaged or cut off, and for nested columns in use."""
        self.dialect = dialect
        self._fault: Unusable | None = None
        try:
            self._file = pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
        except _DAMAGED as error:
            raise _damaged(error) from error
        schema = self._file.schema_arrow
        self.header = list(schema.names)
        self._used = [field.name in wanted if wanted else _is_flat(field) for field in schema]
        self._check(schema, size)
        self.form = ParquetForm(schema)

    def blocks(self) -> Iterator[Block]:
        """Yield all rows, also those before a fault."""
        first = 1
        for batch in self._batches():
            yield self._block(batch, first)
            first += batch.num_rows
        if self._fault is not None:
            raise self._fault

    def as_sent(self, block: Block, indices: Sequence[int]) -> Sequence[pa.RecordBatch]:
        """Return rows with all columns, also those that nobody reads."""
        assert block.sent is not None  # noqa: S101 (every block of such a file has it)
        return [block.sent.slice(index, 1) for index in indices]

    def _check(self, schema: pa.Schema, size: int) -> None:
        if len(schema) > WIDEST:
            message = f"{len(schema)} columns; expected at most {WIDEST}"
            raise Unusable(message, code="too-many-columns")
        nested = [field.name for field, used in zip(schema, self._used, strict=True) if used and not _is_flat(field)]
        if nested:
            message = f"the columns {', '.join(map(repr, nested))} hold lists, objects or bytes; expected plain values"
            raise Unusable(message, code="nested-columns", value=", ".join(nested))
        facts = self._file.metadata
        cells, unpacked = (
            facts.num_rows * len(schema),
            sum(_unpacked(facts.row_group(n)) for n in range(facts.num_row_groups)),
        )
        if max(cells, unpacked) > max(UNPACKED_FREELY, MAX_RATIO * size):
            message = f"{size} bytes hold {cells} cells of {unpacked} bytes"
            raise Unusable(message, code="packing-bomb")

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """Yield all rows up to a fault, so many at a time; row groups may be tiny."""
        waiting: list[pa.RecordBatch] = []
        try:
            for batch in self._file.iter_batches(ROWS):
                waiting.append(batch)
                if sum(one.num_rows for one in waiting) >= ROWS:
                    yield pa.concat_batches(waiting)
                    waiting = []
        except _DAMAGED as error:
            self._fault = _damaged(error)
        if any(one.num_rows for one in waiting):
            yield pa.concat_batches(waiting)

    def _block(self, batch: pa.RecordBatch, first: int) -> Block:
        columns, broken = [], {}
        for number, (name, column) in enumerate(zip(self.header, batch.columns, strict=True)):
            texts = (
                self._texts(column) if self._used[number] else pl.repeat(None, len(column), dtype=pl.String, eager=True)
            )
            for index in (texts.str.len_bytes().fill_null(0) > LONGEST_CELL).arg_true().to_list():
                broken[index] = ("too-long", f"{name!r} is over {LONGEST_CELL} bytes")
            columns.append(texts.alias(str(number)))
        frame = pl.DataFrame(columns)
        if broken:
            whole = pl.Series([index not in broken for index in range(frame.height)])
            frame = frame.select(pl.when(whole).then(pl.col(column)) for column in frame.columns)
        null = null_text(self.dialect)
        style: Literal["necessary", "always"] = (
            "necessary" if len(columns) > 1 else "always"
        )  # a line with nothing on it would be no record
        text = frame.write_csv(include_header=False, quote_style=style, null_value=null).encode()
        return block_of(text, range(first, first + batch.num_rows), broken, batch)

    def _texts(self, column: pa.Array) -> pl.Series:
        """Return a column as text, each cell on one line."""
        found = pl.Series(pl.from_arrow(_as_text(column, self.dialect)))
        return found.str.replace_all("\n", "\v", literal=True).str.replace_all("\r", "\f", literal=True)


def _as_text(column: pa.Array, dialect: Dialect) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _instants(column, dialect)
    if pa.types.is_floating(kind):
        exact = pl.Series(pl.from_arrow(column.cast(pa.float32()) if pa.types.is_float16(kind) else column))
        column = exact.cast(pl.String).str.strip_suffix(".0").to_arrow()
    text = pc.cast(column, pa.large_string())
    if dialect.decimal_mark != "." and (pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        text = pc.replace_substring(text, ".", dialect.decimal_mark)
    return text


def _instants(column: pa.Array, dialect: Dialect) -> pa.Array:
    """Return instants as text: ISO 8601, or in a format of the dialect's that says all of them."""
    zoned = getattr(column.type, "tz", None) is not None
    if "iso" not in dialect.datetime_formats:
        written = [None if at is None else instant_text(at, dialect) for at in _microseconds(column).to_pylist()]
        return pa.array(written, pa.large_string())
    if pa.types.is_date(column.type):
        return pc.cast(column.cast(pa.date32()), pa.large_string())
    plain = column.view(pa.timestamp(column.type.unit))
    with suppress(pa.ArrowInvalid):  # the form that is read fastest, where it says all
        plain = plain.cast(pa.timestamp("s"))
    text = pc.cast(plain, pa.large_string())
    return (
        pc.binary_join_element_wise(text, *(pa.scalar(one, pa.large_string()) for one in ("Z", ""))) if zoned else text
    )


def _microseconds(column: pa.Array) -> pa.Array:
    if not pa.types.is_timestamp(column.type):
        return column
    return column.cast(pa.timestamp("us", column.type.tz), safe=False)


def _is_flat(field: pa.Field) -> bool:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    tests = (
        pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_timestamp,
        pa.types.is_date, pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null,
    )  # fmt: skip
    return any(test(kind) for test in tests)


def _unpacked(group: Any) -> int:  # noqa: ANN401 (pyarrow has no types)
    return int(group.total_byte_size)


def _damaged(error: Exception) -> Unusable:
    return Unusable(f"the Parquet file is damaged or cut off: {str(error)[:200]}", code="format-broken")


@dataclass(frozen=True, slots=True)
class ParquetForm:
    """Rejected rows go into a Parquet file of the same schema."""

    schema: pa.Schema
    extension: str = "parquet"

    def writer(self, target: Writable) -> RejectsWriter:
        """Write the schema at the end."""
        return _ParquetWriter(target, self.schema)


class _ParquetWriter:
    def __init__(self, target: Writable, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(Sink(target), schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []

    def write(self, rows: Sequence[pa.RecordBatch]) -> None:
        self._waiting += rows
        if len(self._waiting) >= REJECTS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema))
            self._waiting = []
