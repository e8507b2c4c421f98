"""What an order added is taken away to the byte, and room never depends on arrival."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache, reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from tombola.campaigns.baskets import Basket, BasketLine
from tombola.catalogue.model import Product
from tombola.profiles.counts import WEEK, add, cells_of_week, contribution, packed_weeks, retract, week_of
from tombola.profiles.reading import read
from tombola.profiles.room import LEVELS, MAX_ORDER_BYTES, fit, fit_order, kept

START = datetime(2017, 1, 2, tzinfo=UTC)
PRODUCTS = [
    Product(product_id="1", brand="PRIVATE", category="SOUP"),
    Product(product_id="2", brand="NATIONAL", category="SOUP"),
    Product(product_id="3"),
]

lines = st.builds(
    BasketLine,
    line_id=st.just("1"),
    product=st.sampled_from(PRODUCTS),
    quantity=st.integers(0, 3),
    paid_minor=st.integers(-200, 500),
)
baskets = st.builds(
    Basket,
    retailer=st.just("corner-shop"),
    order_id=st.just("1"),
    shopper=st.just("s1"),
    store_id=st.just("1"),
    channel=st.just("store"),
    ordered_at=st.integers(0, 40).map(lambda days: START + timedelta(days=days)),
    currency=st.sampled_from(["USD", "EUR"]),
    lines=st.lists(lines, max_size=4).map(tuple),
)


def basket(*kept_lines: BasketLine, weeks: int = 0) -> Basket:
    return Basket("corner-shop", "1", "s1", "1", "store", START + weeks * WEEK, "USD", kept_lines)


def bought(product: Product, paid: int = 100) -> BasketLine:
    return BasketLine("1", product, 1, paid)


@cache
def varied(weeks: int, products: int) -> bytes:
    """Return what an order of many products adds: about 90 bytes each."""
    names = (Product(product_id=f"{n:020}", brand=f"b{n:020}", category=f"c{n % 10}") for n in range(products))
    return contribution(basket(*map(bought, names), weeks=weeks))


def kinds(counts: bytes) -> dict[int, set[str]]:
    return {week: {kind for kind, _ in cells_of_week(line)} for (week, _), line in packed_weeks(counts)}


@given(st.lists(baskets, max_size=6), baskets)
@settings(max_examples=50)
def test_adding_and_retracting_an_order_leaves_equal_bytes(others: list[Basket], order: Basket) -> None:
    counts = add(b"", map(contribution, others))
    assert retract(add(counts, [contribution(order)]), contribution(order)) == counts


@given(st.lists(baskets, max_size=6), st.data())
@settings(max_examples=50)
def test_orders_add_up_alike_in_any_order(orders: list[Basket], data: st.DataObject) -> None:
    one_by_one = reduce(
        lambda counts, order: add(counts, [contribution(order)]), data.draw(st.permutations(orders)), b""
    )
    assert one_by_one == add(b"", map(contribution, orders))


@given(st.lists(baskets, min_size=1, max_size=6))
@settings(max_examples=50)
def test_no_cell_is_ever_a_pair_of_zeros(orders: list[Basket]) -> None:
    counts = retract(add(b"", map(contribution, orders)), contribution(orders[0]))
    assert all((0, 0) not in cells_of_week(line).values() for _, line in packed_weeks(counts))


def test_a_line_counts_for_what_is_known_of_its_product() -> None:
    added = contribution(basket(bought(PRODUCTS[0], 250), bought(PRODUCTS[1], -50), bought(PRODUCTS[2], 7)))
    assert json.loads(added) == [
        week_of(START),
        "USD",
        {
            "brand": [["NATIONAL", 1, -50], ["PRIVATE", 1, 250]],
            "category": [["SOUP", 2, 200]],
            "orders": [["", 1, 207]],
            "product": [["1", 1, 250], ["2", 1, -50], ["3", 1, 7]],
        },
    ]


def test_an_order_with_nothing_left_adds_nothing() -> None:
    assert contribution(basket()) == b""


def test_money_of_two_currencies_is_never_added() -> None:
    euros = Basket("corner-shop", "2", "s1", "1", "store", START, "EUR", (bought(PRODUCTS[0]),))
    counts = add(contribution(basket(bought(PRODUCTS[0]))), [contribution(euros)])
    assert [week for week, _ in packed_weeks(counts)] == [(week_of(START), "EUR"), (week_of(START), "USD")]


def test_weeks_begin_on_monday_in_utc() -> None:
    assert week_of(datetime(1970, 1, 5, tzinfo=UTC)) == 0
    assert week_of(START) == week_of(START - timedelta(microseconds=1)) + 1


def test_weeks_leave_after_156_weeks() -> None:
    counts = add(varied(0, 1), [varied(1, 1)])
    assert kept(counts, START + 156 * WEEK) == counts
    assert kept(counts, START + 157 * WEEK) == varied(1, 1)


def test_a_profile_that_fits_keeps_every_detail() -> None:
    assert fit(varied(0, 100)) == varied(0, 100)


def test_products_of_the_newest_weeks_stay_when_there_is_no_room_for_all() -> None:
    counts = add(b"", [varied(week, 300) for week in range(20)])
    assert len(counts) > LEVELS[0][0]
    fitted = fit(counts)
    found = kinds(fitted)
    weeks = sorted(found)
    with_products = [week for week in weeks if "product" in found[week]]
    assert with_products == weeks[-len(with_products) :]
    assert 0 < len(with_products) < len(weeks)
    assert all("orders" in found[week] for week in weeks)
    assert len(fitted) <= LEVELS[1][0] + 156 * 60


@given(st.permutations(range(16)))
@settings(max_examples=10)
def test_what_is_kept_does_not_depend_on_arrival(order_of_arrival: list[int]) -> None:
    counts = reduce(lambda sums, week: add(sums, [varied(week, 200)]), order_of_arrival, b"")
    assert fit(counts) == fit(add(b"", [varied(week, 200) for week in range(16)]))


def test_the_oldest_weeks_keep_their_totals_at_least() -> None:
    counts = add(b"", [varied(week, 1000) for week in range(12)])
    found = kinds(fit(counts))
    assert found[min(found)] == {"orders"}
    assert len(found) == 12


def test_an_order_too_varied_for_its_own_room_adds_no_products() -> None:
    huge = varied(0, 2_200)
    assert len(huge) > MAX_ORDER_BYTES
    assert kinds(fit_order(huge)) == {week_of(START): {"orders", "brand", "category"}}
    wordy = (Product(product_id=f"{n}", brand="b" * 150 + f"{n}") for n in range(2_000))
    assert kinds(fit_order(contribution(basket(*map(bought, wordy))))) == {week_of(START): {"orders"}}


def test_an_order_line_counts_half_after_the_half_life() -> None:
    scores = read(contribution(basket(bought(PRODUCTS[0], 300))), 8, START + 8 * WEEK)
    assert scores.of("brand", "PRIVATE") == 0.5
    assert scores.spend["brand", "PRIVATE", "USD"] == 150
    assert scores.of("brand", "unheard of") == 0


def test_the_strongest_come_first_and_equals_by_name() -> None:
    counts = contribution(basket(bought(PRODUCTS[0]), bought(PRODUCTS[1]), bought(PRODUCTS[0])))
    assert read(counts, 8, START).top("brand", 5) == [("PRIVATE", 2.0), ("NATIONAL", 1.0)]
    assert read(counts, 8, START).top("category", 1) == [("SOUP", 3.0)]


def test_the_future_and_the_far_past_do_not_count() -> None:
    counts = add(varied(0, 1), [varied(400, 1)])
    assert read(counts, 8, START + 200 * WEEK).lines == {}
