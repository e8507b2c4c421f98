"""Counts: whole numbers of order lines and money per week, so that what was added can be taken away exactly.

A profile, and what one order adds to it, have the same form: one line of canonical JSON per week and
currency, in order. Adding an order rewrites the lines of its own week only. Decay is left to reading
(`tombola.profiles.reading`): sums of decayed fractions could not be retracted exactly.

A line: `[week, currency, {kind: [[value, lines, spend], ...]}]`. Kinds are `product`, `brand`, `category`,
and `orders` with the one value "" (how many orders, and all they spent). `spend` is in minor units: what
was paid for what is left after returns, value less coupon, so it may be negative.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from tombola.campaigns.baskets import Basket, BasketLine

MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
WEEK = timedelta(weeks=1)

Week = tuple[int, str]
"""Whole weeks since Monday 1970-01-05, UTC, and a currency: money of two currencies is never added."""
Cells = Mapping[tuple[str, str], tuple[int, int]]
"""(kind, value) to (lines, spend in minor units). Never holds a pair of zeros."""


def week_of(at: datetime) -> int:
    """Return the number of whole weeks from Monday 1970-01-05 UTC to an aware instant."""
    return (at - MONDAY) // WEEK


def contribution(basket: Basket) -> bytes:
    """Return what an order adds: nothing when no line of it is left, as when it was cancelled."""
    if not basket.lines:
        return b""
    spent = sum(line.paid_minor for line in basket.lines)
    cells = _summed([(("orders", ""), (1, spent)), *(cell for line in basket.lines for cell in _cells_of(line))])
    return packed_week((week_of(basket.ordered_at), basket.currency), cells)


def add(counts: bytes, contributions: Iterable[bytes]) -> bytes:
    """Return the counts with contributions added."""
    weeks = dict(packed_weeks(counts))
    changed: dict[Week, list[bytes]] = {}
    for week, line in (each for added in contributions for each in packed_weeks(added)):
        changed.setdefault(week, []).append(line)
    for week, lines in changed.items():
        weeks[week] = _sum_of_week(week, [*lines, *([weeks[week]] if week in weeks else [])])
    return joined(weeks)


def retract(counts: bytes, contribution: bytes) -> bytes:
    """Return the counts as if `contribution` had never been added: exactly, to the byte."""
    return add(counts, [joined({week: _negated(week, line) for week, line in packed_weeks(contribution)})])


def packed_weeks(counts: bytes) -> Iterator[tuple[Week, bytes]]:
    """Yield every week with its line, oldest first, without reading into the lines."""
    for line in counts.splitlines():
        number, currency, _ = line[1:].split(b",", 2)
        yield (int(number), currency[1:-1].decode()), line


def joined(weeks: Mapping[Week, bytes]) -> bytes:
    """Return counts made of lines, without the empty ones."""
    return b"\n".join(weeks[week] for week in sorted(weeks) if weeks[week])


def packed_week(week: Week, cells: Cells) -> bytes:
    """Return the line of a week; nothing when it holds no cell."""
    if not cells:
        return b""
    kinds: dict[str, list[list[str | int]]] = {}
    for (kind, value), (lines, spend) in sorted(cells.items()):
        kinds.setdefault(kind, []).append([value, lines, spend])
    return json.dumps([*week, kinds], separators=(",", ":")).encode()


def cells_of_week(line: bytes) -> Cells:
    """Return the cells that a line holds."""
    kinds = json.loads(line)[2]
    return {(kind, value): (lines, spend) for kind, rows in kinds.items() for value, lines, spend in rows}


def _cells_of(line: BasketLine) -> Iterator[tuple[tuple[str, str], tuple[int, int]]]:
    """Yield one cell per thing known of the line's product."""
    product = line.product
    known = {"product": product.product_id, "brand": product.brand, "category": product.category}
    yield from (((kind, value), (1, line.paid_minor)) for kind, value in known.items() if value)


def _sum_of_week(week: Week, lines: Iterable[bytes]) -> bytes:
    return packed_week(week, _summed(cell for line in lines for cell in cells_of_week(line).items()))


def _summed(cells: Iterable[tuple[tuple[str, str], tuple[int, int]]]) -> Cells:
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for place, (lines, spend) in cells:
        before = sums.get(place, (0, 0))
        sums[place] = (before[0] + lines, before[1] + spend)
    return {place: sums[place] for place in sums if sums[place] != (0, 0)}


def _negated(week: Week, line: bytes) -> bytes:
    return packed_week(week, {place: (-lines, -spend) for place, (lines, spend) in cells_of_week(line).items()})
