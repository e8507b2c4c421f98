"""A file of any size is passed on slice by slice: nothing is left out, nothing is read twice, orders end as one."""

import io
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.feeds import usecases
from tombola.feeds.events import FeedValidated, FileRef
from tombola.feeds.receipts import Receipt
from tombola.feeds.schemas import arrow_schema
from tombola.feeds.slices import locate, read_slice
from tombola.orders.events import OrderReceived
from tombola.orders.facts import Order
from tombola.orders.usecases import record_order
from tombola.ports import Ports
from tombola.ports.objects import ObjectRef

AT = datetime(2017, 6, 1, 14, tzinfo=UTC)
HEADER = "order_id,line_id,shopper_id,store_id,ordered_at,product_id,quantity,value,discount,coupon"
Judge = Callable[..., Receipt]
Orders = Callable[..., str]
Published = Callable[[str], list[dict[str, Any]]]
Stage = Callable[..., FeedValidated]


def rows_of(orders: Sequence[int]) -> pa.Table:
    """Return staged order lines: the nth line has the line id n."""
    lines = [
        {
            "retailer": "corner-shop",
            "order_id": f"order-{order}",
            "line_id": f"{number}",
            "shopper": None,
            "store_id": "s1",
            "ordered_at": AT,
            "product_id": "p1",
            "quantity": 1,
            "value_minor": 100 + number,
            "discount_minor": 0,
            "coupon_minor": 0,
            "currency": "USD",
            "stated_at": AT,
            "source_line": number + 2,
        }
        for number, order in enumerate(orders)
    ]
    schema = arrow_schema("orders")
    return pa.Table.from_pylist([{name: line.get(name) for name in schema.names} for line in lines], schema)


def parquet(orders: Sequence[int], group: int) -> bytes:
    stream = io.BytesIO()
    pq.write_table(rows_of(orders), stream, row_group_size=group)
    return stream.getvalue()


@pytest.fixture
def stage(ports: Ports) -> Stage:
    """Stage order lines in row groups of some rows, in one file or more, and return what `validate_feed` would say."""

    def stage_it(*files: Sequence[int], group: int = 3) -> FeedValidated:
        refs = [
            ports.objects.replace("staging", f"corner-shop/orders/r/{number}.parquet", parquet(orders, group))
            for number, orders in enumerate(files)
        ]
        return FeedValidated(
            event_id="e",
            retailer="corner-shop",
            feed="orders",
            receipt="corner-shop/orders/r/receipt.json",
            verdict="accepted",
            files=tuple(
                FileRef(bucket=ref.bucket, name=ref.name, generation=ref.generation, rows=len(orders))
                for ref, orders in zip(refs, files, strict=True)
            ),
        )

    return stage_it


@pytest.fixture
def going_on(published: Published) -> Callable[[], list[FeedValidated]]:
    """Return every word to go on, in order."""
    return lambda: [FeedValidated.model_validate(event) for event in published("feed-validated")]


def pass_on(ports: Ports, event: FeedValidated, going_on: Callable[[], list[FeedValidated]]) -> int:
    """Deliver an event and whatever comes of it; return how many deliveries that were."""
    before = len(going_on())
    usecases.publish_orders(ports, event)
    deliveries = 1
    while words := going_on()[before:]:
        before += 1
        usecases.publish_orders(ports, words[0])
        deliveries += 1
    return deliveries


def lines_stated(events: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (event["statement"]["order_id"], line["line_id"]) for event in events for line in event["statement"]["lines"]
    ]


def slices(orders: Sequence[int], group: int) -> Iterator[pl.DataFrame]:
    data, start = parquet(orders, group), 0
    while start < len(orders):
        yield (found := read_slice(io.BytesIO(data), start, "order_id"))
        start += found.height


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(1, 12))
def test_slices_are_the_file_and_end_where_an_order_does(orders: list[int], group: int) -> None:
    found = list(slices(orders, group))
    assert [line for one in found for line in one["line_id"]] == [str(number) for number in range(len(orders))]
    for one, following in pairwise(found):
        torn = one["order_id"][-1] == following["order_id"][0]
        assert not torn or one["order_id"].n_unique() == 1
    assert all(one.height <= 2 * group for one in found)


@given(st.lists(st.integers(0, 3), max_size=4), st.integers(0, 14))
def test_rows_are_counted_through_all_files(sizes: list[int], row: int) -> None:
    files = [FileRef(bucket="b", name=str(n), generation=1, rows=rows) for n, rows in enumerate(sizes)]
    places = [(file, number) for file in files for number in range(file.rows)]
    assert locate(files, row) == (places[row] if row < len(places) else None)


def test_every_line_is_stated_once_whatever_the_files_and_their_row_groups(
    ports: Ports, stage: Stage, published: Published, going_on: Callable[[], list[FeedValidated]]
) -> None:
    orders = [number // 4 for number in range(50)]
    assert pass_on(ports, stage(orders, [], orders[::-1], group=7), going_on) > 6
    events = published("order-received-bulk")
    assert len({event["event_id"] for event in events}) == len(events)
    assert sorted(lines_stated(events)) == sorted(
        (f"order-{order}", str(number)) for one in (orders, orders[::-1]) for number, order in enumerate(one)
    )


def test_an_order_whose_lines_stand_side_by_side_is_stated_once(
    ports: Ports, stage: Stage, published: Published, going_on: Callable[[], list[FeedValidated]]
) -> None:
    orders = [number // 4 for number in range(50)]
    pass_on(ports, stage(orders, group=7), going_on)
    stated = [event["statement"]["order_id"] for event in published("order-received-bulk")]
    assert len(stated) == len(set(stated)) == 13


def test_a_word_delivered_twice_says_nothing_twice_but_the_last_slice(
    ports: Ports, stage: Stage, published: Published, going_on: Callable[[], list[FeedValidated]]
) -> None:
    event = stage([number // 4 for number in range(50)], group=7)
    pass_on(ports, event, going_on)
    words, stated = going_on(), len(published("order-received-bulk"))
    assert [usecases.publish_orders(ports, one) for one in (event, *words[:-1])] == [0] * len(words)
    assert usecases.publish_orders(ports, words[-1]) > 0
    assert len({one["event_id"] for one in published("order-received-bulk")}) == stated
    assert going_on() == words


def test_a_slice_reads_no_more_of_a_file_than_its_own_row_groups() -> None:
    data = bytearray(parquet(range(6_000), 100))
    footer = pq.ParquetFile(io.BytesIO(data)).metadata
    begin, end = (footer.row_group(number).column(0).dictionary_page_offset for number in (30, 32))
    kept = read_slice(io.BytesIO(data), 3_050, "order_id")
    for torn in (slice(4, begin), slice(end, footer.row_group(59).column(0).dictionary_page_offset)):
        data[torn] = bytes(len(data[torn]))
    assert read_slice(io.BytesIO(data), 3_050, "order_id").equals(kept)
    with pytest.raises(OSError, match=r"\w"):
        read_slice(io.BytesIO(data), 2_950, "order_id")


def _ref(file: FileRef) -> ObjectRef:
    return ObjectRef(file.bucket, file.name, file.generation)


def recorded(ports: Ports, published: Published) -> dict[str, Order]:
    """Record everything stated so far, the last first, and return the orders."""
    orders: dict[str, Order] = {}
    for event in reversed(published("order-received-bulk")):
        order = record_order(ports, OrderReceived.model_validate(event).statement, lane="bulk")
        assert order is not None
        orders[order.order_id] = order
    return orders


def test_lines_of_one_order_far_apart_in_the_file_end_as_one_order(
    ports: Ports, stage: Stage, published: Published, going_on: Callable[[], list[FeedValidated]]
) -> None:
    pass_on(ports, stage([0, 1, 1, 1, 2, 2, 3, 0, 4, 4, 4, 0], group=3), going_on)
    assert [one["statement"]["order_id"] for one in published("order-received-bulk")].count("order-0") == 3
    orders = recorded(ports, published)
    assert [line.line_id for line in orders["order-0"].lines] == ["0", "11", "7"]
    assert sum(len(order.lines) for order in orders.values()) == 12


def test_lines_of_one_order_in_two_files_end_as_one_order(
    ports: Ports, judge: Judge, orders: Orders, last_event: Callable[[], FeedValidated], published: Published
) -> None:
    for number, file in ((1, "a.csv"), (2, "b.csv")):
        judge(orders(f"1,{number},42,s1,2017-06-01T10:00:00,p{number},1,2.50,0,0"), file=file)
        usecases.publish_orders(ports, last_event())
    assert [line.product_id for line in recorded(ports, published)["1"].lines] == ["p1", "p2"]


GOOD = [f"{order},{line},42,s1,2017-06-01T10:00:00,p{line},1,2.50,0,0" for order in range(20) for line in (1, 2, 3)]
SPOILED = (5, 17, 30)


def _contents(ports: Ports, orders: dict[str, Order]) -> tuple[list[Any], list[dict[str, Any]]]:
    usecases.load_warehouse(ports)
    told = "select * exclude (source_line) from feed_orders order by order_id, line_id"
    kept = [order.model_dump(exclude={"revision"}) for _, order in sorted(orders.items())]
    return kept, ports.warehouse.query(told).to_pylist()


def test_a_rejects_file_mended_and_sent_alone_completes_the_file(
    ports: Ports,
    judge: Judge,
    last_event: Callable[[], FeedValidated],
    published: Published,
    ports_in: Callable[[Path], Ports],
    published_in: Callable[[Ports, str], list[dict[str, Any]]],
    tmp_path: Path,
) -> None:
    spoiled = [line.replace("2.50", "2,5x") if number in SPOILED else line for number, line in enumerate(GOOD)]
    first = judge("\n".join([HEADER, *spoiled, ""]))
    usecases.publish_orders(ports, last_event())
    assert (first.verdict, first.accepted, first.rejected) == ("partial", 57, 3)
    assert first.rejected_file is not None
    with ports.objects.open(_ref(first.rejected_file)) as stream:
        rejected = stream.read().decode()
    assert rejected == "\n".join([HEADER, *(spoiled[number] for number in SPOILED), ""])

    second = judge(rejected.replace("2,5x", "2.50"), file="mended.csv")
    usecases.publish_orders(ports, last_event())
    assert (second.verdict, second.accepted) == ("accepted", 3)

    clean = ports_in(tmp_path / "clean")
    ref = clean.objects.replace("inbox", "corner-shop/orders/clean.csv", "\n".join([HEADER, *GOOD, ""]).encode())
    usecases.validate_feed(clean, ref, attempt="clean")
    usecases.publish_orders(clean, FeedValidated.model_validate(published_in(clean, "feed-validated")[-1]))
    mended = _contents(ports, recorded(ports, published))
    assert mended == _contents(clean, recorded(clean, lambda topic: published_in(clean, topic)))
    assert len(mended[1]) == len(GOOD)
