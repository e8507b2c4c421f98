"""What an entrant comes to in whole campaign versions, and how much of it one commit can hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tombola.games.plays import Play
from tombola.games.records import Record
from tombola.issuing.cases import Case, Decision, Shared
from tombola.issuing.deciding import decide


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an entrant comes to in one campaign version, tier by tier, and the shared documents as they were read."""

    before: Shared
    decided: tuple[tuple[Case, Decision], ...]

    @property
    def records(self) -> list[Record]:
        """All documents to be written."""
        own = [record for _, decision in self.decided for record in decision.records]
        last = self.decided[-1][1].shared if self.decided else self.before
        return [*own, *last.changed_since(self.before)]

    @property
    def changed_plays(self) -> list[Play]:
        """The plays that others must be told of."""
        return [play for _, decision in self.decided if (play := decision.changed_play) is not None]


def settled(cases: Iterable[Case], shared: Shared) -> Settlement:
    """Return what all cases of one campaign version come to, each deciding on what those before it left."""
    before, decided = shared, []
    for case in cases:
        decision = decide(case, shared)
        shared = decision.shared
        decided.append((case, decision))
    return Settlement(before, tuple(decided))


def that_fit(settlements: Sequence[Settlement], most: int) -> list[Settlement]:
    """Return the first settlements, the last one perhaps with its first tiers only, that `most` writes can hold.

    A play is two: itself, and the event that tells of it. What is cut off is to be decided again.
    """
    fitting, room = [], most
    for whole in settlements:
        part = whole
        while part.decided and _writes(part) > room:
            part = replace(part, decided=part.decided[:-1])
        fitting.append(part)
        room -= _writes(part)
        if part != whole:
            break
    return fitting


def _writes(settlement: Settlement) -> int:
    return len(settlement.records) + len(settlement.changed_plays)
