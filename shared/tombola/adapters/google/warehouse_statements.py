"""Statements in the one SQL that callers write, DuckDB's, as BigQuery's: read, held against our tables, and said again.

Nothing is trusted to BigQuery's own refusal: what is no single SELECT over tables of ours is not sent.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import expressions as sql_words
from sqlglot.errors import SqlglotError

from tombola.ports.errors import Refused

if TYPE_CHECKING:
    from google.cloud.bigquery.query import _AbstractQueryParameter as AbstractQueryParameter

TYPES: Mapping[type, str] = {
    str: "STRING", bool: "BOOL", int: "INT64", float: "FLOAT64", Decimal: "NUMERIC", bytes: "BYTES",
    datetime: "TIMESTAMP", date: "DATE",
}  # fmt: skip


def said_to_bigquery(statement: str, parameters: Collection[str], tables: Collection[str]) -> str:
    """Return a statement as BigQuery takes it, its parameters `@name`. Raises `Refused`."""
    read = _read(statement)
    made = {each.alias for each in read.find_all(sql_words.CTE)}
    for table in read.find_all(sql_words.Table):
        if not isinstance(table.this, sql_words.Identifier) or table.db or table.name not in {*made, *tables}:
            msg = f"statement refused: table {table.sql()} does not exist; expected one of {', '.join(tables)}"
            raise Refused(msg)
    asked = {each.name for each in read.find_all(sql_words.Placeholder, sql_words.Parameter)}
    if asked != set(parameters):
        msg = f"statement refused: parameters {sorted(parameters)}; expected {sorted(asked)}"
        raise Refused(msg)
    return read.sql(dialect="bigquery")


def _read(statement: str) -> sql_words.Query:
    try:
        found = sqlglot.parse(statement, read="duckdb")
    except SqlglotError as error:
        msg = f"statement refused: {error}"
        raise Refused(msg) from error
    if len(found) != 1 or not isinstance(found[0], sql_words.Query):
        msg = f"{len(found)} statements, of which not all read; expected one SELECT"
        raise Refused(msg)
    return found[0]


def query_parameter(name: str | None, value: Any) -> "AbstractQueryParameter":  # noqa: ANN401 (checked here)
    """Return a value as a parameter of a query: plain, a dict as a struct, a list of either. Raises `Refused`."""
    from google.cloud.bigquery import (  # noqa: PLC0415 (heavy)
        ArrayQueryParameter,
        ScalarQueryParameter,
        StructQueryParameter,
    )

    if isinstance(value, dict):
        return StructQueryParameter(name, *(query_parameter(key, part) for key, part in value.items()))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return ArrayQueryParameter(name, "STRUCT", [query_parameter(None, one) for one in value])
    if isinstance(value, list):
        return ArrayQueryParameter(name, _type_name(name, value[0]) if value else "STRING", value)
    return ScalarQueryParameter(name, _type_name(name, value), value)


def _type_name(name: str | None, value: object) -> str:
    if type(value) not in TYPES or (isinstance(value, datetime) and value.tzinfo is None):
        msg = f"parameter {name} is {value!r}; expected text, a number, a truth, bytes, a date or an aware instant"
        raise Refused(msg)
    return TYPES[type(value)]
