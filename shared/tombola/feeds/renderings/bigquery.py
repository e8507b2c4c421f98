"""A feed's table as BigQuery knows it: plain data that Terraform and `bq` take, of the staged file's own columns."""

from typing import Any

import pyarrow as pa

from tombola.feeds.contracts import contract
from tombola.feeds.events import FeedKind
from tombola.feeds.schemas import Column, arrow_schema, columns
from tombola.feeds.tables import table_name

TYPES = {
    pa.string(): "STRING",
    pa.int64(): "INTEGER",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP",
}
MOST_CLUSTERED = 4
"""Columns that BigQuery clusters by, at most."""
OURS = {
    "retailer": "Who sent the row.",
    "stated_at": "The row's version, by its source: of rows with one key, the newest holds.",
    "source_line": "Where the row stood in its file.",
}


def bigquery_table(kind: FeedKind, policy_tag: str | None = None) -> dict[str, Any]:
    """Return the table `feed_<kind>`: `schema` as `bq mk --schema` and Terraform's `jsonencode` take it, and the rest.

    What happens (orders, navigation, returns) is partitioned by the day it happened, and no question is answered that
    names no days: its cost would grow with all the years. What is (products, shoppers) is partitioned by the day it
    was stated and may be asked as a whole, for the newest statement of a key may be of any age.

    `personal` names the columns that tell of one person. With `policy_tag`, the full name of one, these bear it.
    """
    row = contract(kind)
    told = {column.name: column for column in columns(row)}
    personal = [column.name for column in told.values() if column.field in row.PERSONAL]
    asked = [column.name for field in row.ASKED_BY for column in told.values() if column.field == field]
    return {
        "table_id": table_name(kind),
        "description": row.__doc__,
        "schema": [
            _field(kind, field, told, policy_tag if field.name in personal else None) for field in arrow_schema(kind)
        ],
        "time_partitioning": {"type": "DAY", "field": row.HAPPENED_AT or "stated_at"},
        "require_partition_filter": row.HAPPENED_AT is not None,
        "clustering": ["retailer", *asked][:MOST_CLUSTERED],
        "personal": personal,
    }


def _field(kind: FeedKind, field: pa.Field, told: dict[str, Column], policy_tag: str | None) -> dict[str, Any]:
    found = {
        "name": field.name,
        "type": TYPES[field.type],
        "mode": "NULLABLE" if field.nullable else "REQUIRED",
        "description": OURS.get(field.name) or _description(kind, told[field.name]),
    }
    return found | ({"policyTags": {"names": [policy_tag]}} if policy_tag else {})


def _description(kind: FeedKind, column: Column) -> str:
    """Return the contract's own words; of an amount, with the unit that it is kept in."""
    said = contract(kind).model_fields[column.field].description or ""
    return f"{said} In the currency's minor unit." if column.reads == "amount" else said
