import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tombola.appraisals.recorded import recorded_orders
from tombola.appraisals.uptake import Uptake, estimate, read_values, replayed_uptake, stated_uptake
from tombola.appraisals.usecases import replay_uptake
from tombola.campaigns.baskets import Basket, basket_of
from tombola.campaigns.liability import liability
from tombola.campaigns.model import Campaign
from tombola.experiments.arms import arm
from tombola.orders.facts import Header, Line, Order, Payment, ReturnedLine
from tombola.ports import Ports

Build = Callable[..., Campaign]
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""
EVERYBODY = {"share": 0, "mode": "invitation"}
TWO = {"all": [{"minimum_quantity": 2}]}


@pytest.fixture
def rules(campaign_with: Build) -> Campaign:
    return campaign_with(control=EVERYBODY, criteria=TWO, limits={"per_shopper": 2, "per_campaign": 5000})


@pytest.fixture
def at(basket: Callable[..., Basket]) -> Callable[..., Basket]:
    """Build a basket of so many yogurts at 3.00, made some days later, with other things about it changed."""

    def build(quantity: int, days: float = 0, **changed: object) -> Basket:
        made = basket(("plain", quantity, 300 * quantity))
        return replace(made, ordered_at=AT + timedelta(days=days), **changed)

    return build


def test_baskets_that_qualify_are_counted_with_what_they_are_worth(rules: Campaign, at: Callable[..., Basket]) -> None:
    baskets = [at(2), at(1, 1), at(30, 2, shopper="s-2"), at(3, 31)]
    found = replayed_uptake(rules, baskets)
    assert (found.orders, found.bases) == (4, (600, 5_000, 900))
    assert (found.since, found.until) == (AT, AT + timedelta(days=31))
    assert found.tokens == 3


def test_a_shorter_past_is_scaled_to_the_window(rules: Campaign, at: Callable[..., Basket]) -> None:
    window = rules.window.closes_at - rules.window.opens_at
    ten_days = [at(2, day, shopper=f"s-{day}") for day in range(11)]
    assert replayed_uptake(rules, ten_days).tokens == -(-11 * window // timedelta(days=10))
    assert replayed_uptake(rules, ten_days[:1]).tokens == -(-window // timedelta(days=1))
    assert replayed_uptake(rules, []) == Uptake(0, (), 0)


def test_a_shopper_earns_no_more_than_the_limit(rules: Campaign, at: Callable[..., Basket]) -> None:
    assert len(replayed_uptake(rules, [at(2, day) for day in range(5)]).bases) == 2
    elsewhere = [at(2, 5, retailer="elsewhere"), at(2, 6, shopper=None)]
    assert len(replayed_uptake(rules, [at(2, day) for day in range(5)] + elsewhere).bases) == 3


def test_every_tier_that_is_met_in_order_earns_a_token(campaign_with: Build, at: Callable[..., Basket]) -> None:
    tiers = [{"all": [{"minimum_quantity": 4}]}, {"all": [{"minimum_quantity": 6}]}]
    rules = campaign_with(control=EVERYBODY, criteria=TWO, further_tiers=tiers, limits={})
    assert [len(replayed_uptake(rules, [at(quantity)]).bases) for quantity in (1, 2, 4, 6)] == [0, 1, 2, 3]


def test_what_takes_no_part_is_looked_at_and_not_counted(campaign_with: Build, at: Callable[..., Basket]) -> None:
    hours = [{"days": ["monday"], "begins": "06:00", "ends": "08:00"}]
    rules = campaign_with(
        control=EVERYBODY, criteria=TWO, limits={}, stores=["1"], channels=["store"], weekly_hours=hours
    )
    others = [at(2, store_id="2"), at(2, channel="web"), at(2, currency="EUR"), at(2, 1), at(2, 0.2), at(2, lines=())]
    found = replayed_uptake(rules, [at(2), *others])
    assert (found.orders, len(found.bases)) == (7, 1)


def test_the_control_group_earns_nothing_by_invitation(campaign_with: Build, at: Callable[..., Basket]) -> None:
    baskets = [at(2, shopper=f"s-{n}") for n in range(200)]
    half = campaign_with(control={"share": "0.5", "mode": "invitation"}, criteria=TWO)
    invited = sum(arm("spring-wheel", 1, f"s-{n}", half.control.share).arm == "invited" for n in range(200))
    assert len(replayed_uptake(half, baskets).bases) == invited
    banner = campaign_with(control={"share": "0.5", "mode": "banner"}, criteria=TWO)
    assert len(replayed_uptake(banner, baskets).bases) == 200


def test_an_estimate_goes_up_with_uptake_and_stays_below_the_worst_case(rules: Campaign) -> None:
    found = estimate(rules, stated_uptake(rules, [1_000, 3_000, 8_000]))
    assert found is not None
    assert [payout.tokens for payout in found.payouts] == [3, 6, 15]
    costs = [payout.expected_minor for payout in found.payouts]
    assert costs == sorted(costs)
    assert all(payout.high_minor <= liability(rules).worst_case_minor for payout in found.payouts)
    assert found == estimate(rules, stated_uptake(rules, [1_000, 3_000, 8_000]))
    assert estimate(rules, Uptake(5, (), 0)) is None


def test_stated_values_are_read_line_by_line() -> None:
    assert read_values("12.50\n 3\n", "USD") == ([1_250, 300], [])
    values, problems = read_values("12.50\nmuch\n\n1.005\nNaN", "USD")
    assert values == [1_250]
    assert [(problem.where, problem.found) for problem in problems] == [
        ("line 2", "'much'"), ("line 3", "''"), ("line 4", "'1.005'"), ("line 5", "'NaN'"),
    ]  # fmt: skip


def record(ports: Ports, *orders: Order) -> None:
    rows = [
        {
            "event_id": f"{order.order_id}-{order.revision}",
            "published_at": AT,
            "type": "order-recorded",
            "body": json.dumps({"order": order.model_dump(mode="json")}),
        }
        for order in orders
    ]
    ports.warehouse.append("order_recorded", "batch", rows)


def order(name: str, revision: int = 1, *, days: float = 0, quantity: int = 2, **changed: object) -> Order:
    made = Order(
        retailer="corner-shop",
        order_id=name,
        revision=revision,
        authoritative=True,
        header=Header(shopper=name, store_id="1", ordered_at=AT + timedelta(days=days), currency="USD"),
        lines=(Line(line_id="1", product_id="p", quantity=quantity, value_minor=1_000, coupon_minor=100),),
    )
    return made.model_copy(update=changed)


def test_the_orders_that_were_recorded_last_count_as_they_now_stand(ports: Ports, rules: Campaign) -> None:
    back = ReturnedLine(return_id="r", line_id="1", quantity=1, value_minor=500)
    paid = Payment(payment_id="p", tender="gift_card", amount_minor=400)
    record(
        ports,
        order("long-ago", days=-40),
        order("kept"),
        order("returned", 2, days=1, returns=(back,)),
        order("returned", 1, days=1),
        order("cancelled", days=2, cancelled_at=AT),
        order("by-gift-card", days=3, payments=(paid,)),
        order("elsewhere", days=60, retailer="elsewhere"),
        order("foreign", days=60, header=order("foreign").header.model_copy(update={"currency": "EUR"})),
    )
    found = replay_uptake(ports, rules)
    assert (found.orders, found.bases) == (4, (900, 500))


def test_of_many_orders_every_nth_stands_for_n(ports: Ports, rules: Campaign) -> None:
    record(ports, *(order(f"o-{day}", days=day) for day in range(10)))
    backend = ports.warehouse.ibis()
    try:
        found = recorded_orders(backend, rules, most=4)
    finally:
        backend.disconnect()
    assert [each.order_id for each in found.orders] == ["o-0", "o-3", "o-6", "o-9"]
    assert found.stands_for == 3
    baskets = [basket_of(each, {}) for each in found.orders]
    window = rules.window.closes_at - rules.window.opens_at
    assert replayed_uptake(rules, baskets, 3).tokens == -(-12 * window // timedelta(days=9))


def test_an_empty_warehouse_is_an_uptake_of_nothing(ports: Ports, rules: Campaign) -> None:
    assert replay_uptake(ports, rules) == Uptake(0, (), 0)
