from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.campaigns.baskets import Basket, BasketLine
from tombola.campaigns.criteria import Change, evaluate
from tombola.campaigns.model import Campaign
from tombola.campaigns.wording import Language, banner, explain
from tombola.catalogue.model import Product

Build = Callable[..., Basket]
BuildCampaign = Callable[..., Campaign]
Bought = list[tuple[str, int, int]]
Clauses = dict[str, list[dict[str, object]]]

YOGURT = Product(product_id="plain", brand="National", category="YOGURT", department="GROCERY")
LINES = st.lists(
    st.tuples(st.sampled_from(["plain", "berry", "own", "card", "fuel"]), st.integers(0, 4), st.integers(-200, 900)),
    max_size=6,
)
BOUNDS = {
    "minimum_quantity": st.integers(1, 6),
    "minimum_spend": st.decimals("0.01", "12.00", places=2).map(str),
    "minimum_distinct_products": st.integers(1, 4),
}
OPEN_SELECTIONS = st.sampled_from(
    [{}, {"brands": ["National"]}, {"categories": ["YOGURT"]}, {"departments": ["GROCERY"]}]
)
MINIMUMS = st.fixed_dictionaries({"of": OPEN_SELECTIONS}, optional=BOUNDS).filter(lambda condition: len(condition) > 1)
SELECTIONS = OPEN_SELECTIONS | st.sampled_from(
    [{"products": ["plain"]}, {"brands": ["Private"], "categories": ["YOGURT"]}]
)
ANY_BOUNDS = BOUNDS | {"maximum_quantity": st.integers(0, 5)}
CONDITIONS = st.fixed_dictionaries({"of": SELECTIONS}, optional=ANY_BOUNDS).filter(lambda condition: len(condition) > 1)


def some(conditions: st.SearchStrategy[dict[str, object]]) -> st.SearchStrategy[list[dict[str, object]]]:
    return st.lists(conditions, max_size=3)


def with_lines(basket: Basket, *lines: tuple[str, int, int]) -> Basket:
    more = (
        BasketLine(f"more-{name}", YOGURT.model_copy(update={"product_id": name}), quantity, paid)
        for name, quantity, paid in lines
    )
    return replace(basket, lines=(*basket.lines, *more))


def carried_out(change: Change) -> Iterator[tuple[str, int, int]]:
    """Yield lines that add exactly what a change asks for."""
    units = max(change.add_units, change.add_products)
    for number in range(max(change.add_products, 1)):
        rest = units - change.add_products if number == 0 else 0
        quantity = rest + (1 if change.add_products else 0)
        yield f"new-{change.clause}-{change.index}-{number}", quantity, change.add_minor if number == 0 else 0


@given(
    lines=LINES,
    criteria=st.fixed_dictionaries({"all": some(CONDITIONS), "any": some(CONDITIONS), "none": some(CONDITIONS)}),
)
def test_something_is_missing_exactly_when_a_basket_does_not_qualify(
    lines: Bought, criteria: Clauses, basket: Build, campaign_with: BuildCampaign
) -> None:
    trace = evaluate(campaign_with(criteria=criteria), basket(*lines))
    met = {clause: [each.met for each in trace.conditions if each.clause == clause] for clause in criteria}
    qualifies = all(met["all"]) and (any(met["any"]) or not met["any"]) and not any(met["none"])
    assert trace.qualifies == qualifies
    assert bool(trace.missing) == (not qualifies)
    assert all(change.size > (0, 0, 0) for change in trace.missing)


@given(lines=LINES, criteria=st.fixed_dictionaries({"all": some(MINIMUMS), "any": some(MINIMUMS)}))
def test_making_the_missing_changes_qualifies(
    lines: Bought, criteria: Clauses, basket: Build, campaign_with: BuildCampaign
) -> None:
    campaign, before = campaign_with(criteria=criteria), basket(*lines)
    more = [line for change in evaluate(campaign, before).missing for line in carried_out(change)]
    assert evaluate(campaign, with_lines(before, *more)).qualifies


@given(lines=LINES, wanted=st.integers(1, 6))
def test_no_smaller_quantity_would_do(lines: Bought, wanted: int, basket: Build, campaign_with: BuildCampaign) -> None:
    campaign = campaign_with(criteria={"all": [{"of": {"categories": ["YOGURT"]}, "minimum_quantity": wanted}]})
    before = basket(*lines)
    needed = next(n for n in count() if evaluate(campaign, with_lines(before, ("plain", n, 0))).qualifies)
    assert needed == sum(change.add_units for change in evaluate(campaign, before).missing)


@given(lines=LINES, wanted=st.integers(1, 300))
def test_no_smaller_spend_would_do(lines: Bought, wanted: int, basket: Build, campaign_with: BuildCampaign) -> None:
    campaign = campaign_with(criteria={"all": [{"minimum_spend": f"{wanted / 100:.2f}"}]})
    before = basket(*lines)
    found = evaluate(campaign, before).conditions[0].bounds[0].found
    steps = range(max(wanted - found - 2, 0), max(wanted - found, 0) + 1)
    needed = next(n for n in steps if evaluate(campaign, with_lines(before, ("plain", 1, n))).qualifies)
    assert needed == sum(change.add_minor for change in evaluate(campaign, before).missing)


@given(lines=LINES, wanted=st.integers(1, 5))
def test_no_fewer_products_would_do(lines: Bought, wanted: int, basket: Build, campaign_with: BuildCampaign) -> None:
    campaign = campaign_with(criteria={"all": [{"minimum_distinct_products": wanted}]})
    before = basket(*lines)
    new = [(f"new-{number}", 1, 0) for number in range(wanted)]
    needed = next(n for n in count() if evaluate(campaign, with_lines(before, *new[:n])).qualifies)
    assert needed == sum(change.add_products for change in evaluate(campaign, before).missing)


def test_excluded_lines_and_categories_never_count(basket: Build, campaign_with: BuildCampaign) -> None:
    campaign = campaign_with(criteria={"all": [{"minimum_quantity": 1}]})
    trace = evaluate(campaign, basket(("fuel", 900, 4000), ("wine", 2, 3000)))
    assert not trace.qualifies
    assert trace.conditions[0].line_ids == ()


def test_a_basket_with_a_forbidden_product_is_told_to_leave_it_out(basket: Build, campaign: Campaign) -> None:
    trace = evaluate(campaign, basket(("plain", 2, 900), ("berry", 1, 300), ("card", 2, 5000)))
    (change,) = trace.missing
    assert (change.clause, change.remove_units) == ("none", 2)


def test_a_maximum_passed_says_how_many_are_too_many(basket: Build, campaign_with: BuildCampaign) -> None:
    campaign = campaign_with(criteria={"all": [{"of": {"brands": ["National"]}, "maximum_quantity": 3}]})
    (change,) = evaluate(campaign, basket(("plain", 5, 900))).missing
    assert change.remove_units == 2


def test_the_trace_names_the_lines_that_count(basket: Build, campaign: Campaign) -> None:
    trace = evaluate(campaign, basket(("own", 1, 500), ("plain", 1, 500), ("berry", 1, 200)))
    assert trace.qualifies
    assert trace.conditions[0].line_ids == ("l1", "l2")


def test_of_several_ways_the_smallest_is_named(basket: Build, campaign_with: BuildCampaign) -> None:
    ways = [
        {"of": {"brands": ["National"]}, "minimum_quantity": 9},
        {"of": {"brands": ["Private"]}, "minimum_quantity": 2},
    ]
    (change,) = evaluate(campaign_with(criteria={"any": ways}), basket(("own", 1, 100))).missing
    assert (change.index, change.add_units) == (1, 1)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ("To take part: 1 more of National, YOGURT.", "To take part: 7.00 USD more of any product.")),
        (
            "fr",
            (
                "Pour participer : encore 1 de National, YOGURT.",
                "Pour participer : encore 7,00 USD de n'importe quel produit.",
            ),
        ),
    ],
)
def test_a_shopper_reads_what_is_missing(
    language: Language, expected: tuple[str, ...], basket: Build, campaign: Campaign
) -> None:
    assert explain(evaluate(campaign, basket(("plain", 1, 300))), "USD", language) == expected


def test_a_shopper_reads_that_the_basket_takes_part(basket: Build, campaign: Campaign) -> None:
    trace = evaluate(campaign, basket(("plain", 2, 1200)))
    assert explain(trace, "USD") == ("Your basket takes part.",)
    assert explain(trace, "USD", "fr") == ("Votre panier participe.",)


def test_every_word_of_change_exists_in_both_languages(basket: Build, campaign_with: BuildCampaign) -> None:
    none = [{"minimum_spend": "1.00"}, {"minimum_distinct_products": 1}, {"minimum_quantity": 1}]
    trace = evaluate(
        campaign_with(criteria={"all": [{"minimum_distinct_products": 3}], "none": none}), basket(("own", 1, 200))
    )
    assert len(explain(trace, "USD", "en")) == len(explain(trace, "USD", "fr")) == 4


def test_a_banner_says_what_can_be_won(campaign: Campaign, campaign_with: BuildCampaign) -> None:
    assert banner(campaign) == "Spring wheel. Win the value of your basket, up to 50.00 USD."
    fixed = campaign_with(prizes=[{"name": "note", "kind": "fixed", "amount": "20", "moments": 40}])
    assert banner(fixed, "fr") == "Spring wheel. Gagnez 20,00 USD."
