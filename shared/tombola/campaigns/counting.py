"""Criteria made ready to count by: which conditions a product counts for is asked once per product, not per line.

Every condition counts lines in a slot; a bundle in one slot per part.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import Literal, NamedTuple, get_args

from tombola.campaigns.baskets import BasketLine
from tombola.campaigns.imagining import Imagined, imagine
from tombola.campaigns.selecting import Condition, Criteria, Selection
from tombola.catalogue.model import Product

Clause = Literal["all", "any", "none"]
Bound = Literal[
    "minimum_quantity", "maximum_quantity", "minimum_spend", "maximum_spend", "minimum_distinct_products",
    "minimum_bundles",
]  # fmt: skip
Kind = Literal["units", "minor", "products"]
FAR = 10**15
"""Beyond every sum: no bound at all."""
MOST_REMEMBERED = 50_000
"""Products whose slots a process remembers, per criteria."""


class Slot(NamedTuple):
    """Where lines are counted: of what is meant, unless an earlier part of the same bundle means it."""

    of: Selection
    before: tuple[Selection, ...] = ()

    def takes(self, product: Product) -> bool:
        """Tell whether a product counts here."""
        return self.of.matches(product) and not any(earlier.matches(product) for earlier in self.before)


class Check(NamedTuple):
    """What the sum of a slot must be, both inclusive: units, minor units paid, or different products bought."""

    kind: Kind
    slot: int
    low: int = -FAR
    high: int = FAR


@dataclass(frozen=True, slots=True)
class Counted:
    """One condition: its place in the file, its slots from `first` on, its bounds with what they ask, its checks."""

    clause: Clause
    index: int
    condition: Condition
    first: int
    bounds: tuple[tuple[Bound, int], ...]
    checks: tuple[Check, ...]

    def held(self, held: Sequence[Sequence[BasketLine]]) -> Sequence[Sequence[BasketLine]]:
        """Return the lines of its own slots."""
        return held[self.first : self.first + max(len(self.condition.bundle), 1)]

    def found(self, bound: Bound, held: Sequence[Sequence[BasketLine]]) -> int:
        """Return what a basket has of a bound: units, minor units, products or whole sets."""
        own = self.held(held)
        if bound != "minimum_bundles":
            return COUNTS[KINDS[bound]](own[0])
        return min(units(lines) // part.quantity for lines, part in zip(own, self.condition.bundle, strict=True))

    def is_met(self, held: Sequence[Sequence[BasketLine]]) -> bool:
        """Tell whether all its checks hold."""
        for kind, slot, low, high in self.checks:  # noqa: SIM110 (asked of every basket; a loop costs half)
            if not low <= COUNTS[kind](held[slot]) <= high:
                return False
        return True


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

    def qualifies(self, held: Sequence[Sequence[BasketLine]]) -> bool:
        """Tell whether every criteria's `all` are met, one of its `any` if there are any, and none of its `none`."""
        return all(_qualifies(conditions, held) for conditions in self.conditions)

    def held(self, lines: Sequence[BasketLine]) -> list[list[BasketLine]]:
        """Return the lines that count in each slot."""
        held: list[list[BasketLine]] = [[] for _ in self.slots]
        slots_of = self.slots_of
        for line in lines:
            for slot in slots_of[line.product]:
                held[slot].append(line)
        return held


def _qualifies(conditions: Sequence[Counted], held: Sequence[Sequence[BasketLine]]) -> bool:
    one_asked = one_met = False
    for condition in conditions:
        if condition.clause == "any":
            one_asked, one_met = True, one_met or condition.is_met(held)
        elif condition.is_met(held) == (condition.clause == "none"):
            return False
    return one_met or not one_asked


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
    bounds = tuple(_bounds(condition, minor))
    checks = tuple(check for bound, wanted in bounds for check in _checks(condition, first, bound, wanted))
    return Counted(clause, index, condition, first, bounds, checks)


def _bounds(condition: Condition, minor: Callable[[Decimal], int]) -> Iterator[tuple[Bound, int]]:
    for bound in get_args(Bound):
        wanted = getattr(condition, bound)
        if wanted is not None:
            yield bound, minor(wanted) if isinstance(wanted, Decimal) else wanted


def _checks(condition: Condition, first: int, bound: Bound, wanted: int) -> Iterator[Check]:
    if bound == "minimum_bundles":
        for slot, part in enumerate(condition.bundle, start=first):
            yield Check("units", slot, low=wanted * part.quantity)
    elif bound in MAXIMUMS:
        yield Check(KINDS[bound], first, high=wanted)
    else:
        yield Check(KINDS[bound], first, low=wanted)


_QUANTITY = attrgetter("quantity")
_PAID = attrgetter("paid_minor")


def units(lines: Sequence[BasketLine]) -> int:
    """Return the units of these lines."""
    return sum(map(_QUANTITY, lines))


def spend(lines: Sequence[BasketLine]) -> int:
    """Return what was paid for these lines, in minor units."""
    return sum(map(_PAID, lines))


def products(lines: Sequence[BasketLine]) -> int:
    """Return how many different products were bought at least once."""
    return len({line.product.product_id for line in lines if line.quantity})


COUNTS: Mapping[Kind, Callable[[Sequence[BasketLine]], int]] = {"units": units, "minor": spend, "products": products}
KINDS: Mapping[Bound, Kind] = {
    "minimum_quantity": "units",
    "maximum_quantity": "units",
    "minimum_spend": "minor",
    "maximum_spend": "minor",
    "minimum_distinct_products": "products",
    "minimum_bundles": "units",
}
MAXIMUMS = frozenset({"maximum_quantity", "maximum_spend"})
