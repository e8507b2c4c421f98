from collections.abc import Callable
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tombola.campaigns.baskets import basket_of
from tombola.campaigns.candidates import CampaignIndex, candidates, needed
from tombola.campaigns.criteria import evaluate
from tombola.campaigns.model import Campaign, Launched
from tombola.campaigns.selecting import Criteria
from tombola.catalogue.model import Product
from tombola.orders.facts import Header, Line, Order

BuildCampaign = Callable[..., Campaign]
Clauses = dict[str, list[dict[str, object]]]

INSIDE = datetime(2027, 3, 10, 12, tzinfo=UTC)
VALUES = st.sampled_from(["a", "b", "c"])
NAMED = st.lists(VALUES, min_size=1, max_size=2)
SELECTIONS = st.fixed_dictionaries(
    {}, optional={"products": NAMED, "brands": NAMED, "categories": NAMED, "sizes": NAMED}
)
BOUNDS = {
    "minimum_quantity": st.integers(1, 2),
    "maximum_quantity": st.integers(0, 2),
    "minimum_spend": st.just("0.01"),
    "maximum_spend": st.just("3.00"),
    "minimum_distinct_products": st.just(1),
}
PARTS = st.fixed_dictionaries({"of": SELECTIONS, "quantity": st.just(1)})
CONDITIONS = st.fixed_dictionaries({"of": SELECTIONS}, optional=BOUNDS).filter(lambda each: len(each) > 1) | (
    st.fixed_dictionaries({"bundle": st.lists(PARTS, min_size=1, max_size=2), "minimum_bundles": st.just(1)})
)
CRITERIA = st.fixed_dictionaries(
    {
        "all": st.lists(CONDITIONS, max_size=2),
        "any": st.lists(CONDITIONS, max_size=2),
        "none": st.lists(CONDITIONS, max_size=1),
    }
)
PRODUCTS = st.lists(st.builds(Product, VALUES, st.just(""), VALUES, VALUES, st.just(""), VALUES), max_size=3)


def launched(rules: Campaign) -> Launched:
    return Launched(
        rules=rules, version=1, rules_hash="", witness="", commitment={}, launched_at=INSIDE, status="launched"
    )


def order_of(*products: Product, **changed: object) -> Order:
    lines = tuple(
        Line(line_id=str(number), product_id=one.product_id, quantity=1, value_minor=100)
        for number, one in enumerate(products)
    )
    header = Header(shopper="s", store_id="7", ordered_at=INSIDE, currency="USD")
    fields = {"retailer": "corner-shop", "order_id": "o", "revision": 1, "authoritative": True, **changed}
    return Order(header=header, lines=lines, **fields)


@given(several=st.lists(CRITERIA, max_size=4), products=PRODUCTS)
def test_the_index_never_leaves_out_a_campaign_that_the_basket_meets(
    several: list[Clauses], products: list[Product], campaign_with: BuildCampaign
) -> None:
    live = [launched(campaign_with(campaign=f"c-{number}", criteria=each)) for number, each in enumerate(several)]
    known = {one.product_id: one for one in products}
    order = order_of(*products)
    found = CampaignIndex(live).candidates(order, known.values())
    met = [each for each in live if evaluate(each.rules, basket_of(order, known)).qualifies]
    assert [each for each in found if each in met] == met
    assert [each for each in candidates(live, order) if each in found] == list(found)


def test_of_many_campaigns_only_those_that_could_match_are_looked_at(campaign_with: BuildCampaign) -> None:
    live = [
        launched(
            campaign_with(
                campaign=f"c-{number}", criteria={"all": [{"of": {"brands": [brand]}, "minimum_quantity": 1}]}
            )
        )
        for number, brand in enumerate(["a", "b", *["another"] * 20])
    ]
    index = CampaignIndex([*live, launched(campaign_with(campaign="open-to-all", criteria={}))])
    milk = Product("milk", brand="b")
    assert [each.rules.campaign for each in index.candidates(order_of(milk), [milk])] == ["c-1", "open-to-all"]
    assert [each.rules.campaign for each in index.candidates(order_of(), [])] == ["open-to-all"]
    assert index.candidates(order_of(milk, retailer="elsewhere"), [milk]) == ()
    assert index.at("elsewhere") == ()
    assert index.at("corner-shop") == index.campaigns


def test_the_narrowest_name_is_looked_up() -> None:
    broad = {"of": {"categories": ["YOGURT"]}, "minimum_quantity": 2}
    narrow = {"of": {"brands": ["National"], "departments": ["GROCERY"]}, "minimum_spend": "1"}
    assert needed(Criteria.model_validate({"all": [broad, narrow]})) == {("brand", "National")}
    assert needed(Criteria.model_validate({"any": [broad, narrow]})) == {("category", "YOGURT"), ("brand", "National")}
    assert needed(Criteria.model_validate({"any": [broad, {"minimum_quantity": 1}]})) is None
    assert needed(Criteria.model_validate({"all": [{"of": broad["of"], "maximum_quantity": 2}]})) is None
