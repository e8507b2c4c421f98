"""Criteria: does a basket qualify, why, and if not, what is the smallest change that would do.

The answer is data (`Trace`); `tombola.campaigns.wording` says it to a shopper. Lines that the
campaign or the law excludes never count.
"""

from dataclasses import dataclass, field
from functools import cached_property

from tombola.campaigns.baskets import Basket, BasketLine
from tombola.campaigns.changes import Change
from tombola.campaigns.counting import Bound, Clause, Counted, Plan
from tombola.campaigns.model import Campaign
from tombola.campaigns.smallest import smallest_change


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
    """Why a basket earns the token of a tier or not: every condition of the tier.

    `change` is the smallest one that earns it, worked out when it is first asked for: further tiers call for
    all the tiers before them too.
    """

    qualifies: bool
    conditions: tuple[ConditionTrace, ...]
    tier: int = 1
    campaign: Campaign | None = field(default=None, repr=False, compare=False)
    lines: tuple[BasketLine, ...] = field(default=(), repr=False, compare=False)

    @cached_property
    def change(self) -> Change:
        """The smallest change that qualifies; without steps if it does already."""
        if self.qualifies or self.campaign is None:
            return Change()
        return smallest_change(self.campaign.plan_up_to(self.tier), self.lines)

    @property
    def explanation(self) -> Explanation:
        """The trace as plain data, its change worked out."""
        return Explanation(self.qualifies, self.tier, self.conditions, self.change)


MAXIMUMS = frozenset({"maximum_quantity", "maximum_spend"})


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
    conditions = tuple(_condition(counted, held[counted.first : counted.after]) for counted in plan.conditions[0])
    return Trace(_qualifies(conditions), conditions, tier, campaign, basket.lines)


def _condition(counted: Counted, held: list[list[BasketLine]]) -> ConditionTrace:
    bounds = []
    met = True
    for bound, wanted, count in counted.bounds:
        found = count(held)
        bounds.append(BoundTrace(bound, wanted, found))
        if found > wanted if bound in MAXIMUMS else found < wanted:
            met = False
    lines = tuple([line.line_id for lines in held for line in lines])
    return ConditionTrace(counted.clause, counted.index, met, lines, tuple(bounds))


def _qualifies(conditions: tuple[ConditionTrace, ...]) -> bool:
    """Tell whether all of `all`, one of `any` if there are any, and none of `none` are met."""
    one_asked = one_met = False
    for condition in conditions:
        if condition.clause == "any":
            one_asked, one_met = True, one_met or condition.met
        elif condition.met == (condition.clause == "none"):
            return False
    return one_met or not one_asked
