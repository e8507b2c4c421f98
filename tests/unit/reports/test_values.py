"""What the warehouse's engine computes of event bodies is what Python computes of the same events."""

from collections.abc import Sequence

import duckdb
import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tombola.campaigns.baskets import basket_of
from tombola.orders.events import OrderRecorded
from tombola.orders.facts import Header, Line, Order, ReturnedLine
from tombola.reports.queries import _ORDER, _PLAY, _PROPOSAL
from tombola.reports.unpacking import unpack
from tombola.reports.values import paid_minor

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # Ibis 12 asks DuckDB 2 so

LINE_IDS = ("1", "2", "3")
amounts, few = st.integers(0, 5_000_000), st.integers(0, 5)
lines = st.builds(
    Line, line_id=st.sampled_from(LINE_IDS), product_id=st.just("p"), quantity=few, value_minor=amounts,
    coupon_minor=amounts,
)  # fmt: skip
returns = st.builds(
    ReturnedLine, return_id=st.sampled_from(("r", "s")), line_id=st.sampled_from((*LINE_IDS, "not there")),
    quantity=few, value_minor=amounts,
)  # fmt: skip
HEADER = Header(shopper="s", store_id="é\"'", ordered_at="2017-06-15T12:30:00.123456Z", currency="USD")
orders = st.builds(
    Order,
    retailer=st.just("corner-shop"), order_id=st.just("o"), revision=st.integers(1, 9), authoritative=st.booleans(),
    header=st.just(HEADER),
    lines=st.lists(lines, max_size=4, unique_by=lambda line: line.line_id).map(tuple),
    returns=st.lists(returns, max_size=4).map(tuple),
    cancelled_at=st.sampled_from((None, None, None, HEADER.ordered_at)),
)  # fmt: skip


def recorded(some: Sequence[Order]) -> tuple[ibis.BaseBackend, ibis.Table]:
    events = [OrderRecorded(event_id=str(n), order=order) for n, order in enumerate(some)]
    return bodies([event.outbound().message.data.decode() for event in events])


def bodies(texts: Sequence[str]) -> tuple[ibis.BaseBackend, ibis.Table]:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE events AS SELECT unnest($1) AS body, unnest(range(len($1))) AS place", [texts])
    backend = ibis.duckdb.from_connection(connection)
    return backend, backend.table("events").order_by("place")


@settings(max_examples=12)
@given(st.lists(orders, min_size=1, max_size=30))
def test_an_order_is_worth_in_the_warehouse_what_its_basket_is_worth(some: list[Order]) -> None:
    backend, table = recorded(some)
    order = unpack(table, _ORDER, "duckdb").order.lift()
    found = order.select(paid=paid_minor(order)).to_pyarrow()["paid"].to_pylist()
    backend.disconnect()
    assert found == [sum(line.paid_minor for line in basket_of(each, {}).lines) for each in some]


@settings(max_examples=2)
@given(st.lists(orders, min_size=1, max_size=10))
def test_every_engine_unpacks_a_body_alike(some: list[Order]) -> None:
    backend, table = recorded(some)
    fast = unpack(table, _ORDER, "duckdb").to_pyarrow().to_pylist()
    plain = unpack(table, _ORDER, "any other").to_pyarrow().to_pylist()
    backend.disconnect()
    assert fast == plain
    assert [row["order"]["header"]["store_id"] for row in fast] == [HEADER.store_id for _ in some]


@pytest.mark.parametrize("shape", [_ORDER, _PLAY, _PROPOSAL])
def test_the_same_expressions_are_bigquerys_sql_too(shape: str) -> None:
    table = unpack(ibis.table({"event_id": "string", "body": "string"}, name="events"), shape, "bigquery")
    if shape == _ORDER:
        table = table.order.lift().mutate(paid=paid_minor)
    sql = str(ibis.to_sql(table, dialect="bigquery")).upper()
    assert "JSON_TRANSFORM" not in sql
    assert "JSON_EXTRACT_SCALAR" in sql


def test_a_body_of_another_shape_is_null_and_stops_nothing() -> None:
    backend, table = bodies(['{"state": 5, "won": "maybe", "revision": "two"}', "{}", "[]", "null"])
    rows = unpack(table, _PLAY, "duckdb").to_pyarrow().to_pylist()
    backend.disconnect()
    assert [(row["token_id"], row["revision"], row["won"]) for row in rows] == [(None, None, None)] * 4
