"""Is a shopper in a campaign's audience: segments over what the profile holds, week by week, and over own lists.

Weeks are those that profiles count by, from Monday, UTC. The week of the decision is the first of "within so many
weeks"; `not_bought_for_weeks` and `bought_within_weeks` of one length never hold together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from tombola.campaigns.audience import Affinity, Segment
from tombola.money import minor_units
from tombola.profiles.counts import Cells, cells_of_week, packed_weeks, week_of

ORDERS = ("orders", "")
KINDS = {"products": "product", "brands": "brand", "categories": "category"}
"""What profiles call the fields of a selection."""


@dataclass(frozen=True, slots=True)
class History:
    """What a shopper bought: (weeks ago, currency, cells) per week, 0 for the week of the decision."""

    weeks: tuple[tuple[int, str, Cells], ...]

    @classmethod
    def read(cls, counts: bytes, at: datetime) -> Self:
        """Return what packed counts tell as of the aware instant `at`; weeks after it are not known yet."""
        now = week_of(at)
        weeks = ((now - week, currency, cells_of_week(line)) for (week, currency), line in packed_weeks(counts))
        return cls(tuple(week for week in weeks if week[0] >= 0))

    def lines(self, cells: Iterable[tuple[str, str]], within: int) -> int:
        """Return how many order lines (or orders) there are in these cells within so many weeks."""
        wanted = tuple(cells)
        recent = (found for ago, _, found in self.weeks if ago < within)
        return sum(found.get(cell, (0, 0))[0] for found in recent for cell in wanted)

    def spend_minor(self, currency: str, within: int) -> int:
        """Return what was paid for all orders in a currency within so many weeks."""
        recent = (found for ago, of, found in self.weeks if ago < within and of == currency)
        return sum(found.get(ORDERS, (0, 0))[1] for found in recent)

    @property
    def first_ago(self) -> int | None:
        """Weeks since the first order that is remembered; None where there is none."""
        return max((ago for ago, _, found in self.weeks if found.get(ORDERS, (0, 0))[0]), default=None)

    def bought(self, within: int) -> bool:
        """Tell whether there is an order within so many weeks."""
        return self.lines([ORDERS], within) > 0


def in_segment(segment: Segment, history: History, lists: frozenset[str], currency: str) -> bool:
    """Tell whether everything that a segment states holds of a shopper; `lists` are those the shopper is on."""
    return (
        _recency(segment, history)
        and _frequency(segment, history, currency)
        and all(_likes(affinity, history) for affinity in segment.affinity)
        and (not segment.lists or bool(lists.intersection(segment.lists)))
    )


def _recency(segment: Segment, history: History) -> bool:
    first = history.first_ago
    bought, lapsed, new = segment.bought_within_weeks, segment.not_bought_for_weeks, segment.new_within_weeks
    return (
        (bought is None or history.bought(bought))
        and (lapsed is None or (first is not None and not history.bought(lapsed)))
        and (new is None or first is None or first < new)
    )


def _frequency(segment: Segment, history: History, currency: str) -> bool:
    orders, within = history.lines([ORDERS], segment.within_weeks), segment.within_weeks
    least, spend = segment.minimum_orders or 0, segment.minimum_spend
    return (
        orders >= least
        and (segment.maximum_orders is None or orders <= segment.maximum_orders)
        and (spend is None or history.spend_minor(currency, within) >= minor_units(spend, currency))
    )


def _likes(affinity: Affinity, history: History) -> bool:
    named: Mapping[str, tuple[str, ...]] = {kind: getattr(affinity.of, field) for field, kind in KINDS.items()}
    cells = {(kind, name) for kind, names in named.items() for name in names}
    return history.lines(sorted(cells), affinity.within_weeks) >= affinity.minimum_lines
