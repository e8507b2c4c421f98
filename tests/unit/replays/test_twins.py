"""What is counted for many orders at once is what the game decides order by order."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tombola.campaigns.baskets import basket_of
from tombola.campaigns.candidates import candidates
from tombola.campaigns.criteria import evaluate_tiers
from tombola.campaigns.model import Campaign, Launched
from tombola.campaigns.prizes import prize_base_minor
from tombola.catalogue.model import Product
from tombola.games.eligibility import Circumstances, evaluate_order
from tombola.orders.facts import Header, Line, Order, Payment, ReturnedLine
from tombola.replays.assembly import Recorded, counted_orders
from tombola.replays.judging import Around, judged
from tombola.replays.lines import kept_lines

Hand = Callable[[Sequence[Order]], Recorded]
BuildCampaign = Callable[..., Campaign]
Catalogue = dict[str, Product]
Clauses = dict[str, list[dict[str, object]]]
MONDAY = datetime(2027, 3, 8, tzinfo=UTC)

LINES = st.lists(
    st.builds(
        Line,
        line_id=st.sampled_from("abcd"),
        product_id=st.sampled_from(["plain", "berry", "own", "fuel", "wine", "unheard-of"]),
        quantity=st.integers(0, 4),
        value_minor=st.integers(0, 900),
        coupon_minor=st.sampled_from([0, 0, 75, 333]),
    ),
    max_size=4,
    unique_by=lambda line: line.line_id,
).map(tuple)
RETURNS = st.lists(
    st.builds(
        ReturnedLine,
        return_id=st.just("r"),
        line_id=st.sampled_from("abcd"),
        quantity=st.integers(0, 3),
        value_minor=st.integers(0, 500),
    ),
    max_size=2,
).map(tuple)
HEADERS = st.builds(
    Header,
    shopper=st.sampled_from(["s-1", "s-2", "s-3", "s-4", None]),
    household=st.sampled_from(["h-1", None]),
    store_id=st.sampled_from(["1", "2"]),
    ordered_at=st.integers(0, 14 * 24).map(lambda hours: MONDAY + timedelta(hours=hours)),
    currency=st.sampled_from(["USD", "USD", "EUR"]),
    channel=st.sampled_from(["store", "web"]),
)
PAYMENTS = st.lists(
    st.builds(
        Payment,
        payment_id=st.just("p"),
        tender=st.sampled_from(["card", "Gift_Card"]),
        amount_minor=st.integers(0, 300),
    ),
    max_size=2,
).map(tuple)
ORDERS = st.lists(
    st.builds(
        Order,
        retailer=st.just("corner-shop"),
        order_id=st.text("0123456789", min_size=1, max_size=4),
        revision=st.just(1),
        authoritative=st.just(value=True),
        header=HEADERS,
        lines=LINES,
        promised_lines=st.none() | LINES,
        returns=RETURNS,
        payments=PAYMENTS,
        cancelled_at=st.sampled_from([None, None, None, MONDAY]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda order: order.order_id,
)
BOUNDS = {
    "minimum_quantity": st.integers(1, 6),
    "maximum_quantity": st.integers(0, 5),
    "minimum_spend": st.decimals("0.01", "12.00", places=2).map(str),
    "maximum_spend": st.decimals("0.01", "12.00", places=2).map(str),
    "minimum_distinct_products": st.integers(1, 4),
}
SELECTIONS = st.sampled_from(
    [{}, {"brands": ["National"]}, {"categories": ["YOGURT"]}, {"products": ["plain", "unheard-of"]},
     {"brands": ["Private"], "categories": ["YOGURT"]}]
)  # fmt: skip
PARTS = st.fixed_dictionaries({"of": SELECTIONS, "quantity": st.integers(1, 3)})
BUNDLES = st.fixed_dictionaries(
    {"bundle": st.lists(PARTS, min_size=1, max_size=2), "minimum_bundles": st.integers(1, 2)}
)
CONDITIONS = BUNDLES | st.fixed_dictionaries({"of": SELECTIONS}, optional=BOUNDS).filter(
    lambda condition: len(condition) > 1
)
CRITERIA = st.fixed_dictionaries({clause: st.lists(CONDITIONS, max_size=2) for clause in ("all", "any", "none")})


@settings(max_examples=60)
@given(orders=ORDERS)
def test_what_is_left_of_orders_is_what_is_left_of_each(orders: list[Order], recorded: Hand) -> None:
    frame = recorded(orders).orders.with_row_index("order")
    for column, promised in (("lines", False), ("promised_lines", True)):
        left = sorted(kept_lines(frame, column).iter_rows())
        each = [
            (number, line.product.product_id, line.quantity, line.paid_minor)
            for number, order in enumerate(orders)
            if not promised or order.promised_lines is not None
            for line in basket_of(order, {}, promised=promised).lines
        ]
        assert left == sorted(each)


@settings(max_examples=60)
@given(orders=ORDERS, criteria=CRITERIA, further=st.lists(CRITERIA, max_size=2))
def test_baskets_counted_at_once_are_evaluated_as_one_by_one(
    orders: list[Order],
    criteria: Clauses,
    further: list[Clauses],
    recorded: Hand,
    products: Catalogue,
    campaign_with: BuildCampaign,
) -> None:
    rules = campaign_with(criteria=criteria, further_tiers=further)
    counted = counted_orders(rules, recorded(orders))
    for order, row in zip(orders, counted.orders.iter_rows(named=True), strict=True):
        basket = basket_of(order, products)
        traces = evaluate_tiers(rules, basket)
        promised = basket_of(order, products, promised=True)
        assert row["base_minor"] == min(prize_base_minor(rules, basket), prize_base_minor(rules, promised))
        assert row["tiers"] == sum(trace.qualifies for trace in traces)
        for trace in traces:
            for condition in trace.conditions:
                for bound in condition.bounds:
                    column = f"{trace.tier}.{condition.clause}.{condition.index}.{bound.bound}"
                    assert row[column] == bound.found


@settings(max_examples=60)
@given(
    orders=ORDERS,
    criteria=CRITERIA,
    limits=st.sampled_from([{}, {"per_shopper": 2}, {"per_household": 2}]),
    control=st.sampled_from(
        [
            {"share": "0", "mode": "invitation"},
            {"share": "0.5", "mode": "invitation"},
            {"share": "0.5", "mode": "banner"},
        ]
    ),
    first_order=st.booleans(),
    stores=st.sampled_from([[], ["1"]]),
    hours=st.sampled_from([[], [{"days": ["monday", "sunday"], "begins": "09:00", "ends": "17:30"}]]),
    prize=st.sampled_from(["basket_value", "fixed"]),
)
def test_an_order_qualifies_and_is_refused_as_in_the_game(
    orders: list[Order], recorded: Hand, products: Catalogue, campaign_with: BuildCampaign, prize: str,
    hours: list[object], **changed: object,
) -> None:  # fmt: skip
    worth = {"cap": "5.00"} if prize == "basket_value" else {"amount": "5.00"}
    rules = campaign_with(
        **changed,
        weekly_hours=hours,
        channels=["store"],
        window={"opens": "2027-03-01T00:00:00", "closes": "2027-04-01T00:00:00", "time_zone": "America/New_York"},
        prizes=[{"name": "prize", "kind": prize, "moments": 3, **worth}],
    )
    launched = Launched(
        rules=rules, version=1, rules_hash="", witness="", commitment={}, launched_at=MONDAY - timedelta(days=9),
        status="launched",
    )  # fmt: skip
    decided = judged(rules, counted_orders(rules, recorded(orders)).orders, Around({"corner-shop": "US"}))
    counting = [order for order in orders if basket_of(order, products).lines]
    for order, row in zip(orders, decided.iter_rows(named=True), strict=True):
        earlier = any(
            other.header.shopper == order.header.shopper and other.header.ordered_at < order.header.ordered_at
            for other in counting
        )
        around = Circumstances(bool(candidates([launched], order)), "US", is_first=not earlier)
        baskets = basket_of(order, products), basket_of(order, products, promised=True)
        first, *_ = evaluate_order(launched, order, *baskets, around)
        finer = {"other-store", "other-channel", "other-currency", "not-open"}
        assert ("not-in-campaign" if row["reason"] in finer else row["reason"]) == first.reason
        if first.qualifies:
            assert row["base_minor"] == first.base_minor
