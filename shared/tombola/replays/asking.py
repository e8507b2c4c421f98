"""The criteria of all tiers as a list of bounds, and which products count towards each.

A product is asked once, not with every line of every basket: that is what makes a year of orders quick to count.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tombola.campaigns.model import Campaign
from tombola.campaigns.selecting import Condition, Criteria, Selection
from tombola.catalogue.model import Product

Clause = Literal["all", "any", "none"]
CLAUSES: tuple[Clause, ...] = ("all", "any", "none")
Bound = Literal[
    "minimum_quantity", "maximum_quantity", "minimum_spend", "maximum_spend", "minimum_distinct_products",
    "minimum_bundles",
]  # fmt: skip
BOUNDS: tuple[Bound, ...] = (
    "minimum_quantity", "maximum_quantity", "minimum_spend", "maximum_spend", "minimum_distinct_products",
)  # fmt: skip
"""Those that look at the lines of one selection."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What is counted together: what is meant, unless an earlier part of the same bundle means it."""

    of: Selection
    before: tuple[Selection, ...] = ()

    def takes(self, product: Product) -> bool:
        """Tell whether a product counts here."""
        return self.of.matches(product) and not any(earlier.matches(product) for earlier in self.before)


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

    slots: tuple[Slot, ...]
    asked: tuple[Asked, ...]

    def of_tier(self, tier: int) -> Mapping[tuple[int, Clause, int], Sequence[Asked]]:
        """Return the bounds of a tier by condition, in the file's order."""
        conditions: dict[tuple[int, Clause, int], list[Asked]] = {}
        for asked in self.asked:
            if asked.tier == tier:
                conditions.setdefault(asked.condition, []).append(asked)
        return conditions

    def slots_of(self, product: Product) -> list[bool]:
        """Return for every slot whether a product counts in it."""
        return [slot.takes(product) for slot in self.slots]


def questions(rules: Campaign) -> Questions:
    """Return what the criteria of all tiers ask."""
    slots: list[Slot] = []
    asked = [
        bound
        for tier, criteria in enumerate((rules.criteria, *rules.further_tiers), start=1)
        for clause, index, condition in _conditions(criteria)
        for bound in _asked(rules, (tier, clause, index), condition, slots)
    ]
    return Questions(tuple(slots), tuple(asked))


def _conditions(criteria: Criteria) -> Iterator[tuple[Clause, int, Condition]]:
    for clause in CLAUSES:
        for index, condition in enumerate(getattr(criteria, clause)):
            yield clause, index, condition


def _asked(rules: Campaign, place: tuple[int, Clause, int], condition: Condition, slots: list[Slot]) -> Iterator[Asked]:
    first = len(slots)
    meant = [part.of for part in condition.bundle] or [condition.of]
    slots += [Slot(of, tuple(meant[:number])) for number, of in enumerate(meant)]
    numbers = tuple(range(first, len(slots)))
    if condition.minimum_bundles is not None:
        parts = tuple(part.quantity for part in condition.bundle)
        yield Asked(*place, "minimum_bundles", condition.minimum_bundles, numbers, parts)
    for bound in BOUNDS:
        wanted = getattr(condition, bound)
        if wanted is not None:
            yield Asked(*place, bound, rules.minor(wanted) if isinstance(wanted, Decimal) else wanted, numbers)
