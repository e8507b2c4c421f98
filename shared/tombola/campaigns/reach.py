"""How far the moves that are not decided yet can still change every sum."""

from collections.abc import Sequence
from fractions import Fraction
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

    def with_take(self, take: Take, bit: int, *, is_last: bool) -> "Rest":
        """Return the rest with this move undecided too; `is_last`: of all lines of its product, so it can be gone."""
        up, down, raisers, lowerers, steepest, gifts = map(list, self)
        for row in take.rows:
            down[row] += take.units
            lowerers[row] |= bit
        for row in take.product_rows:
            down[row] += int(is_last)
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


class Reach:
    """What all moves that are undecided before each one can do."""

    def __init__(self, rows: Sequence[Row], takes: Sequence[Take], adds: Sequence[Add]) -> None:
        """Look at the moves in the order in which they are decided, takes first."""
        self._rows = rows
        nothing = (0,) * len(rows)
        found = [Rest(*[nothing] * len(Rest._fields))]
        for number in reversed(range(len(adds))):
            found.append(found[-1].with_add(adds[number], 1 << len(takes) + number))
        last = {take.product: number for number, take in enumerate(takes) if take.units}
        for number in reversed(range(len(takes))):
            take = takes[number]
            found.append(found[-1].with_take(take, 1 << number, is_last=last.get(take.product) == number))
        self.rests = found[::-1]
        self._cheapest = [_by_price(takes, row) for row in range(len(rows))]
        self._smallest = [_by_size(takes, last, row) for row in range(len(rows))]

    def at_least(self, number: int, values: Sequence[int], paying: Sequence[int]) -> Size | None:
        """Return what bringing all sums between their bounds takes at least before this move, or None if nothing can.

        Two sums that no move changes both need the units of both. `paying`: how many adds of each row came in already.
        """
        needs: list[tuple[int, int]] = []
        given = taken = 0
        rest = self.rests[number]
        for at, (row, value) in enumerate(zip(self._rows, values, strict=True)):
            if value < row.low:
                if not (row.is_minor and paying[at]):
                    if value + rest.up[at] < row.low:
                        return None
                    needs.append((1 if row.is_minor else row.low - value, rest.raisers[at]))
                if row.is_minor:
                    given = max(given, row.low - value - rest.gifts[at])
            elif value > row.high:
                if value - rest.down[at] > row.high:
                    return None
                units, minor = self._out(at, number, value - row.high)
                needs.append((units, rest.lowerers[at]))
                taken = max(taken, minor)
        return Size(_apart(needs), given + taken)

    def _out(self, at: int, number: int, over: int) -> Size:
        """Return what lowering one sum by so much takes at least."""
        if self._rows[at].is_minor:
            return Size(-(-over // self.rests[number].steepest[at]), over)
        if self._smallest[at]:
            sizes = [units for units, last in self._smallest[at] if last >= number]
            return Size(sum(sizes[:over]), 0)
        minor, left = 0, over
        for take, of in self._cheapest[at]:
            if not left:
                break
            if of >= number:
                units = min(take.units, left)
                minor, left = minor + max(take.lowers(units), 0), left - units
        return Size(over, minor)


def _by_price(takes: Sequence[Take], row: int) -> list[tuple[Take, int]]:
    """Return the moves that lower a row of units, the cheapest first; what costs less than nothing comes free."""
    found = [(take, number) for number, take in enumerate(takes) if row in take.rows and take.units]
    return sorted(found, key=lambda each: price(each[0]))


def _by_size(takes: Sequence[Take], last: dict[str, int], row: int) -> list[tuple[int, int]]:
    """Return how many units each product of a row of products has, the fewest first, and the last move of it.

    Part of a product may have left by the moves before; so only a product's last line is counted.
    """
    return sorted((takes[number].units, number) for number in last.values() if row in takes[number].product_rows)


def price(take: Take) -> Fraction:
    """Return what one unit of a line costs, exactly."""
    return Fraction(take.paid_minor, take.most)


def _apart(needs: list[tuple[int, int]]) -> int:
    """Return the units that needs take which share no move, the largest first."""
    total = used = 0
    for need, movers in sorted(needs, reverse=True):
        if not movers & used:
            total += need
            used |= movers
    return total
