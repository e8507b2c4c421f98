"""Sources on their way into BigQuery: each staged file once more, with where each of its rows came from.

A load job takes whatever stands under a name, and tells no row's file. So a source is read here, exactly the
generation that was asked for, and written beside it under a name that only that generation can have. It is streamed: a
function holds some thousand rows at a time.
"""

import hashlib
import io
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tombola.ports.errors import NotFound, PreconditionFailed, Refused
from tombola.ports.objects import ObjectRef, Objects, ObjectWriter
from tombola.ports.warehouse import check_columns
from tombola.ports.warehouse_layout import SOURCE_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BUCKET = "staging"
FOLDER = "_loading"
ROWS = 32 * 1024
"""Rows held at a time."""


def carried(objects: Objects, table: str, source: ObjectRef, declared: "pa.Schema") -> str | None:
    """Write a source's rows with their origin, unless they are there; return the object's name, None if it has no rows.

    Raises `NotFound` for a source that is gone or superseded, `Refused` for one that is no Parquet of the schema.
    """
    name = f"{FOLDER}/{table}/{_digest(source)}.parquet"
    with suppress(NotFound):
        objects.stat(BUCKET, name)
        return name
    with objects.open(source) as stream:
        file = _opened(source, stream)
        check_columns(source.name, file.schema_arrow, declared)
        if not file.metadata.num_rows:
            return None
        with suppress(PreconditionFailed):  # somebody else carried the same rows
            _write(objects, name, _with_origin(file, source, declared), declared)
    return name


class _Sink(io.RawIOBase):
    """An object's writer as pyarrow wants a file."""

    def __init__(self, target: ObjectWriter) -> None:
        super().__init__()
        self._target = target

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 (any buffer)
        return self._target.write(bytes(data))


def _opened(source: ObjectRef, stream: object) -> "pq.ParquetFile":
    import pyarrow as pa  # noqa: PLC0415 (heavy)
    import pyarrow.parquet as pq  # noqa: PLC0415 (heavy)

    try:
        return pq.ParquetFile(stream, pre_buffer=False)
    except pa.ArrowInvalid as error:
        msg = f"source {source.name} is no Parquet file: {error}"
        raise Refused(msg) from None


def _with_origin(file: "pq.ParquetFile", source: ObjectRef, declared: "pa.Schema") -> "Iterator[pa.Table]":
    import pyarrow as pa  # noqa: PLC0415 (heavy)

    first = 0
    for batch in file.iter_batches(ROWS, columns=declared.names):
        rows, place = batch.num_rows, pa.array(range(first, first + batch.num_rows), pa.int64())
        origin = [pa.array([source.generation] * rows, pa.int64()), pa.array([source.name] * rows, pa.string()), place]
        columns = [_plain(batch.column(field.name), field.type) for field in declared]
        yield pa.Table.from_arrays([*columns, *origin], schema=_carried_schema(declared))
        first += rows


def _plain(column: "pa.Array", type_: "pa.DataType") -> "pa.Array":
    import pyarrow as pa  # noqa: PLC0415 (heavy)

    return (column.dictionary_decode() if pa.types.is_dictionary(column.type) else column).cast(type_)


def _write(objects: Objects, name: str, tables: "Iterator[pa.Table]", declared: "pa.Schema") -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415 (heavy)

    schema = _carried_schema(declared)
    with objects.create(BUCKET, name) as target, pq.ParquetWriter(_Sink(target), schema) as writer:
        for table in tables:
            writer.write_table(table)


def _carried_schema(declared: "pa.Schema") -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415 (heavy)

    types = {"INTEGER": pa.int64(), "STRING": pa.string()}
    return pa.schema([*declared, *(pa.field(name, types[type_]) for name, type_ in SOURCE_COLUMNS.items())])


def _digest(source: ObjectRef) -> str:
    text = f"{source.bucket}\0{source.name}\0{source.generation}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
