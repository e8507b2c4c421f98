"""A basket and what is asked of it, as sums and the moves that change them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tombola.campaigns.asking import Asked, Sum
from tombola.campaigns.baskets import BasketLine
from tombola.campaigns.counting import COUNTS, FAR, Plan
from tombola.campaigns.imagining import Imagined
from tombola.campaigns.moves import Add, Row, Take


@dataclass(frozen=True, slots=True)
class Problem:
    """Rows and moves of a search. `sums` names the first rows; `lines` are those of the takes.

    The rows that follow hold how many different products can still come in, of which only some exist.
    """

    sums: tuple[Sum, ...]
    rows: tuple[Row, ...]
    takes: tuple[Take, ...]
    lines: tuple[BasketLine, ...]
    adds: tuple[Add, ...]


def problem_of(plan: Plan, lines: Sequence[BasketLine], asked: Asked, *, may_take: bool) -> Problem:
    """Return what must be moved so that the sums of these lines come to lie where they are asked to."""
    sums = tuple(asked)
    rows = [
        Row(value, *asked[each], is_minor=each.kind == "minor")
        for each, value in zip(sums, values_of(plan, sums, lines), strict=True)
    ]
    basket = {line.product.product_id for line in lines}
    kinds = [kind for kind in plan.imagined if kind.ids is None or kind.ids - basket]
    some = sorted({tuple(sorted(kind.ids - basket)) for kind in kinds if kind.ids is not None})
    place = {ids: len(rows) + number for number, ids in enumerate(some)}
    rows += [Row(0, high=len(ids)) for ids in some]
    fresh = list(dict.fromkeys(_fresh(plan, asked, kind, basket, place) for kind in kinds))
    limited = {number for number, row in enumerate(rows) if row.high < FAR}
    more = [
        Add(_of(sums, "units", add.rows), add.minor_rows, needs=number, is_more=True, slots=add.slots)
        for number, add in enumerate(fresh)
        if limited.intersection(add.rows) - set(_of(sums, "units", add.rows))
    ]
    leaving = tuple(_leaving(plan, asked, lines) if may_take else ())
    takes = tuple(_take(plan, asked, line) for line in leaving)
    return Problem(sums, tuple(rows), takes, leaving, (*fresh, *more, *_held(plan, asked, lines)))


def values_of(plan: Plan, sums: Sequence[Sum], lines: Sequence[BasketLine]) -> list[int]:
    """Return what these sums of lines are."""
    held = plan.held(lines)
    return [COUNTS[each.kind](held[each.slot]) for each in sums]


def _of(sums: Sequence[Sum], kind: str, rows: Sequence[int]) -> tuple[int, ...]:
    return tuple(row for row in rows if row < len(sums) and sums[row].kind == kind)


def _rows(asked: Asked, slots: Sequence[int], *kinds: str) -> tuple[int, ...]:
    return tuple(number for number, each in enumerate(asked) if each.slot in slots and each.kind in kinds)


def _fresh(plan: Plan, asked: Asked, kind: Imagined, basket: set[str], place: dict[tuple[str, ...], int]) -> Add:
    """Return the add of different products that are not in the basket, a unit of each."""
    slots = plan.slots_of[kind.product]
    limit = () if kind.ids is None else (place[tuple(sorted(kind.ids - basket))],)
    return Add((*_rows(asked, slots, "units", "products"), *limit), _rows(asked, slots, "minor"), slots=slots)


def _held(plan: Plan, asked: Asked, lines: Sequence[BasketLine]) -> Iterator[Add]:
    """Yield the adds of more units of what is in the basket."""
    groups: defaultdict[tuple[int, ...], set[str]] = defaultdict(set)
    for line in lines:
        if line.quantity:
            groups[plan.slots_of[line.product]].add(line.product.product_id)
    for slots, ids in groups.items():
        rows, minor_rows = _rows(asked, slots, "units"), _rows(asked, slots, "minor")
        yield Add(rows, minor_rows, products=frozenset(ids), is_more=True, slots=slots)


def _leaving(plan: Plan, asked: Asked, lines: Sequence[BasketLine]) -> list[BasketLine]:
    """Return the lines whose leaving may help, with all others of their products; what leaves best, last.

    What leaves best are whole products of few units where there are too many, dear lines where the money is too much,
    and cheap ones elsewhere.
    """
    limited = {each.slot for each, interval in asked.items() if interval.high < FAR}
    minor = {each.slot for each in asked if each.kind == "minor"}
    ids = {
        line.product.product_id
        for line in lines
        if limited.intersection(plan.slots_of[line.product])
        or (line.paid_minor < 0 and minor.intersection(plan.slots_of[line.product]))
    }
    leaving = [line for line in lines if line.product.product_id in ids]
    kinds = {each.kind for each, interval in asked.items() if interval.high < FAR}
    if "products" in kinds:
        units = Counter[str]()
        for line in leaving:
            units[line.product.product_id] += line.quantity
        return sorted(leaving, key=lambda line: (-units[line.product.product_id], line.product.product_id))
    return sorted(
        leaving, key=lambda line: Fraction(line.paid_minor, max(line.quantity, 1)), reverse="minor" not in kinds
    )


def _take(plan: Plan, asked: Asked, line: BasketLine) -> Take:
    slots = plan.slots_of[line.product]
    return Take(
        line.quantity,
        line.paid_minor,
        _rows(asked, slots, "units"),
        _rows(asked, slots, "minor"),
        line.product.product_id,
        _rows(asked, slots, "products"),
    )
