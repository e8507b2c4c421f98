"""Values as BigQuery takes them beside a statement."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tombola.ports.errors import Refused

if TYPE_CHECKING:
    from google.cloud.bigquery.query import _AbstractQueryParameter as AbstractQueryParameter

TYPES: Mapping[type, str] = {
    str: "STRING", bool: "BOOL", int: "INT64", float: "FLOAT64", Decimal: "NUMERIC", bytes: "BYTES",
    datetime: "TIMESTAMP", date: "DATE",
}  # fmt: skip


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
