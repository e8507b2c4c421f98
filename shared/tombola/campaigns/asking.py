"""What criteria ask of the sums of their slots, as intervals: one set of them for every way to meet the criteria."""

from collections.abc import Iterator, Sequence
from itertools import chain, product
from typing import NamedTuple

from tombola.campaigns.counting import FAR, Counted, Kind, Plan


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
    return [(Sum(kind, slot), Interval(low, high)) for kind, slot, low, high in counted.checks]


def _failed(counted: Counted) -> Iterator[_Way]:
    """Yield each way in which a condition is just not met: one bound missed, or one part of a bundle."""
    for kind, slot, low, high in counted.checks:
        yield [(Sum(kind, slot), Interval(high=low - 1) if high == FAR else Interval(low=high + 1))]
