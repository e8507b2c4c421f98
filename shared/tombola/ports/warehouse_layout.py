"""How BigQuery holds the port's tables: rows as they were loaded, messages as they came, and views that readers see.

Nothing that is stored is ever changed. What came twice, or was stated again, is told apart by the views: so neither a
load that is repeated nor a message delivered twice needs a lock. Plain data, for Terraform, emulators and adapters.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tombola.ports.warehouse import EVENT_TABLES

LOADS = "loads"
"""The table of sources that were loaded."""
SOURCE_COLUMNS: Mapping[str, str] = {"source_generation": "INTEGER", "source_name": "STRING", "source_row": "INTEGER"}
"""What a loaded row bears besides its own columns: the staged object it came from, and its place in it from 0."""
MESSAGE_COLUMNS: Mapping[str, str] = {
    "subscription_name": "STRING",
    "message_id": "STRING",
    "publish_time": "TIMESTAMP",
    "data": "STRING",
    "attributes": "STRING",
}
"""What a BigQuery subscription of Pub/Sub writes, with `write_metadata` on: no other names, and these types."""
_LOADS_COLUMNS: Mapping[str, str] = {
    "table_name": "STRING",
    "source_name": "STRING",
    "source_generation": "INTEGER",
    "job_id": "STRING",
}
SCRATCH_HOURS = 1


def rows_table(table: str) -> str:
    """Return the name of the table that holds a feed's rows, every load of every source."""
    return f"{table}_rows"


def messages_table(table: str) -> str:
    """Return the name of the table that a stored topic's messages are written to."""
    return f"{table}_messages"


def scratch_dataset(dataset: str) -> str:
    """Return the dataset of tables that live as long as one report."""
    return f"{dataset}_scratch"


def layout(project: str, dataset: str, feeds: Iterable[Mapping[str, Any]], keys: Mapping[str, Sequence[str]]) -> Any:  # noqa: ANN401 (plain data)
    """Return `datasets`, `tables` and `views`, as lists of objects that JSON can hold.

    `feeds` are the feeds' tables as `tombola.feeds.renderings.bigquery.bigquery_table` describes them; `keys` names
    the columns of which readers see one row.
    """
    feeds = list(feeds)
    within = f"{project}.{dataset}"
    views = {
        feed["table_id"]: feed_view(within, feed["table_id"], _names(feed), keys.get(feed["table_id"], ()))
        for feed in feeds
    }
    views |= {table: event_view(within, table) for table in EVENT_TABLES}
    return {
        "datasets": [
            {"dataset_id": dataset, "default_table_expiration_hours": None},
            {"dataset_id": scratch_dataset(dataset), "default_table_expiration_hours": SCRATCH_HOURS},
        ],
        "tables": [
            *(_rows(dataset, feed) for feed in feeds),
            *(_messages(dataset, table) for table in EVENT_TABLES),
            _table(dataset, LOADS, _fields(_LOADS_COLUMNS), clustering=["table_name", "source_name"]),
        ],
        "views": [{"dataset_id": dataset, "table_id": name, "query": query} for name, query in views.items()],
    }


def feed_view(within: str, table: str, columns: Sequence[str], keys: Sequence[str]) -> str:
    """Return the query of a feed's view: of rows with one key the one of the newest source, and in it the last.

    Without a key it is every row of every source, once. `within` is `project.dataset`.
    """
    of, first = keys or tuple(SOURCE_COLUMNS), [f"{name} DESC" for name in SOURCE_COLUMNS]
    return _once(columns, f"`{within}.{rows_table(table)}` WHERE TRUE", of, first)


def event_view(within: str, table: str) -> str:
    """Return the query of a stored topic's view: each event once, as it was published first."""
    named = (
        "SELECT JSON_VALUE(attributes, '$.event_id') AS event_id, publish_time AS published_at,"  # noqa: S608 (our names)
        f" JSON_VALUE(attributes, '$.type') AS type, data AS body FROM `{within}.{messages_table(table)}`"
    )
    columns = ("event_id", "published_at", "type", "body")
    rows = f"({named}) WHERE event_id IS NOT NULL AND type IS NOT NULL"
    return _once(columns, rows, ("event_id",), ("published_at", "body"))


def _once(columns: Sequence[str], rows: str, of: Sequence[str], first: Sequence[str]) -> str:
    number = f"ROW_NUMBER() OVER (PARTITION BY {', '.join(of)} ORDER BY {', '.join(first)})"
    return f"SELECT {', '.join(columns)} FROM {rows} QUALIFY {number} = 1"  # noqa: S608 (names are declared, not given)


def _rows(dataset: str, feed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table behind a feed's view.

    It does not ask for a partition filter: BigQuery sees none through a view that numbers rows. What a question may
    cost is bounded by the bytes that its job may bill.
    """
    return _table(
        dataset,
        rows_table(feed["table_id"]),
        [*feed["schema"], *_fields(SOURCE_COLUMNS)],
        description=feed["description"],
        time_partitioning=feed["time_partitioning"],
        clustering=feed["clustering"],
    )


def _messages(dataset: str, table: str) -> dict[str, Any]:
    partitioning = {"type": "DAY", "field": "publish_time"}
    return _table(dataset, messages_table(table), _fields(MESSAGE_COLUMNS), time_partitioning=partitioning)


def _table(
    dataset: str,
    table: str,
    schema: Sequence[Mapping[str, Any]],
    *,
    description: str | None = None,
    time_partitioning: Mapping[str, Any] | None = None,
    clustering: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "dataset_id": dataset,
        "table_id": table,
        "description": description,
        "schema": [dict(field) for field in schema],
        "time_partitioning": time_partitioning,
        "clustering": list(clustering),
    }


def _fields(columns: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": type_, "mode": "NULLABLE"} for name, type_ in columns.items()]


def _names(feed: Mapping[str, Any]) -> list[str]:
    return [field["name"] for field in feed["schema"]]
