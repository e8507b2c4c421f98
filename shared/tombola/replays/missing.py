"""What the criteria lacked: bound by bound, how many baskets missed it, and how far off they were."""

from decimal import Decimal
from functools import reduce
from operator import or_

import polars as pl

from tombola.campaigns.model import Campaign
from tombola.campaigns.selecting import Selection
from tombola.replays.asking import Asked
from tombola.replays.counting import NO, Conditions, Counted, condition_met, short_by
from tombola.replays.judging import CRITERIA
from tombola.replays.model import Miss, Step

MONEY_STEPS = tuple(map(Decimal, ("1", "5", "10")))
"""How far off a spend is, in major units. What is counted is told one by one."""
COUNT_STEPS = (1, 2, 3)


def misses(rules: Campaign, counted: Counted, orders: pl.DataFrame) -> tuple[Miss, ...]:
    """Return what the criteria of the first tier lacked, the most frequent first.

    Looks at baskets that nothing else stood against. Of the conditions in `any` all are told: each would do.
    """
    conditions = counted.questions.of_tier(1)
    unmet = orders.filter(pl.col("reason") == CRITERIA)
    meant = counted.questions.meant
    found = [
        _miss(rules, asked, tuple(meant[slot] for slot in asked.slots), conditions, unmet)
        for bounds in conditions.values()
        for asked in bounds
    ]
    return tuple(sorted((miss for miss in found if miss.orders), key=lambda miss: -miss.orders))


def _miss(
    rules: Campaign, asked: Asked, meant: tuple[Selection, ...], conditions: Conditions, unmet: pl.DataFrame
) -> Miss:
    missing = unmet.filter(_stands(asked, conditions))
    alone = missing.filter(_alone(asked, conditions)).select(off=_off(asked))["off"]
    return Miss(
        clause=asked.clause,
        index=asked.index,
        meant=meant,
        bound=asked.bound,
        wanted=asked.wanted,
        orders=len(missing),
        alone=len(alone),
        off_by=_steps(rules, asked, alone),
    )


def _stands(asked: Asked, conditions: Conditions) -> pl.Expr:
    """Return whether a bound stands against a basket."""
    if asked.clause == "none":
        return condition_met(conditions[asked.condition])
    short = short_by(asked) > 0
    return short & ~_one_of_any(conditions) if asked.clause == "any" else short


def _alone(asked: Asked, conditions: Conditions) -> pl.Expr:
    """Return whether nothing else in the criteria stands against a basket that this bound stands against."""
    others = [expression for place, expression in _against(conditions) if place != asked.condition]
    if asked.clause == "any":
        others = [expression for place, expression in _against(conditions) if place[1] != "any"]
    same = [short_by(each) > 0 for each in conditions[asked.condition] if each != asked and asked.clause != "none"]
    return ~reduce(or_, [*others, *same], NO)


def _against(conditions: Conditions) -> list[tuple[tuple[int, str, int], pl.Expr]]:
    """Return what stands against a basket, with the condition (of `any`, the first) that it comes from."""
    found: list[tuple[tuple[int, str, int], pl.Expr]] = []
    for place, bounds in conditions.items():
        if place[1] == "any":
            continue
        met = condition_met(bounds)
        found.append((place, met if place[1] == "none" else ~met))
    some = next((place for place in conditions if place[1] == "any"), None)
    return found if some is None else [*found, (some, ~_one_of_any(conditions))]


def _one_of_any(conditions: Conditions) -> pl.Expr:
    return reduce(or_, (condition_met(bounds) for place, bounds in conditions.items() if place[1] == "any"), NO)


def _off(asked: Asked) -> pl.Expr:
    """Return how far off a bound is; under `none`, how much must change until it is no longer met."""
    if asked.clause != "none":
        return short_by(asked)
    over = pl.col(asked.column) - asked.wanted
    return (-over if asked.is_maximum else over) + 1


def _steps(rules: Campaign, asked: Asked, off: pl.Series) -> tuple[Step, ...]:
    """Return how many are off by at most so much, and by more than the step before; steps with nobody are left out."""
    most = [rules.minor(step) for step in MONEY_STEPS] if asked.is_money else list(COUNT_STEPS)
    steps, below = [], 0
    for by in (*most, None):
        upto = len(off) if by is None else int((off <= by).sum())
        steps.append(Step(by=by, orders=upto - below))
        below = upto
    return tuple(step for step in steps if step.orders)
