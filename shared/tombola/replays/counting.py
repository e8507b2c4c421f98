"""Criteria over many baskets at once: what each basket has of every bound, as columns; the twin of `evaluate`.

A test holds the two to the same answers on random baskets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

import polars as pl

from tombola.campaigns.counting import Clause
from tombola.campaigns.model import Campaign
from tombola.catalogue.model import Product
from tombola.replays.asking import Asked, Questions, questions

Conditions = Mapping[tuple[int, Clause, int], Sequence[Asked]]
TIERS = "tiers"
PAID = "paid_minor"
YES, NO = pl.lit(value=True), pl.lit(value=False)


@dataclass(frozen=True, slots=True)
class Counted:
    """Baskets, counted.

    `orders` has one row per order, in order: `order`, `paid_minor` (for everything that counts), one column per bound
    with what the basket has of it, and `tiers`, how many are met, from the first on. `unknown_products`: how many
    products in them the catalogue has no word about.
    """

    questions: Questions
    orders: pl.DataFrame
    unknown_products: int


def count_baskets(rules: Campaign, orders: int, lines: pl.DataFrame, products: Sequence[Product]) -> Counted:
    """Return what baskets 0 to `orders` - 1 have of everything the criteria ask.

    `lines`: order, product (a number in `products`), quantity, paid_minor, as `kept_lines` leaves them.
    """
    asking = questions(rules)
    counting = lines.join(_slots(rules, asking, products), on="product", how="inner")
    found = counting.group_by("order").agg(
        pl.col(PAID).sum(), *(_found(asked).cast(pl.Int64).alias(asked.column) for asked in asking.asked)
    )
    every = pl.DataFrame({"order": pl.int_range(orders, eager=True)}).join(
        found, on="order", how="left", maintain_order="left"
    )
    filled = every.fill_null(0)
    tiers = 1 + len(rules.further_tiers)
    met = [tier_met(asking.of_tier(tier)) for tier in range(1, tiers + 1)]
    in_a_row = [reduce(and_, met[: tier + 1]).cast(pl.Int64) for tier in range(tiers)]
    unknown = sum(not any((each.brand, each.category, each.department)) for each in products)
    return Counted(asking, filled.with_columns(pl.sum_horizontal(in_a_row).alias(TIERS)), unknown)


def base_minor(rules: Campaign, paid: pl.Expr, excluded: pl.Expr) -> pl.Expr:
    """Return what a prize by the basket's value is made of: the twin of `tombola.campaigns.prizes.prize_base_minor`."""
    caps = (rules.worth_minor(prize) for prize in rules.prizes if prize.kind == "basket_value")
    return (paid.clip(lower_bound=0) - excluded).clip(0, max(caps, default=0))


def tier_met(conditions: Conditions) -> pl.Expr:
    """Return whether a tier's criteria are met."""
    met = {place: condition_met(bounds) for place, bounds in conditions.items()}
    every = [expression for (_, clause, _), expression in met.items() if clause == "all"]
    some = [expression for (_, clause, _), expression in met.items() if clause == "any"]
    never = [~expression for (_, clause, _), expression in met.items() if clause == "none"]
    return reduce(and_, [*every, *never], reduce(or_, some) if some else YES)


def condition_met(bounds: Sequence[Asked]) -> pl.Expr:
    """Return whether all bounds of a condition are met."""
    return reduce(and_, (short_by(asked) == 0 for asked in bounds), YES)


def short_by(asked: Asked) -> pl.Expr:
    """Return how far off a bound is: too few of a minimum, too many of a maximum; 0 when it is met."""
    off = pl.lit(asked.wanted, dtype=pl.Int64) - pl.col(asked.column)
    return (-off if asked.is_maximum else off).clip(lower_bound=0)


def _slots(rules: Campaign, asking: Questions, products: Sequence[Product]) -> pl.DataFrame:
    """Return the numbers of the products that count at all, and whether each counts in each slot."""
    counting = [(number, asking.slots_of(each)) for number, each in enumerate(products) if rules.counts(each)]
    columns = {_slot(slot): [inside[slot] for _, inside in counting] for slot in range(len(asking.meant))}
    numbers = pl.Series("product", [number for number, _ in counting], dtype=pl.Int64)
    return pl.DataFrame([numbers, *(pl.Series(name, held, dtype=pl.Boolean) for name, held in columns.items())])


def _slot(number: int) -> str:
    return f"slot-{number}"


def _found(asked: Asked) -> pl.Expr:
    units = [pl.col("quantity").filter(pl.col(_slot(slot))).sum() for slot in asked.slots]
    first = pl.col(_slot(asked.slots[0]))
    if asked.bound == "minimum_bundles":
        return pl.min_horizontal(*(held // part for held, part in zip(units, asked.parts, strict=True)))
    if asked.bound == "minimum_distinct_products":
        return pl.col("product").filter(first & (pl.col("quantity") > 0)).n_unique()
    return pl.col(PAID).filter(first).sum() if asked.is_money else units[0]
