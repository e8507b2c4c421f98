"""Drawing by winning moments: a play wins the lowest unclaimed moment not later than its `accepted_at`.

Claim k is created once, and only when k-1 exists, so the claims are always 0 to n-1 and "how many
are there" can be searched for. What a search saw stays true: claims never go away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from tombola.games.ledger import Balance, Posting, move, post
from tombola.games.plays import Draw, Play, played
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


@dataclass(frozen=True, slots=True)
class Drawn:
    """A play after its draw, and what else its commit writes."""

    play: Play
    claim: Claim | None = None
    balance: Balance | None = None
    posting: Posting | None = None

    @property
    def records(self) -> list[Record]:
        """Every document the commit writes."""
        return [record for record in (self.play, self.claim, self.balance, self.posting) if record is not None]


def lose(play: Play, unclaimed: int, accepted_at: datetime) -> Drawn:
    """Return a play that lost, having seen `unclaimed` claims: the next moment lies after it, or there is none."""
    return Drawn(played(play, accepted_at, Draw(claims_seen=unclaimed)))


def win(claim: Claim, play: Play, prize: str, amount_minor: int, balance: Balance) -> Drawn:
    """Return a play that claimed a moment: the prize's money reserved in the same commit.

    The balance is rewritten even where it grants nothing (it has less than the prize), because that
    decision rests on what it said.
    """
    granted = amount_minor if amount_minor <= balance.accounts["available"] else 0
    after, posting = balance.touched(), None
    if granted:
        after, posting = post(
            balance,
            cause=play.token_id,
            kind="reserve",
            legs=move("available", "reserved", granted),
            at=claim.accepted_at,
        )
    draw = Draw(
        prize=prize, claims_seen=claim.moment, moment=claim.moment,
        balance=after.balance, sequence=after.sequence, available_minor=after.accounts["available"],
    )  # fmt: skip
    return Drawn(played(play, claim.accepted_at, draw, granted, prize), claim, after, posting)
