"""The fields of a contract as typed columns."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

import polars as pl

from tombola.feeds.contracts import Row, reading
from tombola.feeds.instants import microseconds

INSTANT = pl.Datetime("us", "UTC")
TYPES: Mapping[str, pl.DataType] = {
    "text": pl.String(),
    "whole": pl.Int64(),
    "amount": pl.Int64(),
    "instant": INSTANT,
    "yes_no": pl.Boolean(),
}


def schema(row: type[Row]) -> dict[str, pl.DataType]:
    """Return the types of a contract's fields as columns."""
    return {field: TYPES[reading(row, field)] for field in row.model_fields}


def typed(row: type[Row], rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Return rows that the model passed (values in the order of its fields) as typed columns."""
    given = list(zip(*rows, strict=True)) or [()] * len(row.model_fields)
    columns = []
    for (field, kind), values in zip(schema(row).items(), given, strict=True):
        if kind == INSTANT:
            whole = [None if at is None else microseconds(at.astimezone(UTC)) for at in values]
            columns.append(pl.Series(field, whole, pl.Int64).cast(INSTANT))
        else:
            columns.append(pl.Series(field, values, kind))
    return pl.DataFrame(columns)
