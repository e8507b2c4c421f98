"""Drawing by winning moments: a play wins the lowest unclaimed moment not later than its `accepted_at`.

Claim k is created once, and only when k-1 exists, so the claims are always 0 to n-1 and "how many
are there" can be searched for. What a search saw stays true: claims never go away.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar

from tombola.games.records import Record


class Claim(Record):
    """Winning moment number `moment` (from 0) is won. Never deleted, never opened again."""

    COLLECTION: ClassVar[str] = "claims"

    moment: int
    moment_at: datetime
    token_id: str
    accepted_at: datetime

    @property
    def parts(self) -> tuple[str, ...]:
        """Campaign, version and the moment's number."""
        return (*self.of.parts, str(self.moment))


def probes(low: int, high: int) -> Iterator[int]:
    """Yield the claims to look for when the first unclaimed is somewhere from `low` to `high`.

    Steps double, so one read of about log2(high - low) documents halves the rest at least, and finds it at
    once where it lies close to `low`.
    """
    step = 1
    while low < high:
        yield low
        low, step = low + step, step * 2


def narrowed(low: int, high: int, exists: Sequence[tuple[int, bool]]) -> tuple[int, int]:
    """Return where the first unclaimed moment still can be, knowing which of the probed claims exist."""
    found = [number for number, there in exists if there]
    missing = [number for number, there in exists if not there]
    return max([low, *(number + 1 for number in found)]), min([high, *missing])
