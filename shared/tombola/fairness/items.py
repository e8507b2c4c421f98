"""What is sealed of a play: one item for every state it was ever in, as one line.

An item names the token, the place of the state among the play's states, the state and when. The first item of a play
also holds the digest of what was fixed at the issue, the item `played` that of what was drawn and granted. When is a
day; only a play by winning moments is told to the second, for without that no loser can be checked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from tombola.digests import digest
from tombola.fairness.canonical import day, line, second
from tombola.games.events import PlayState
from tombola.games.plays import Play

ISSUED_LABEL, DRAWN_LABEL = "tombola.issued.v1", "tombola.drawn.v1"


@dataclass(frozen=True, slots=True)
class Item:
    """One state of one play. `counts_from` is since when it is to be sealed, `before` the state it left, if any."""

    token_id: str
    index: int
    state: PlayState
    at: str
    facts: str
    before: PlayState | None
    counts_from: datetime

    @property
    def line(self) -> bytes:
        """The canonical line that is a leaf of the tree."""
        named = {"token": self.token_id, "index": self.index, "state": self.state, "at": self.at}
        return line({**named, "facts": self.facts} if self.facts else named)


def items_of(play: Play) -> Iterator[Item]:
    """Yield every item of a play.

    Two processes' clocks may differ, so a later state may bear an earlier time: it counts from the latest time up to
    it, and a play's items are sealed in order.
    """
    counts_from = accumulate(play.state_times, max)
    for index, (state, since, counted) in enumerate(zip(play.states, play.state_times, counts_from, strict=True)):
        before = play.states[index - 1] if index else None
        yield Item(play.token_id, index, state, at_text(play, state, since), _facts(play, index), before, counted)


def at_text(play: Play, state: PlayState, since: datetime) -> str:
    """Return when a play came into a state: its day, and a play by winning moments to the second."""
    to_the_second = state == "played" and play.draw is not None and play.draw.kind == "winning_moments"
    return second(since) if to_the_second else day(since)


def issued_facts(play: Play) -> Mapping[str, object]:
    """Return what was fixed when the token was issued: whose it is, of what tier and kind."""
    return {"retailer": play.retailer, "tier": play.tier, "kind": play.kind}


def drawn_facts(play: Play) -> Mapping[str, object] | None:
    """Return what was drawn and what was granted: facts that nothing takes back. None for what was never played.

    The code of a coupon is left out: it is worth money to whoever reads it.
    """
    if play.draw is None:
        return None
    return {"draw": play.draw.model_dump(exclude_none=True), "granted": granted_facts(play)}


def granted_facts(play: Play) -> Mapping[str, object]:
    """Return what was granted: the prize's name (of the rules, `fallback` or none), kind, worth, money by balance."""
    prize = play.prize
    reserved = {name: portion.reserved_minor for name, portion in prize.portions.items()}
    return {"name": prize.name, "kind": prize.kind, "worth_minor": prize.worth_minor, "reserved": reserved}


def _facts(play: Play, index: int) -> str:
    if index == 0:
        return digest(ISSUED_LABEL, line(issued_facts(play))).hex()
    drawn = drawn_facts(play) if play.states[index] == "played" else None
    return digest(DRAWN_LABEL, line(drawn)).hex() if drawn is not None else ""
