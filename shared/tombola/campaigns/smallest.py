"""Find the smallest change of a basket, and say it in steps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tombola.campaigns.asking import Sum, alternatives
from tombola.campaigns.baskets import BasketLine
from tombola.campaigns.branching import search
from tombola.campaigns.changes import Change, Step
from tombola.campaigns.counting import FAR, Plan
from tombola.campaigns.moves import Add, Budget, Solution, Take
from tombola.campaigns.problems import Problem, problem_of, values_of
from tombola.campaigns.selecting import Selection


def smallest_change(plan: Plan, lines: Sequence[BasketLine]) -> Change:
    """Return the smallest change after which the basket meets all criteria of the plan."""
    counting = [line for line in lines if plan.slots_of[line.product]]
    budget = Budget()
    for may_take in (False, True):
        best: tuple[Problem, Solution] | None = None
        for asked in alternatives(plan):
            problem = problem_of(plan, counting, asked, may_take=may_take)
            size = best[1].size if best else None
            found = search(problem.rows, problem.takes, problem.adds, size, budget)
            best = (problem, found) if found else best
            if budget.spent:
                break
        if best is not None:
            return Change(tuple(_steps(plan, counting, *best)), is_proven=not budget.spent)
    return Change(possible=False, is_proven=not budget.spent)


@dataclass(frozen=True, slots=True)
class _Coming:
    """What comes in of one kind of product: units, how many of them new products, minor units."""

    add: Add
    units: int = 0
    fresh: int = 0
    minor: int = 0


def _steps(plan: Plan, lines: Sequence[BasketLine], problem: Problem, solution: Solution) -> Iterator[Step]:
    taken = {
        line.line_id: (take, units)
        for line, take, units in zip(problem.lines, problem.takes, solution.taken, strict=True)
        if units
    }
    for line in lines:
        if line.line_id in taken:
            take, units = taken[line.line_id]
            of = line.product
            minor = take.lowers(units)
            yield Step(
                "take_out", units, minor, (), line_id=line.line_id, product_id=of.product_id, product_name=of.name
            )
    left = [_left(line, *taken[line.line_id]) if line.line_id in taken else line for line in lines]
    values = values_of(plan, problem.sums, left)
    short = {each for each, row, value in zip(problem.sums, problem.rows, values, strict=False) if value < row.low}
    room = _room(problem, values, coming := _coming(problem, solution))
    for each in coming:
        yield _step(plan, problem, each, short, room)


def _left(line: BasketLine, take: Take, units: int) -> BasketLine:
    return replace(line, quantity=max(line.quantity - units, 0), paid_minor=line.paid_minor - take.lowers(units))


def _coming(problem: Problem, solution: Solution) -> list[_Coming]:
    """Return what comes in; a new product and more units of it are one."""
    coming: dict[int, _Coming] = {}
    for number, (add, units, minor) in enumerate(zip(problem.adds, solution.added, solution.paid, strict=True)):
        if units:
            of = number if add.needs is None else add.needs
            known = coming.get(of, _Coming(problem.adds[of]))
            fresh = known.fresh + (0 if add.is_more else units)
            coming[of] = _Coming(known.add, known.units + units, fresh, known.minor + minor)
    return list(coming.values())


def _room(problem: Problem, values: Sequence[int], coming: Sequence[_Coming]) -> dict[int, int]:
    """Return how much more each step may cost, per limited row of money: what is left, in equal shares."""
    room = {}
    for number, (row, value) in enumerate(zip(problem.rows, values, strict=False)):
        spent = [each.minor for each in coming if number in each.add.minor_rows]
        if row.is_minor and row.high < FAR and spent:
            room[number] = (row.high - value - sum(spent)) // len(spent)
    return room


def _step(plan: Plan, problem: Problem, coming: _Coming, short: set[Sum], room: Mapping[int, int]) -> Step:
    add = coming.add
    serves = [
        problem.sums[row]
        for row in (*add.rows, *add.minor_rows)
        if row < len(problem.sums) and problem.sums[row] in short
    ]
    of = tuple(dict.fromkeys(plan.slots[each.slot].of for each in serves))
    limits = {each for each, row in zip(problem.sums, problem.rows, strict=False) if row.high < FAR}
    least = [room[row] for row in add.minor_rows if row in room]
    return Step(
        "add",
        coming.units,
        coming.minor,
        of=tuple(each for each in of if each != Selection()) or (Selection(),),
        but_not=tuple(dict.fromkeys(_confusable(plan, add, limits, serves, of))),
        most_minor=coming.minor + min(least) if least else None,
        products=coming.fresh if any(each.kind == "products" for each in serves) else 0,
        most_products=coming.fresh if any(Sum("products", slot) in limits for slot in add.slots) else None,
    )


def _confusable(
    plan: Plan, add: Add, limits: Iterable[Sum], serves: Sequence[Sum], of: Sequence[Selection]
) -> Iterator[Selection]:
    """Yield what `of` could mean too, but must not: what a limit stands on, or an earlier part of a bundle."""
    meant = [kind.product for kind in plan.imagined if all(each.matches(kind.product) for each in of)]
    for slot in sorted({each.slot for each in limits} - set(add.slots)):
        if any(plan.slots[slot].takes(product) for product in meant):
            yield plan.slots[slot].of
    for each in serves:
        for earlier in plan.slots[each.slot].before:
            if any(earlier.matches(product) for product in meant):
                yield earlier
