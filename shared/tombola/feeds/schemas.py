"""From the contracts: the columns of staged files and warehouse tables."""

from dataclasses import dataclass
from functools import cache

import pyarrow as pa

from tombola.feeds.contracts import Row, contract, reading
from tombola.feeds.events import FeedKind
from tombola.feeds.tables import stored_name

TYPES = {
    "text": pa.string(),
    "whole": pa.int64(),
    "amount": pa.int64(),
    "instant": pa.timestamp("us", tz="UTC"),
    "yes_no": pa.bool_(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the staged file and the contract field it comes from."""

    name: str
    reads: str
    field: str


@cache
def columns(row: type[Row]) -> tuple[Column, ...]:
    """Return the columns that come from fields: amounts end in `_minor`, persons are pseudonyms."""
    fields = (field for field in row.model_fields if field not in row.UNSTORED)
    return tuple(Column(_name(field, how), how, field) for field in fields for how in [reading(row, field)])


def _name(field: str, how: str) -> str:
    return f"{field}_minor" if how == "amount" else stored_name(field)


@cache
def arrow_schema(kind: FeedKind) -> pa.Schema:
    """Return the schema of one feed: `retailer`, the contract's columns, `stated_at`, `source_line`."""
    row = contract(kind)
    return pa.schema(
        [
            pa.field("retailer", pa.string(), nullable=False),
            *(pa.field(c.name, TYPES[c.reads], nullable=not _required(row, c.field)) for c in columns(row)),
            pa.field("stated_at", TYPES["instant"], nullable=False),
            pa.field("source_line", pa.int64(), nullable=False),
        ]
    )


def _required(row: type[Row], field: str) -> bool:
    info = row.model_fields[field]
    return info.is_required() or info.default is not None
