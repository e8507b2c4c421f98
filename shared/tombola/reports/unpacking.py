"""Event bodies, which the warehouse keeps as JSON text, as typed columns: unpacked by its engine, never in Python."""

import json
from typing import TYPE_CHECKING

import ibis

if TYPE_CHECKING:
    import ibis.expr.datatypes as dt
    import ibis.expr.types as ir

_DUCKDB_TYPES = {"string": "VARCHAR", "int64": "BIGINT", "boolean": "BOOLEAN"}


def unpack(table: "ir.Table", shape: str, engine: str) -> "ir.Table":
    """Return an event table's bodies as columns of the struct type `shape`.

    A shape holds string, int64, boolean, struct and array of struct. What a body lacks, or holds in
    another type, is null. DuckDB reads a body once for all its fields, which is many times faster than field
    by field; any other engine gets the same columns from Ibis's own JSON operations.
    """
    wanted = ibis.dtype(shape)
    body = _transform(table.body, wanted) if engine == "duckdb" else _field_by_field(table.body.cast("json"), wanted)
    unpacked = table.select(body=body)
    return unpacked.select(**{name: unpacked.body[name] for name in wanted.names})


def _transform(body: "ir.Value", wanted: "dt.DataType") -> "ir.Value":
    @ibis.udf.scalar.builtin(signature=(("string", "string"), wanted))  # type: ignore[untyped-decorator]  # Ibis ships no types
    def json_transform(text: str, structure: str) -> object: ...

    return json_transform(body, json.dumps(_structure(wanted)))


def _structure(wanted: "dt.DataType") -> object:
    if wanted.is_struct():
        return {name: _structure(part) for name, part in wanted.items()}
    if wanted.is_array():
        return [_structure(wanted.value_type)]
    return _DUCKDB_TYPES[str(wanted)]


def _field_by_field(value: "ir.JSONValue", wanted: "dt.DataType") -> "ir.Value":
    if wanted.is_struct():
        return ibis.struct({name: _field_by_field(value[name], part) for name, part in wanted.items()})
    if wanted.is_array():
        return value.array.map(lambda item: _field_by_field(item, wanted.value_type))
    return {"string": value.str, "int64": value.int, "boolean": value.bool}[str(wanted)]
