from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tombola.campaigns.baskets import Basket, BasketLine
from tombola.campaigns.criteria import evaluate, evaluate_tiers
from tombola.campaigns.model import Campaign
from tombola.campaigns.selecting import Condition, Criteria
from tombola.campaigns.wording import explain
from tombola.catalogue.model import Product

Build = Callable[..., Basket]
BuildCampaign = Callable[..., Campaign]
Bought = list[tuple[str, int, int]]
Clauses = dict[str, list[dict[str, object]]]

YOGURT = Product(product_id="plain", brand="National", category="YOGURT", department="GROCERY")
GTIN = "00000000004006"
LINES = st.lists(
    st.tuples(st.sampled_from(["plain", "berry", "own", "card", "fuel"]), st.integers(0, 4), st.integers(-200, 900)),
    max_size=6,
)
BOUNDS = {
    "minimum_quantity": st.integers(1, 6),
    "minimum_spend": st.decimals("0.01", "12.00", places=2).map(str),
    "maximum_spend": st.decimals("0.01", "12.00", places=2).map(str),
    "minimum_distinct_products": st.integers(1, 4),
}
OPEN_SELECTIONS = st.sampled_from(
    [{}, {"brands": ["National"]}, {"categories": ["YOGURT"]}, {"departments": ["GROCERY"]}]
)
SELECTIONS = OPEN_SELECTIONS | st.sampled_from(
    [{"products": ["plain"]}, {"brands": ["Private"], "categories": ["YOGURT"]}]
)
ANY_BOUNDS = BOUNDS | {"maximum_quantity": st.integers(0, 5)}
CONDITIONS = st.fixed_dictionaries({"of": SELECTIONS}, optional=ANY_BOUNDS).filter(lambda condition: len(condition) > 1)


def some(conditions: st.SearchStrategy[dict[str, object]]) -> st.SearchStrategy[list[dict[str, object]]]:
    return st.lists(conditions, max_size=3)


@given(
    lines=LINES,
    criteria=st.fixed_dictionaries({"all": some(CONDITIONS), "any": some(CONDITIONS), "none": some(CONDITIONS)}),
)
def test_a_basket_qualifies_exactly_when_all_are_met_one_of_any_and_none_of_none(
    lines: Bought, criteria: Clauses, basket: Build, campaign_with: BuildCampaign
) -> None:
    trace = evaluate(campaign_with(criteria=criteria), basket(*lines))
    met = {clause: [each.met for each in trace.conditions if each.clause == clause] for clause in criteria}
    assert trace.qualifies == (all(met["all"]) and (any(met["any"]) or not met["any"]) and not any(met["none"]))
    assert all(each.met != any(bound.short_by for bound in each.bounds) for each in trace.conditions)


@given(lines=LINES, condition=CONDITIONS)
def test_every_bound_is_counted_over_the_lines_that_are_named(
    lines: Bought, condition: dict[str, object], basket: Build, campaign_with: BuildCampaign
) -> None:
    before = basket(*lines)
    (trace,) = evaluate(campaign_with(criteria={"all": [condition]}), before).conditions
    named = [line for line in before.lines if line.line_id in trace.line_ids]
    expected = {
        "minimum_quantity": sum(line.quantity for line in named),
        "maximum_quantity": sum(line.quantity for line in named),
        "minimum_spend": sum(line.paid_minor for line in named),
        "maximum_spend": sum(line.paid_minor for line in named),
        "minimum_distinct_products": len({line.product.product_id for line in named if line.quantity}),
    }
    assert {bound.bound: bound.found for bound in trace.bounds} == {
        bound.bound: expected[bound.bound] for bound in trace.bounds
    }


@given(lines=LINES, quantity=st.integers(1, 3), sets=st.integers(1, 3))
def test_no_unit_counts_for_two_parts_of_a_bundle(
    lines: Bought, quantity: int, sets: int, basket: Build, campaign_with: BuildCampaign
) -> None:
    parts = [{"of": {"brands": ["National"]}, "quantity": quantity}, {"of": {"categories": ["YOGURT"]}}]
    campaign = campaign_with(criteria={"all": [{"bundle": parts, "minimum_bundles": sets}]})
    (trace,) = evaluate(campaign, basket(*lines)).conditions
    units = Counter[str]()
    for product, many, _ in lines:
        units[product] += many
    found = min((units["plain"] + units["berry"]) // quantity, units["own"])
    assert [(bound.bound, bound.wanted, bound.found) for bound in trace.bounds] == [("minimum_bundles", sets, found)]


def test_a_maximum_passed_says_by_how_much(basket: Build, campaign_with: BuildCampaign) -> None:
    campaign = campaign_with(
        criteria={"all": [{"maximum_spend": "5.00", "maximum_quantity": 3, "minimum_quantity": 7}]}
    )
    (condition,) = evaluate(campaign, basket(("plain", 5, 900))).conditions
    short_by = {bound.bound: bound.short_by for bound in condition.bounds}
    assert short_by == {"maximum_spend": -400, "maximum_quantity": -2, "minimum_quantity": 2}


def test_sizes_and_gtins_are_attributes_like_others(basket: Build, campaign_with: BuildCampaign) -> None:
    campaign = campaign_with(criteria={"all": [{"of": {"sizes": ["1 L"], "gtins": [GTIN]}, "minimum_quantity": 1}]})
    for size, gtin, met in (("1 L", GTIN, True), ("2 L", GTIN, False), ("1 L", "", False)):
        line = BasketLine("l1", YOGURT._replace(size=size, gtin=gtin), 1, 100)
        assert evaluate(campaign, replace(basket(), lines=(line,))).qualifies == met


def test_every_tier_that_is_met_is_traced_and_the_first_that_is_not(
    basket: Build, campaign_with: BuildCampaign
) -> None:
    tiers = [{"all": [{"minimum_quantity": units}]} for units in (5, 6, 9)]
    campaign = campaign_with(criteria={"all": [{"minimum_quantity": 2}]}, further_tiers=tiers)
    for units, met in ((1, []), (2, [1]), (5, [1, 2]), (8, [1, 2, 3]), (9, [1, 2, 3, 4])):
        traces = evaluate_tiers(campaign, basket(("plain", units, 900)))
        assert [trace.tier for trace in traces if trace.qualifies] == met
        assert [trace.tier for trace in traces] == [*range(1, min(len(met) + 1, 4) + 1)]


def test_a_copy_with_other_criteria_asks_the_other_criteria(basket: Build, campaign_with: BuildCampaign) -> None:
    campaign = campaign_with(criteria={"all": [{"minimum_quantity": 2}]})
    assert evaluate(campaign, basket(("plain", 2, 900))).qualifies
    other = campaign.model_copy(update={"criteria": Criteria(all=(Condition(minimum_quantity=3),))})
    assert not evaluate(other, basket(("plain", 2, 900))).qualifies


def test_the_next_tier_says_what_one_more_spin_takes(basket: Build, campaign_with: BuildCampaign) -> None:
    campaign = campaign_with(
        criteria={"all": [{"of": {"brands": ["Private"]}, "maximum_quantity": 1}, {"minimum_quantity": 2}]},
        further_tiers=[{"all": [{"minimum_quantity": 5}]}],
    )
    first, second = evaluate_tiers(campaign, basket(("plain", 2, 600)))
    assert explain(first, "USD") == ("Your basket takes part.",)
    assert explain(second, "USD") == ("To play once more: add 3 units of any product (but not Private).",)
    assert explain(second, "USD", "fr") == (
        "Pour jouer une fois de plus : ajoutez 3 unités de n'importe quel produit (mais pas Private).",
    )


def test_excluded_lines_and_categories_never_count(basket: Build, campaign_with: BuildCampaign) -> None:
    campaign = campaign_with(criteria={"all": [{"minimum_quantity": 1}]})
    trace = evaluate(campaign, basket(("fuel", 900, 4000), ("wine", 2, 3000)))
    assert not trace.qualifies
    assert trace.conditions[0].line_ids == ()


def test_the_trace_names_the_lines_that_count(basket: Build, campaign: Campaign) -> None:
    trace = evaluate(campaign, basket(("own", 1, 500), ("plain", 1, 500), ("berry", 1, 200)))
    assert trace.qualifies
    assert trace.conditions[0].line_ids == ("l1", "l2")
