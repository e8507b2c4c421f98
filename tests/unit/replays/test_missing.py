"""What baskets lacked is told bound by bound, and how far off they were."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tombola.campaigns.model import Campaign
from tombola.orders.facts import Header, Line, Order
from tombola.replays.assembly import Recorded, counted_orders
from tombola.replays.judging import Around, judged
from tombola.replays.missing import misses
from tombola.replays.model import Miss

Hand = Callable[[Sequence[Order]], Recorded]
BuildCampaign = Callable[..., Campaign]
AT = datetime(2027, 3, 10, 12, tzinfo=UTC)


def baskets(*bought: dict[str, tuple[int, int]]) -> list[Order]:
    """Return an order per basket: units and minor units by product."""
    return [
        Order(
            retailer="corner-shop",
            order_id=str(number),
            revision=1,
            authoritative=True,
            header=Header(shopper=f"s-{number}", store_id="1", ordered_at=AT, currency="USD"),
            lines=tuple(
                Line(line_id=product, product_id=product, quantity=units, value_minor=minor)
                for product, (units, minor) in basket.items()
            ),
        )
        for number, basket in enumerate(bought)
    ]


def missed(rules: Campaign, recorded: Recorded) -> dict[str, Miss]:
    """Return what was missed, by clause, place and bound."""
    counted = counted_orders(rules, recorded)
    decided = judged(rules, counted.orders, Around({"corner-shop": "US"}))
    return {f"{miss.clause}.{miss.index}.{miss.bound}": miss for miss in misses(rules, counted, decided)}


def steps(miss: Miss) -> dict[int | None, int]:
    return {step.by: step.orders for step in miss.off_by}


def rules_with(campaign_with: BuildCampaign, **criteria: Any) -> Campaign:  # noqa: ANN401 (any clause)
    return campaign_with(criteria=criteria, control={"share": "0", "mode": "invitation"}, limits={})


def test_one_more_unit_is_told_apart_from_many(recorded: Hand, campaign_with: BuildCampaign) -> None:
    rules = rules_with(campaign_with, all=[{"of": {"categories": ["YOGURT"]}, "minimum_quantity": 5}])
    found = missed(rules, recorded(baskets(*({"plain": (units, 100)} for units in (5, 4, 4, 3, 1)), {"fuel": (9, 1)})))
    miss = found["all.0.minimum_quantity"]
    assert (miss.orders, miss.alone) == (5, 5)
    assert steps(miss) == {1: 2, 2: 1, None: 2}


def test_money_is_told_in_steps_of_the_currency(recorded: Hand, campaign_with: BuildCampaign) -> None:
    rules = rules_with(campaign_with, all=[{"minimum_spend": "20.00"}])
    found = missed(rules, recorded(baskets(*({"plain": (1, minor)} for minor in (1999, 1900, 1899, 1200, 3, 2000)))))
    assert steps(found["all.0.minimum_spend"]) == {100: 2, 500: 1, 1000: 1, None: 1}


def test_only_that_counts_baskets_that_met_all_else(recorded: Hand, campaign_with: BuildCampaign) -> None:
    rules = rules_with(
        campaign_with,
        all=[{"of": {"products": ["plain"]}, "minimum_quantity": 2, "minimum_spend": "1.00"}],
        any=[{"of": {"products": ["own"]}, "minimum_quantity": 1},
             {"of": {"products": ["berry"]}, "minimum_quantity": 2}],
        none=[{"of": {"brands": ["Unheard"], "products": ["unheard-of"]}, "minimum_quantity": 1},
              {"of": {"products": ["wine"]}, "minimum_quantity": 1}],
    )  # fmt: skip
    found = missed(
        rules,
        recorded(
            baskets(
                {"plain": (1, 100), "own": (1, 1)},  # one unit short, and nothing else
                {"plain": (1, 10), "own": (1, 1)},  # short in both bounds
                {"plain": (2, 100), "berry": (1, 1)},  # none of `any`
                {"plain": (1, 100)},  # short, and none of `any`
            )
        ),
    )
    told = {name: (miss.orders, miss.alone) for name, miss in found.items()}
    assert told == {
        "all.0.minimum_quantity": (3, 1), "all.0.minimum_spend": (1, 0),
        "any.0.minimum_quantity": (2, 1), "any.1.minimum_quantity": (2, 1),
    }  # fmt: skip
    assert steps(found["any.1.minimum_quantity"]) == {1: 1}


def test_what_is_not_allowed_is_told_by_how_much_it_is_too_much(recorded: Hand, campaign_with: BuildCampaign) -> None:
    rules = rules_with(campaign_with, none=[{"of": {"products": ["own"]}, "minimum_quantity": 2}])
    found = missed(rules, recorded(baskets({"own": (1, 1)}, {"own": (2, 1)}, {"own": (4, 1)})))
    assert steps(found["none.0.minimum_quantity"]) == {1: 1, 3: 1}
