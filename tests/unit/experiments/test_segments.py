from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.campaigns.audience import Segment
from tombola.campaigns.baskets import Basket, BasketLine
from tombola.catalogue.model import Product
from tombola.experiments.segments import History, in_segment
from tombola.profiles.counts import add, contribution, week_of

AT = datetime(2027, 3, 10, 12, tzinfo=UTC)
"""A Wednesday."""
PRODUCTS = (
    Product(product_id="p1", brand="National", category="YOGURT"),
    Product(product_id="p2", brand="Private", category="YOGURT"),
    Product(product_id="p3", brand="Private", category="BEER"),
)


def basket(weeks_ago: float, *lines: tuple[int, int], currency: str = "USD") -> Basket:
    """Return an order so many weeks ago of (index of a product, paid) lines."""
    return Basket(
        retailer="corner-shop", order_id="o", shopper="s", store_id="1", channel="store",
        ordered_at=AT - timedelta(weeks=weeks_ago), currency=currency,
        lines=tuple(BasketLine(str(n), PRODUCTS[index], 1, paid) for n, (index, paid) in enumerate(lines)),
    )  # fmt: skip


def counts_of(baskets: list[Basket]) -> bytes:
    return add(b"", map(contribution, baskets))


def holds(baskets: list[Basket], on: frozenset[str] = frozenset(), **segment: Any) -> bool:  # noqa: ANN401 (any field)
    return in_segment(Segment.model_validate(segment), History.read(counts_of(baskets), AT), on, "USD")


REGULAR = [basket(0.1, (0, 300)), basket(3, (0, 300), (2, 500)), basket(20, (1, 900))]
LAPSED = [basket(12, (0, 300)), basket(30, (2, 500))]
NOBODY: list[Basket] = []


@pytest.mark.parametrize(
    ("segment", "who"),
    [
        ({}, "regular lapsed nobody"),
        ({"bought_within_weeks": 1}, "regular"),
        ({"bought_within_weeks": 13}, "regular lapsed"),
        ({"not_bought_for_weeks": 12}, "lapsed"),
        ({"not_bought_for_weeks": 13}, ""),
        ({"new_within_weeks": 21}, "regular nobody"),
        ({"new_within_weeks": 2}, "nobody"),
        ({"minimum_orders": 2}, "regular lapsed"),
        ({"minimum_orders": 2, "within_weeks": 4}, "regular"),
        ({"maximum_orders": 0, "within_weeks": 4}, "lapsed nobody"),
        ({"minimum_spend": "20.00"}, "regular"),
        ({"minimum_spend": "8.01"}, "regular"),
        ({"minimum_spend": "8.00"}, "regular lapsed"),
        ({"affinity": [{"of": {"brands": ["National"]}, "minimum_lines": 2}]}, "regular"),
        ({"affinity": [{"of": {"brands": ["National"]}, "minimum_lines": 2, "within_weeks": 3}]}, ""),
        ({"affinity": [{"of": {"products": ["p2", "p3"]}, "minimum_lines": 2}]}, "regular"),
        ({"affinity": [{"of": {"categories": ["BEER"]}}, {"of": {"brands": ["National"]}}]}, "regular lapsed"),
        ({"lists": ["vip", "staff"]}, ""),
    ],
)
def test_a_segment_holds_of_those_whose_profile_says_so(segment: dict[str, Any], who: str) -> None:
    people = {"regular": REGULAR, "lapsed": LAPSED, "nobody": NOBODY}
    assert [name for name, baskets in people.items() if holds(baskets, **segment)] == who.split()


def test_one_of_the_lists_is_enough_and_all_else_must_hold_too() -> None:
    vip = frozenset({"vip"})
    assert holds(NOBODY, vip, lists=["vip", "staff"])
    assert not holds(NOBODY, vip, lists=["vip"], bought_within_weeks=4)


def test_spend_counts_in_the_campaigns_currency_alone() -> None:
    abroad = [basket(1, (0, 900), currency="EUR")]
    assert holds(abroad, bought_within_weeks=4)
    assert not holds(abroad, minimum_spend="1.00")


def test_orders_after_the_decision_are_not_known_yet() -> None:
    assert not holds([basket(-2, (0, 300))], bought_within_weeks=4)


baskets_of = st.lists(
    st.builds(
        lambda weeks, lines: basket(weeks, *lines),
        st.floats(0, 150),
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2_000)), min_size=1, max_size=3),
    ),
    max_size=6,
)
weeks = st.integers(1, 156)


def ago(one: Basket) -> int:
    return week_of(AT) - week_of(one.ordered_at)


@given(baskets=baskets_of, within=weeks)
def test_who_ever_ordered_has_bought_within_some_weeks_or_lapsed_for_as_many(
    baskets: list[Basket], within: int
) -> None:
    bought, lapsed = holds(baskets, bought_within_weeks=within), holds(baskets, not_bought_for_weeks=within)
    assert bought == any(ago(one) < within for one in baskets)
    assert lapsed == (bool(baskets) and not bought)
    assert holds(baskets, new_within_weeks=within) == all(ago(one) < within for one in baskets)


@given(baskets=baskets_of, within=weeks, orders=st.integers(1, 4), spend=st.integers(1, 6_000))
def test_frequency_and_spend_are_those_of_the_orders_in_these_weeks(
    baskets: list[Basket], within: int, orders: int, spend: int
) -> None:
    recent = [one for one in baskets if ago(one) < within]
    paid = sum(line.paid_minor for one in recent for line in one.lines)
    assert holds(baskets, minimum_orders=orders, within_weeks=within) == (len(recent) >= orders)
    assert holds(baskets, maximum_orders=orders, within_weeks=within) == (len(recent) <= orders)
    assert holds(baskets, minimum_spend=f"{spend / 100:.2f}", within_weeks=within) == (paid >= spend)


@given(baskets=baskets_of, within=weeks, least=st.integers(1, 4))
def test_affinity_counts_the_lines_that_were_bought_in_these_weeks(
    baskets: list[Basket], within: int, least: int
) -> None:
    lines = [line for one in baskets if ago(one) < within for line in one.lines]
    for field, attribute, value in (
        ("brands", "brand", "Private"), ("categories", "category", "YOGURT"), ("products", "product_id", "p3"),
    ):  # fmt: skip
        wanted = sum(getattr(line.product, attribute) == value for line in lines)
        affinity = [{"of": {field: [value]}, "minimum_lines": least, "within_weeks": within}]
        assert holds(baskets, affinity=affinity) == (wanted >= least)
