"""Criteria: does a basket qualify, why, and if not, what is the smallest change that would do.

The answer is data (`Trace`); `tombola.campaigns.wording` says it to a shopper. Lines that the
campaign or the law excludes never count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tombola.campaigns.baskets import Basket, BasketLine
from tombola.campaigns.model import Campaign
from tombola.campaigns.selecting import Condition, Selection

Clause = Literal["all", "any", "none"]
Bound = Literal["minimum_quantity", "maximum_quantity", "minimum_spend", "minimum_distinct_products"]


@dataclass(frozen=True, slots=True)
class BoundTrace:
    """One bound of a condition: what it asks and what the basket has, in units, minor units or products."""

    bound: Bound
    wanted: int
    found: int

    @property
    def short_by(self) -> int:
        """How far off: positive when too few, negative when too many, 0 when met."""
        if self.bound == "maximum_quantity":
            return min(self.wanted - self.found, 0)
        return max(self.wanted - self.found, 0)


@dataclass(frozen=True, slots=True)
class ConditionTrace:
    """One condition: whether it is met, by which lines, and every bound. Under `none` met is what disqualifies."""

    clause: Clause
    index: int
    met: bool
    line_ids: tuple[str, ...]
    bounds: tuple[BoundTrace, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """The smallest change that turns one condition: products meant by `of` to add to the basket or take out.

    To add: at least `add_units` units, of at least `add_products` products not yet in the basket, for at
    least `add_minor` together. To take out: what is meant must shrink by at least the figures of `remove_*`.
    """

    clause: Clause
    index: int
    of: Selection
    add_units: int = 0
    add_minor: int = 0
    add_products: int = 0
    remove_units: int = 0
    remove_minor: int = 0
    remove_products: int = 0

    @property
    def size(self) -> tuple[int, int, int]:
        """Order of preference: taking nothing out, then the fewest units, then the least money."""
        units = max(self.add_units, self.add_products) + max(self.remove_units, self.remove_products)
        takes_out = self.remove_units or self.remove_minor or self.remove_products
        return (int(bool(takes_out)), units, self.add_minor + self.remove_minor)


@dataclass(frozen=True, slots=True)
class Trace:
    """Why a basket qualifies or not. `missing` is empty if and only if it qualifies.

    `missing` holds one change per condition of `all` that is not met, the smallest one of `any` if none of
    them is, and one per condition of `none` that is. Each is exact for its own condition. Where only minimums
    are asked, making all of them qualifies; where a maximum or `none` means the same products, one change may
    call for another.
    """

    qualifies: bool
    conditions: tuple[ConditionTrace, ...]
    missing: tuple[Change, ...]


def evaluate(campaign: Campaign, basket: Basket) -> Trace:
    """Return whether a basket qualifies, with every condition's reason."""
    lines = [line for line in basket.lines if campaign.counts(line.product)]
    criteria = campaign.criteria
    every = tuple(_traced(campaign, "all", criteria.all, lines))
    some = tuple(_traced(campaign, "any", criteria.any, lines))
    never = tuple(_traced(campaign, "none", criteria.none, lines))
    missing = [_turned(trace, criteria.all[trace.index].of) for trace in every if not trace.met]
    if some and not any(trace.met for trace in some):
        missing.append(min((_turned(trace, criteria.any[trace.index].of) for trace in some), key=_size))
    missing += [_broken(trace, criteria.none[trace.index].of) for trace in never if trace.met]
    return Trace(not missing, every + some + never, tuple(missing))


def _traced(
    campaign: Campaign, clause: Clause, conditions: Sequence[Condition], lines: Sequence[BasketLine]
) -> Iterator[ConditionTrace]:
    for index, condition in enumerate(conditions):
        matching = [line for line in lines if condition.of.matches(line.product)]
        bounds = tuple(_bounds(campaign, condition, matching))
        met = not any(bound.short_by for bound in bounds)
        yield ConditionTrace(clause, index, met, tuple(line.line_id for line in matching), bounds)


def _bounds(campaign: Campaign, condition: Condition, lines: Sequence[BasketLine]) -> Iterator[BoundTrace]:
    quantity = sum(line.quantity for line in lines)
    if condition.minimum_quantity is not None:
        yield BoundTrace("minimum_quantity", condition.minimum_quantity, quantity)
    if condition.maximum_quantity is not None:
        yield BoundTrace("maximum_quantity", condition.maximum_quantity, quantity)
    if condition.minimum_spend is not None:
        spend = sum(line.paid_minor for line in lines)
        yield BoundTrace("minimum_spend", campaign.minor(condition.minimum_spend), spend)
    if condition.minimum_distinct_products is not None:
        distinct = len({line.product.product_id for line in lines if line.quantity})
        yield BoundTrace("minimum_distinct_products", condition.minimum_distinct_products, distinct)


def _size(change: Change) -> tuple[int, int, int]:
    return change.size


_MORE = {"minimum_quantity": "add_units", "minimum_spend": "add_minor", "minimum_distinct_products": "add_products"}
_LESS = {
    "minimum_quantity": "remove_units",
    "minimum_spend": "remove_minor",
    "minimum_distinct_products": "remove_products",
}


def _turned(trace: ConditionTrace, of: Selection) -> Change:
    """Return the change that meets a condition: all its bounds at once."""
    figures = {}
    for bound in trace.bounds:
        if bound.short_by > 0:
            figures[_MORE[bound.bound]] = bound.short_by
        elif bound.short_by < 0:
            figures["remove_units"] = -bound.short_by
    return Change(trace.clause, trace.index, of, **figures)


def _broken(trace: ConditionTrace, of: Selection) -> Change:
    """Return the smallest change after which a condition is no longer met: one of its bounds, just passed."""
    return min(
        (
            Change(trace.clause, trace.index, of, add_units=bound.wanted + 1 - bound.found)
            if bound.bound == "maximum_quantity"
            else Change(trace.clause, trace.index, of, **{_LESS[bound.bound]: bound.found - bound.wanted + 1})
            for bound in trace.bounds
        ),
        key=_size,
    )
