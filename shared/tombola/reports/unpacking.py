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
    by field; BigQuery reads by paths, which it is made for; any other engine gets the same columns from Ibis's own
    JSON operations.
    """
    wanted = ibis.dtype(shape)
    if engine == "duckdb":
        body = _transformed(table.body, wanted)
    elif engine == "bigquery":
        body = _by_path(table.body, wanted, "$")
    else:
        body = _field_by_field(table.body.cast("json"), wanted)
    unpacked = table.select(body=body)
    return unpacked.select(**{name: unpacked.body[name] for name in wanted.names})


def _transformed(body: "ir.Value", wanted: "dt.DataType") -> "ir.Value":
    @ibis.udf.scalar.builtin(signature=(("string", "string"), wanted))  # type: ignore[untyped-decorator]  # no types
    def json_transform(text: str, structure: str) -> object: ...

    return json_transform(body, json.dumps(_structure(wanted)))


def _structure(wanted: "dt.DataType") -> object:
    if wanted.is_struct():
        return {name: _structure(part) for name, part in wanted.items()}
    if wanted.is_array():
        return [_structure(wanted.value_type)]
    return _DUCKDB_TYPES[str(wanted)]


def _by_path(text: "ir.StringValue", wanted: "dt.DataType", path: str) -> "ir.Value":
    """Return what stands in JSON text at a path, a list that is not there as null."""
    if wanted.is_struct():
        return ibis.struct({name: _by_path(text, part, f"{path}.{name}") for name, part in wanted.items()})
    if wanted.is_array():
        items = _json_query_array(text, path)
        return ibis.ifelse(items.isnull(), None, items.map(lambda item: _by_path(item, wanted.value_type, "$")))
    value = _json_value(text, path)
    return value if wanted.is_string() else value.try_cast(wanted)


def _field_by_field(value: "ir.JSONValue", wanted: "dt.DataType") -> "ir.Value":
    if wanted.is_struct():
        return ibis.struct({name: _field_by_field(value[name], part) for name, part in wanted.items()})
    if wanted.is_array():
        return value.array.map(lambda item: _field_by_field(item, wanted.value_type))
    return {"string": value.str, "int64": value.int, "boolean": value.bool}[str(wanted)]


@ibis.udf.scalar.builtin(name="json_value", signature=(("string", "string"), "string"))  # type: ignore[untyped-decorator]
def _json_value(text: str, path: str) -> object:
    """BigQuery's own: text, number or truth as text."""


@ibis.udf.scalar.builtin(name="json_query_array", signature=(("string", "string"), "array<string>"))  # type: ignore[untyped-decorator]
def _json_query_array(text: str, path: str) -> object:
    """BigQuery's own: the items of a list, each as JSON text."""


def latest(table: "ir.Table", key: tuple[str, ...], columns: tuple[str, ...]) -> "ir.Table":
    """Return the columns of the greatest revision per key."""
    packed = table.select(*key, "revision", state=ibis.struct({name: table[name] for name in columns}))
    newest = packed.group_by(key).aggregate(state=packed.state.argmax(packed.revision))
    return newest.select(*key, **{name: newest.state[name] for name in columns})


def instant(text: "ir.StringColumn") -> "ir.TimestampColumn":
    """Return the instants that an event writes as text."""
    return text.cast("timestamp('UTC')")
