"""How BigQuery holds the tables: whatever the port names is there, and its view is BigQuery's SQL."""

import json
from typing import Any

import pytest
import sqlglot

from tombola.feeds.contracts import KINDS
from tombola.feeds.renderings.bigquery import bigquery_table
from tombola.feeds.tables import KEYS, TABLES
from tombola.ports.warehouse import EVENT_COLUMNS, EVENT_TABLES
from tombola.ports.warehouse_layout import SOURCE_COLUMNS, layout, messages_table, rows_table
from tombola.runtime import topology


@pytest.fixture(scope="module")
def laid_out() -> Any:  # noqa: ANN401 (plain data)
    return layout("p", "events", [bigquery_table(kind) for kind in KINDS], KEYS)


def test_every_table_of_the_port_is_a_view_over_what_is_stored(laid_out: Any) -> None:  # noqa: ANN401
    stored = {table["table_id"] for table in laid_out["tables"]}
    views = {view["table_id"]: sqlglot.parse_one(view["query"], read="bigquery") for view in laid_out["views"]}
    assert set(views) == set(topology.TABLES)
    assert {name: set(view.named_selects) for name, view in views.items()} == {
        **{name: set(schema.names) for name, schema in TABLES.items()},
        **{name: set(EVENT_COLUMNS) for name in EVENT_TABLES},
    }
    behind = {name: [table.name for table in view.find_all(sqlglot.exp.Table)] for name, view in views.items()}
    assert behind == {
        **{name: [rows_table(name)] for name in TABLES},
        **{name: [messages_table(name)] for name in EVENT_TABLES},
    }
    assert stored == {*(table for (table,) in behind.values()), "loads"}


def test_rows_are_told_apart_by_the_keys_of_their_feed(laid_out: Any) -> None:  # noqa: ANN401
    for view in laid_out["views"]:
        window = sqlglot.parse_one(view["query"], read="bigquery").find(sqlglot.exp.Window)
        assert window is not None
        assert tuple(part.name for part in window.args["partition_by"]) == KEYS.get(view["table_id"], ("event_id",))


def test_loaded_rows_bear_their_origin_and_keep_their_partitions(laid_out: Any) -> None:  # noqa: ANN401
    (orders,) = [table for table in laid_out["tables"] if table["table_id"] == "feed_orders_rows"]
    assert [field["name"] for field in orders["schema"]] == [*TABLES["feed_orders"].names, *SOURCE_COLUMNS]
    assert orders["time_partitioning"] == {"type": "DAY", "field": "ordered_at"}
    assert orders["clustering"][0] == "retailer"


def test_the_layout_is_what_json_can_hold(laid_out: Any) -> None:  # noqa: ANN401
    assert json.loads(json.dumps(laid_out)) == laid_out
