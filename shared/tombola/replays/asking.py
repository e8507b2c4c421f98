"""The criteria of all tiers as one list of bounds over one list of slots, ready to be counted in columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tombola.campaigns.counting import Bound, Clause, Plan
from tombola.campaigns.model import Campaign
from tombola.campaigns.selecting import Selection
from tombola.catalogue.model import Product


@dataclass(frozen=True, slots=True)
class Asked:
    """One bound of one condition: its place in the file, what it asks, and the slots that it counts, by number.

    `wanted` is in units, minor units, products or whole sets; `parts` are the units of every slot that make one set.
    """

    tier: int
    clause: Clause
    index: int
    bound: Bound
    wanted: int
    slots: tuple[int, ...]
    parts: tuple[int, ...] = ()

    @property
    def condition(self) -> tuple[int, Clause, int]:
        """The condition it belongs to: tier, clause, place."""
        return self.tier, self.clause, self.index

    @property
    def column(self) -> str:
        """The name of the column that holds what baskets have of it: `1.all.0.minimum_quantity`."""
        return f"{self.tier}.{self.clause}.{self.index}.{self.bound}"

    @property
    def is_maximum(self) -> bool:
        """Tell whether too much of it is what can be wrong."""
        return self.bound.startswith("maximum")

    @property
    def is_money(self) -> bool:
        """Tell whether it counts minor units."""
        return self.bound.endswith("_spend")


@dataclass(frozen=True, slots=True)
class Questions:
    """Everything the criteria of a campaign ask, tier by tier."""

    plans: tuple[Plan, ...]
    asked: tuple[Asked, ...]

    @property
    def meant(self) -> tuple[Selection, ...]:
        """What every slot looks at."""
        return tuple(slot.of for plan in self.plans for slot in plan.slots)

    def of_tier(self, tier: int) -> Mapping[tuple[int, Clause, int], Sequence[Asked]]:
        """Return the bounds of a tier by condition, in the file's order."""
        conditions: dict[tuple[int, Clause, int], list[Asked]] = {}
        for asked in self.asked:
            if asked.tier == tier:
                conditions.setdefault(asked.condition, []).append(asked)
        return conditions

    def slots_of(self, product: Product) -> list[bool]:
        """Return for every slot whether a product counts in it."""
        inside = ((plan.slots, plan.slots_of[product]) for plan in self.plans)
        return [number in held for slots, held in inside for number in range(len(slots))]


def questions(rules: Campaign) -> Questions:
    """Return what the criteria of all tiers ask."""
    return Questions(rules.tier_plans, tuple(_asked(rules.tier_plans)))


def _asked(plans: Sequence[Plan]) -> Iterator[Asked]:
    first = 0
    for tier, plan in enumerate(plans, start=1):
        for counted in plan.conditions[0]:
            begin, parts = first + counted.first, tuple(part.quantity for part in counted.condition.bundle)
            slots = tuple(range(begin, begin + max(len(parts), 1)))
            for bound, wanted in counted.bounds:
                yield Asked(tier, counted.clause, counted.index, bound, wanted, slots, parts)
        first += len(plan.slots)
