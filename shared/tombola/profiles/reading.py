"""Reading a profile: what is kept as whole numbers, seen with decay."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tombola.profiles.counts import cells_of_week, packed_weeks, week_of
from tombola.profiles.room import kept

Kind = Literal["product", "brand", "category", "orders"]
HALF_LIFE_WEEKS = 8.0
"""After this many weeks an order line counts half. Read anew each time, so it can be changed at will."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Decayed counts at one instant.

    `lines` maps (kind, value) to order lines; `spend` maps (kind, value, currency) to minor units. Both are
    fractions for ranking, never amounts to be paid.
    """

    lines: Mapping[tuple[str, str], float]
    spend: Mapping[tuple[str, str, str], float]

    def of(self, kind: Kind, value: str) -> float:
        """Return the decayed number of order lines with this brand, category or product; 0 if never seen."""
        return self.lines.get((kind, value), 0.0)

    def top(self, kind: Kind, most: int) -> list[tuple[str, float]]:
        """Return at most `most` values of a kind, the strongest first, equals by name."""
        of_kind = [(value, score) for (each, value), score in self.lines.items() if each == kind]
        return sorted(of_kind, key=lambda item: (-item[1], item[0]))[:most]


def read(counts: bytes, half_life_weeks: float, at: datetime) -> Scores:
    """Return packed counts with decay at the aware instant `at`: each week counts 0.5 ** (age / half-life).

    Weeks past 156 do not count, nor do weeks after `at`: a shopper of the future is not known yet.
    """
    now = week_of(at)
    lines: dict[tuple[str, str], float] = {}
    spend: dict[tuple[str, str, str], float] = {}
    for (week, currency), line in packed_weeks(kept(counts, at)):
        if week > now:
            continue
        weight = 0.5 ** ((now - week) / half_life_weeks)
        for (kind, value), (number, minor) in cells_of_week(line).items():
            lines[kind, value] = lines.get((kind, value), 0.0) + weight * number
            spend[kind, value, currency] = spend.get((kind, value, currency), 0.0) + weight * minor
    return Scores(lines, spend)
