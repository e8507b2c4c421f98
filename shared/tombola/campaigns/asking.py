"""What criteria ask of the sums of their slots, as intervals: one set of them for every way to meet the criteria."""

from collections.abc import Iterator, Sequence
from itertools import chain, product
from typing import Literal, NamedTuple

from tombola.campaigns.counting import BoundCount, Counted, Plan
from tombola.campaigns.moves import FAR

Kind = Literal["units", "minor", "products"]
_KINDS: dict[str, Kind] = {
    "minimum_quantity": "units",
    "maximum_quantity": "units",
    "minimum_spend": "minor",
    "maximum_spend": "minor",
    "minimum_distinct_products": "products",
}


class Sum(NamedTuple):
    """What is added up, and in which slot."""

    kind: Kind
    slot: int


class Interval(NamedTuple):
    """The least and the most a sum may be."""

    low: int = -FAR
    high: int = FAR


Asked = dict[Sum, Interval]


def alternatives(plan: Plan) -> Iterator[Asked]:
    """Yield every way to meet all criteria of a plan: one of each `any`, one bound failed of each `none`."""
    choices = chain.from_iterable(map(_choices, plan.conditions))
    for chosen in product(*choices):
        asked: Asked = {}
        for sum_, interval in chain.from_iterable(chosen):
            known = asked.get(sum_, Interval())
            asked[sum_] = Interval(max(known.low, interval.low), min(known.high, interval.high))
        yield asked


_Way = Sequence[tuple[Sum, Interval]]


def _choices(conditions: Sequence[Counted]) -> Iterator[Sequence[_Way]]:
    ways = [_met(counted) for counted in conditions if counted.clause == "any"]
    if ways:
        yield ways
    for counted in conditions:
        if counted.clause == "all":
            yield [_met(counted)]
        elif counted.clause == "none":
            yield list(_failed(counted))


def _met(counted: Counted) -> _Way:
    return [pair for bound in counted.bounds for pair in _sums(counted, bound)]


def _failed(counted: Counted) -> Iterator[_Way]:
    """Yield each way in which a condition is just not met: one bound missed, or one part of a bundle."""
    for bound in counted.bounds:
        for sum_, (low, high) in _sums(counted, bound):
            yield [(sum_, Interval(high=low - 1) if high == FAR else Interval(low=high + 1))]


def _sums(counted: Counted, bound: BoundCount) -> Iterator[tuple[Sum, Interval]]:
    if bound.bound == "minimum_bundles":
        for slot, part in enumerate(counted.condition.bundle, start=counted.first):
            yield Sum("units", slot), Interval(low=bound.wanted * part.quantity)
    else:
        is_most = bound.bound.startswith("maximum")
        asked = Interval(high=bound.wanted) if is_most else Interval(low=bound.wanted)
        yield Sum(_KINDS[bound.bound], counted.first), asked
