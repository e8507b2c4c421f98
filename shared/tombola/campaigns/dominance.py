"""Which adds are worth trying in a search for the smallest change."""

from collections.abc import Sequence

from tombola.campaigns.counting import FAR
from tombola.campaigns.moves import Add, Row


def undominated(rows: Sequence[Row], adds: Sequence[Add]) -> list[int]:
    """Return the adds worth trying, those that raise the most sums first.

    One is not, where another raises all sums that it raises and must, and touches no limit that it does not. More of
    what is there already depends on what is there, so it stands for nothing else.
    """
    low = {number for number, row in enumerate(rows) if row.low > -FAR}
    high = {number for number, row in enumerate(rows) if row.high < FAR}
    raised = [low.intersection((*add.rows, *add.minor_rows)) for add in adds]
    limited = [high.intersection((*add.rows, *add.minor_rows)) for add in adds]

    def is_dominated(one: int) -> bool:
        return not raised[one] or any(
            raised[other] >= raised[one]
            and limited[other] <= limited[one]
            and (other < one or (raised[other], limited[other]) != (raised[one], limited[one]))
            for other, add in enumerate(adds)
            if other != one and not add.is_more
        )

    needed = {adds[number].needs for number in range(len(adds)) if not is_dominated(number)}
    kept = [number for number in range(len(adds)) if number in needed or not is_dominated(number)]
    return sorted(kept, key=lambda number: (adds[number].is_more, -len(raised[number])))
