"""Room: how much of a profile is kept. A function of the orders and the clock, never of arrival."""

from collections.abc import Iterator
from datetime import datetime

from tombola.profiles.counts import Cells, Week, cells_of_week, joined, packed_week, packed_weeks, week_of

KEPT_WEEKS = 156
MAX_ORDER_BYTES = 128 * 1024
_TOTALS = frozenset({"orders"})
_GROUPS = _TOTALS | {"brand", "category"}
_ALL = _GROUPS | {"product"}
LEVELS = ((256 * 1024, _ALL), (300 * 1024, _GROUPS))
"""Detail, newest weeks first: everything within 256 KiB, no products within 300 KiB, then totals alone."""


def kept(counts: bytes, at: datetime) -> bytes:
    """Return the counts without the weeks that lie more than 156 weeks before the aware instant `at`."""
    oldest = week_of(at) - KEPT_WEEKS
    (first, _), _ = next(packed_weeks(counts), ((oldest, ""), b""))
    if first >= oldest:
        return counts
    return joined({week: line for week, line in packed_weeks(counts) if week[0] >= oldest})


def fit_order(contribution: bytes) -> bytes:
    """Return what an order adds, without products, or totals alone, if it took more than 128 KiB."""
    return next(each for each in _ever_smaller(contribution) if len(each) <= MAX_ORDER_BYTES)


def fit(counts: bytes) -> bytes:
    """Return the counts in the detail there is room for.

    From what was cut away nothing can be retracted: such counts are built anew from every contribution of
    the shopper, and fitted again. That makes them independent of the order in which orders came.
    """
    levels = list(LEVELS)
    if len(counts) <= levels[0][0]:
        return counts
    fitted: dict[Week, bytes] = {}
    size = 0
    for week, line in reversed(list(packed_weeks(counts))):
        while levels and size + len(_only(week, line, levels[0][1])) > levels[0][0]:
            levels.pop(0)
        fitted[week] = _only(week, line, levels[0][1] if levels else _TOTALS)
        size += len(fitted[week]) + 1
    return joined(fitted)


def _ever_smaller(contribution: bytes) -> Iterator[bytes]:
    yield contribution
    for kinds in (_GROUPS, _TOTALS):
        yield joined({week: _only(week, line, kinds) for week, line in packed_weeks(contribution)})


def _only(week: Week, line: bytes, kinds: frozenset[str]) -> bytes:
    if kinds == _ALL:
        return line
    cells: Cells = {place: cell for place, cell in cells_of_week(line).items() if place[0] in kinds}
    return packed_week(week, cells)
