"""Criteria: does a basket qualify, why, and if not, what is the smallest change that would do.

The answer is data (`Trace`); `tombola.campaigns.wording` says it to a shopper. Lines that the
campaign or the law excludes never count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tombola.campaigns.baskets import Basket, BasketLine
from tombola.campaigns.changes import Change
from tombola.campaigns.counting import MAXIMUMS, Bound, Clause, Counted, Plan
from tombola.campaigns.model import Campaign


@dataclass(frozen=True, slots=True)
class BoundTrace:
    """One bound of a condition: what it asks and what the basket has, in units, minor units, products or sets."""

    bound: Bound
    wanted: int
    found: int

    @property
    def short_by(self) -> int:
        """How far off: positive when too few, negative when too many, 0 when met."""
        off = self.wanted - self.found
        return min(off, 0) if self.bound in MAXIMUMS else max(off, 0)


@dataclass(frozen=True, slots=True)
class ConditionTrace:
    """One condition: whether it is met, by which lines, and every bound. Under `none` met is what disqualifies."""

    clause: Clause
    index: int
    met: bool
    line_ids: tuple[str, ...]
    bounds: tuple[BoundTrace, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A trace as plain data, for those who asked: whether a tier is earned, every condition, the smallest change."""

    qualifies: bool
    tier: int
    conditions: tuple[ConditionTrace, ...]
    change: Change


@dataclass(frozen=True)
class Trace:
    """Why a basket earns the token of a tier or not. What is seldom asked for is worked out when it is.

    `held` are the lines that count in each slot of the tier's plan.
    """

    qualifies: bool
    tier: int
    campaign: Campaign = field(repr=False)
    lines: tuple[BasketLine, ...] = field(repr=False)
    held: Sequence[Sequence[BasketLine]] = field(repr=False, compare=False)

    @cached_property
    def conditions(self) -> tuple[ConditionTrace, ...]:
        """Every condition of the tier, met or not."""
        (conditions,) = self.campaign.tier_plans[self.tier - 1].conditions
        return tuple(_condition(counted, self.held) for counted in conditions)

    @cached_property
    def change(self) -> Change:
        """The smallest change that earns this tier and all before it; without steps if it is earned already."""
        if self.qualifies:
            return Change()
        from tombola.campaigns.smallest import smallest_change  # noqa: PLC0415 (few functions ever search)

        return smallest_change(self.campaign.joint_plans[self.tier - 1], self.lines)

    @property
    def explanation(self) -> Explanation:
        """The trace as plain data."""
        return Explanation(self.qualifies, self.tier, self.conditions, self.change)


def evaluate(campaign: Campaign, basket: Basket) -> Trace:
    """Return whether a basket qualifies, with every condition's reason."""
    return _traced(campaign, campaign.tier_plans[0], basket, 1)


def evaluate_tiers(campaign: Campaign, basket: Basket) -> tuple[Trace, ...]:
    """Return the trace of every tier that is met, in order, and of the first that is not, if one is not."""
    traces: list[Trace] = []
    for tier, plan in enumerate(campaign.tier_plans, start=1):
        traces.append(_traced(campaign, plan, basket, tier))
        if not traces[-1].qualifies:
            break
    return tuple(traces)


def _traced(campaign: Campaign, plan: Plan, basket: Basket, tier: int) -> Trace:
    held = plan.held(basket.lines)
    return Trace(plan.qualifies(held), tier, campaign, basket.lines, held)


def _condition(counted: Counted, held: Sequence[Sequence[BasketLine]]) -> ConditionTrace:
    bounds = tuple(BoundTrace(bound, wanted, counted.found(bound, held)) for bound, wanted in counted.bounds)
    lines = tuple(line.line_id for lines in counted.held(held) for line in lines)
    return ConditionTrace(counted.clause, counted.index, counted.is_met(held), lines, bounds)
