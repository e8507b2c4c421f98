"""How far the moves that are not decided yet can still change every sum."""

from collections.abc import Sequence
from typing import NamedTuple

from tombola.campaigns.counting import FAR
from tombola.campaigns.moves import Add, Row, Size, Take


class Rest(NamedTuple):
    """What the undecided moves can do, per row: at most, which of them do it (as bits), and at most by one unit.

    `gifts`: by how much a sum rises without a payment when lines leave for which less than nothing was paid.
    """

    up: tuple[int, ...]
    down: tuple[int, ...]
    raisers: tuple[int, ...]
    lowerers: tuple[int, ...]
    steepest: tuple[int, ...]
    gifts: tuple[int, ...]

    def with_take(self, take: Take, bit: int) -> "Rest":
        """Return the rest with this move undecided too."""
        up, down, raisers, lowerers, steepest, gifts = map(list, self)
        for row in (*take.rows, *take.product_rows):
            down[row] += take.units
            lowerers[row] |= bit
        for row in take.minor_rows:
            if take.paid_minor > 0:
                down[row] += take.paid_minor
                lowerers[row] |= bit
                steepest[row] = max(steepest[row], take.lowers(1))
            elif take.paid_minor < 0:
                up[row] -= take.paid_minor
                gifts[row] -= take.paid_minor
                raisers[row] |= bit
        return Rest(*map(tuple, (up, down, raisers, lowerers, steepest, gifts)))

    def with_add(self, add: Add, bit: int) -> "Rest":
        """Return the rest with this move undecided too."""
        up, raisers = list(self.up), list(self.raisers)
        for row in (*add.rows, *add.minor_rows):
            up[row] = FAR
            raisers[row] |= bit
        return self._replace(up=tuple(up), raisers=tuple(raisers))


def rests(rows: Sequence[Row], takes: Sequence[Take], adds: Sequence[Add]) -> list[Rest]:
    """Return the rest before each move, and after the last."""
    nothing = (0,) * len(rows)
    found = [Rest(*[nothing] * len(Rest._fields))]
    for number in reversed(range(len(adds))):
        found.append(found[-1].with_add(adds[number], 1 << len(takes) + number))
    for number in reversed(range(len(takes))):
        found.append(found[-1].with_take(takes[number], 1 << number))
    return found[::-1]


def at_least(rows: Sequence[Row], values: Sequence[int], paying: Sequence[int], rest: Rest) -> Size | None:
    """Return what bringing all sums between their bounds takes at least from here, or None where nothing can.

    Two sums that no move changes both need the units of both. `paying`: how many adds of each row came in already.
    """
    needs: list[tuple[int, int]] = []
    given = taken = 0
    for number, (row, value) in enumerate(zip(rows, values, strict=True)):
        if value < row.low:
            paid = row.is_minor and paying[number]
            if not paid:
                if value + rest.up[number] < row.low:
                    return None
                needs.append((1 if row.is_minor else row.low - value, rest.raisers[number]))
            if row.is_minor:
                given = max(given, row.low - value - rest.gifts[number])
        elif value > row.high:
            over = value - row.high
            if rest.down[number] < over:
                return None
            needs.append((-(-over // rest.steepest[number]) if row.is_minor else over, rest.lowerers[number]))
            if row.is_minor:
                taken = max(taken, over)
    return Size(_apart(needs), given + taken)


def _apart(needs: list[tuple[int, int]]) -> int:
    """Return the units that needs take which share no move, the largest first."""
    total = used = 0
    for need, movers in sorted(needs, reverse=True):
        if not movers & used:
            total += need
            used |= movers
    return total
