"""The smallest moves that bring sums between their bounds: an exact search over whole numbers.

Smallest means: the fewest units moved, then the least money. The search tries everything that could still be smaller
than the best it has found (branch and bound), and its budget says when it was cut short.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tombola.campaigns.counting import FAR
from tombola.campaigns.dominance import undominated
from tombola.campaigns.moves import Add, Budget, Row, Size, Solution, Take
from tombola.campaigns.reach import Reach


def search(
    rows: Sequence[Row], takes: Sequence[Take], adds: Sequence[Add], smaller_than: Size | None, budget: Budget
) -> Solution | None:
    """Return the smallest solution that is smaller than this size, or None where there is none."""
    kept = undominated(rows, adds)
    place = {number: at for at, number in enumerate(kept)}
    worth_it = [
        add._replace(needs=None if add.needs is None else place[add.needs]) for add in map(adds.__getitem__, kept)
    ]
    found = _Branches(rows, takes, worth_it, smaller_than, budget).search()
    if found is None:
        return None
    return found._replace(added=_spread(found.added, kept, adds), paid=_spread(found.paid, kept, adds))


def _spread(figures: Sequence[int], kept: Sequence[int], adds: Sequence[Add]) -> tuple[int, ...]:
    by_number = dict(zip(kept, figures, strict=True))
    return tuple(by_number.get(number, 0) for number in range(len(adds)))


class _Branches:
    """A search under way: what was decided of the moves so far, the takes first, and the sums that follow."""

    def __init__(
        self, rows: Sequence[Row], takes: Sequence[Take], adds: Sequence[Add], best: Size | None, budget: Budget
    ) -> None:
        """Look for what is smaller than `best`."""
        self._rows, self._takes, self._adds, self._budget = rows, takes, adds, budget
        self._reach = Reach(rows, takes, adds)
        self._floor: Size | None = None
        self._best = best
        self._found: Solution | None = None
        self._values = [row.value for row in rows]
        self._paying = [0] * len(rows)
        self._moved: list[int] = []
        self._left = Counter[str]()
        for take in takes:
            self._left[take.product] += take.units

    def search(self) -> Solution | None:
        """Return the smallest solution, or None."""
        ways: list[Iterator[int]] = [iter(self._ways())] if self._enter(Size(0, 0)) else []
        sizes = [Size(0, 0)]
        while ways:
            if len(self._moved) == len(ways):
                self._apply(self._moved.pop(), back=True)
                sizes.pop()
            units = next(ways[-1], None)
            if units is None:
                ways.pop()
                continue
            size = self._grown(sizes[-1], units)
            self._apply(units)
            self._moved.append(units)
            sizes.append(size)
            if self._enter(size):
                ways.append(iter(self._ways()))
            if self._best is not None and self._best == self._floor:
                break
        return self._found

    def _enter(self, size: Size) -> bool:
        """Tell whether to decide the next move; with none left, keep what was decided if it is the smallest."""
        if not self._budget.allows():
            return False
        number = len(self._moved)
        more = self._reach.at_least(number, self._values, self._paying)
        if not number:
            self._floor = more
        if more is None or not self._is_smallest(Size(size.units + more.units, size.minor + more.minor)):
            return False
        if number < len(self._takes) + len(self._adds):
            return True
        self._pay(size)
        return False

    def _is_smallest(self, size: Size) -> bool:
        return self._best is None or size < self._best

    def _pay(self, size: Size) -> None:
        """Keep what was decided, with the least money for the adds that came in."""
        taken, added = self._moved[: len(self._takes)], self._moved[len(self._takes) :]
        paid = self._least_paid(added)
        if paid is None:
            return
        whole = Size(size.units, size.minor + sum(paid))
        if self._is_smallest(whole):
            self._best = whole
            self._found = Solution(whole, tuple(taken), tuple(added), paid)

    def _least_paid(self, added: Sequence[int]) -> tuple[int, ...] | None:
        """Return the least that is to be paid per add, or None where no payment will do: a search in minor units."""
        sums = [number for number, row in enumerate(self._rows) if row.is_minor]
        if not sums:
            return (0,) * len(added)
        rows = [Row(self._values[number], self._rows[number].low, self._rows[number].high) for number in sums]
        buyers = [number for number, units in enumerate(added) if units]
        adds = [Add(tuple(map(sums.index, self._adds[number].minor_rows)), ()) for number in buyers]
        found = search(rows, (), adds, None, self._budget)
        if found is None:
            return None
        paid = dict(zip(buyers, found.added, strict=True))
        return tuple(paid.get(number, 0) for number in range(len(added)))

    def _grown(self, size: Size, units: int) -> Size:
        number = len(self._moved)
        minor = abs(self._takes[number].lowers(units)) if number < len(self._takes) else 0
        return Size(size.units + units, size.minor + minor)

    def _apply(self, units: int, *, back: bool = False) -> None:
        """Decide the next move, or take it back."""
        number = len(self._moved)
        if not units:
            return
        if number < len(self._takes):
            self._take(self._takes[number], units, -1 if back else 1)
        else:
            self._add(self._adds[number - len(self._takes)], units, -1 if back else 1)

    def _take(self, take: Take, units: int, sign: int) -> None:
        left = min(units, take.units)
        before = self._left[take.product]
        self._left[take.product] = after = before - sign * left
        for row in take.rows:
            self._values[row] -= sign * left
        for row in take.minor_rows:
            self._values[row] -= sign * take.lowers(units)
        if left and not (before if sign < 0 else after):
            for row in take.product_rows:
                self._values[row] -= sign

    def _add(self, add: Add, units: int, sign: int) -> None:
        for row in add.rows:
            self._values[row] += sign * units
        for row in add.minor_rows:
            self._paying[row] += sign

    def _ways(self) -> Iterable[int]:
        """Return how many units of the next move to try: the fewest first that leave, the most first that come in."""
        number = len(self._moved)
        if number < len(self._takes):
            return self._taken(number, self._takes[number])
        add = self._adds[number - len(self._takes)]
        least, most = self._least_added(number, add), self._most_added(add)
        return range(most, least - 1, -1)

    def _taken(self, number: int, take: Take) -> Iterable[int]:
        least = self._least_taken(number, take)
        counts_by_unit = take.paid_minor < 0 or any(
            self._rows[row].high < FAR for row in (*take.rows, *take.minor_rows)
        )
        return range(least, take.most + 1) if counts_by_unit else sorted({min(least, 1) * take.most, take.most})

    def _least_taken(self, number: int, take: Take) -> int:
        """Return how many units must leave by this move, because no later one lowers the same sums so far."""
        rest = self._reach.rests[number + 1]
        is_needed = any(self._values[row] - rest.down[row] > self._rows[row].high for row in take.product_rows)
        least = take.most if is_needed else 0
        for row in take.rows:
            least = max(least, self._values[row] - rest.down[row] - self._rows[row].high)
        for row in take.minor_rows:
            over = self._values[row] - rest.down[row] - self._rows[row].high
            if over > 0 and take.paid_minor > 0:
                least = max(least, (over - 1) * take.most // take.paid_minor + 1)
        return least

    def _least_added(self, number: int, add: Add) -> int:
        rest = self._reach.rests[number + 1]
        return max([0, *(self._rows[row].low - self._values[row] - rest.up[row] for row in add.rows)])

    def _most_added(self, add: Add) -> int:
        """Return how many units can be of use: none where nothing is short, and no more than every limit allows."""
        if not self._is_there(add):
            return 0
        short = [self._rows[row].low - self._values[row] for row in add.rows]
        unpaid = any(self._values[row] < self._rows[row].low for row in add.minor_rows)
        room = min((self._rows[row].high - self._values[row] for row in add.rows), default=1)
        return min(max([*short, int(unpaid)]), room)

    def _is_there(self, add: Add) -> bool:
        """Tell whether there is what more is to be added of, if it is only more."""
        if not add.is_more or any(self._left.get(product, 1) for product in add.products):
            return True
        return add.needs is not None and bool(self._moved[len(self._takes) + add.needs])
