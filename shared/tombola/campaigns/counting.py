"""Criteria made ready to count by: which conditions a product counts for is asked once per product, not per line.

Every condition counts lines in a slot; a bundle in one slot per part.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import Literal, NamedTuple

from tombola.campaigns.baskets import BasketLine
from tombola.campaigns.imagining import Imagined, imagine
from tombola.campaigns.selecting import Condition, Criteria, Selection
from tombola.catalogue.model import Product

Clause = Literal["all", "any", "none"]
Bound = Literal[
    "minimum_quantity", "maximum_quantity", "minimum_spend", "maximum_spend", "minimum_distinct_products",
    "minimum_bundles",
]  # fmt: skip
Count = Callable[[Sequence[Sequence[BasketLine]]], int]
"""What is found of a bound in the lines of a condition's slots."""
MOST_REMEMBERED = 50_000
"""Products whose slots a process remembers, per criteria."""


class Slot(NamedTuple):
    """Where lines are counted: of what is meant, unless an earlier part of the same bundle means it."""

    of: Selection
    before: tuple[Selection, ...] = ()

    def takes(self, product: Product) -> bool:
        """Tell whether a product counts here."""
        return self.of.matches(product) and not any(earlier.matches(product) for earlier in self.before)


class BoundCount(NamedTuple):
    """One bound: what it asks, in units, minor units, products or whole sets, and how that is counted."""

    bound: Bound
    wanted: int
    count: Count


@dataclass(frozen=True, slots=True)
class Counted:
    """One condition: its place in the file, its slots from `first` to before `after`, and its bounds."""

    clause: Clause
    index: int
    condition: Condition
    first: int
    after: int
    bounds: tuple[BoundCount, ...]


class _SlotsOf(dict[Product, tuple[int, ...]]):
    """The slots of a product, found once; none for what does not count."""

    def __init__(self, slots: Sequence[Slot], counts: Callable[[Product], bool]) -> None:
        super().__init__()
        self._slots = slots
        self._counts = counts

    def __missing__(self, product: Product) -> tuple[int, ...]:
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        meant = (number for number, slot in enumerate(self._slots) if slot.takes(product))
        self[product] = found = tuple(meant) if self._counts(product) else ()
        return found


class Plan:
    """The conditions of one or several criteria, together, ready to count by."""

    def __init__(
        self,
        criteria: Sequence[Criteria],
        *,
        counts: Callable[[Product], bool],
        minor: Callable[[Decimal], int],
        never: Sequence[Selection] = (),
    ) -> None:
        """Count what `counts` says does; `never` are the selections behind it; `minor` makes minor units of amounts."""
        self._never = tuple(never)
        self._counts = counts
        slots: list[Slot] = []
        self.conditions = tuple(
            tuple(_counted(clause, index, condition, slots, minor) for clause, index, condition in _stated(each))
            for each in criteria
        )
        self.slots = tuple(slots)
        self.slots_of = _SlotsOf(self.slots, counts)

    @cached_property
    def imagined(self) -> tuple[Imagined, ...]:
        """What could be added: a product per way to count in these slots or not."""
        named = [*(slot.of for slot in self.slots), *self._never]
        return imagine(list(dict.fromkeys(named)), self._counts)

    def held(self, lines: Sequence[BasketLine]) -> list[list[BasketLine]]:
        """Return the lines that count in each slot."""
        held: list[list[BasketLine]] = [[] for _ in self.slots]
        slots_of = self.slots_of
        for line in lines:
            for slot in slots_of[line.product]:
                held[slot].append(line)
        return held


def _stated(criteria: Criteria) -> Iterator[tuple[Clause, int, Condition]]:
    clauses: tuple[tuple[Clause, Sequence[Condition]], ...] = (
        ("all", criteria.all),
        ("any", criteria.any),
        ("none", criteria.none),
    )
    for clause, conditions in clauses:
        for index, condition in enumerate(conditions):
            yield clause, index, condition


def _counted(
    clause: Clause, index: int, condition: Condition, slots: list[Slot], minor: Callable[[Decimal], int]
) -> Counted:
    first = len(slots)
    meant = [part.of for part in condition.bundle] or [condition.of]
    slots += [Slot(of, tuple(meant[:number])) for number, of in enumerate(meant)]
    return Counted(clause, index, condition, first, len(slots), tuple(_bounds(condition, minor)))


def _bounds(condition: Condition, minor: Callable[[Decimal], int]) -> Iterator[BoundCount]:
    for bound, count in COUNTS.items():
        wanted = getattr(condition, bound)
        if wanted is not None:
            yield BoundCount(bound, minor(wanted) if isinstance(wanted, Decimal) else wanted, count)
    if condition.minimum_bundles is not None:
        yield BoundCount("minimum_bundles", condition.minimum_bundles, _sets_of(condition))


_QUANTITY = attrgetter("quantity")
_PAID = attrgetter("paid_minor")


def units(held: Sequence[Sequence[BasketLine]]) -> int:
    """Return the units of the first slot."""
    return sum(map(_QUANTITY, held[0]))


def spend(held: Sequence[Sequence[BasketLine]]) -> int:
    """Return what was paid in the first slot, in minor units."""
    return sum(map(_PAID, held[0]))


def products(held: Sequence[Sequence[BasketLine]]) -> int:
    """Return how many different products of the first slot were bought at least once."""
    return len({line.product.product_id for line in held[0] if line.quantity})


def _sets_of(condition: Condition) -> Count:
    asked = [part.quantity for part in condition.bundle]

    def sets(held: Sequence[Sequence[BasketLine]]) -> int:
        return min(units([lines]) // each for lines, each in zip(held, asked, strict=True))

    return sets


COUNTS: dict[Bound, Count] = {
    "minimum_quantity": units,
    "maximum_quantity": units,
    "minimum_spend": spend,
    "maximum_spend": spend,
    "minimum_distinct_products": products,
}
"""How the bounds of a condition with one slot are counted, in the order of the trace."""
