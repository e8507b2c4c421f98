"""The draw, both kinds in one engine: what is won follows from the seed, what is granted from what there is."""

from dataclasses import dataclass
from datetime import datetime

from tombola.campaigns.model import Campaign
from tombola.campaigns.winning import Prize
from tombola.draws.claims import Claim
from tombola.draws.granting import Means, grant
from tombola.games.plays import Draw, Play, played
from tombola.games.records import Record


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a play wins by the seed: the draw as it is recorded, the prize if any, and the claim of a moment."""

    draw: Draw
    prize: Prize | None = None
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A play after its draw, all documents its commit writes, and whether a prize could not be granted."""

    play: Play
    records: tuple[Record, ...]
    ran_out: bool = False


def by_moment(claims_seen: int, claim: Claim | None = None, prize: Prize | None = None) -> Outcome:
    """Return what a play wins that saw so many claims: the next moment if it claims it, else nothing."""
    if claim is None or prize is None:
        return Outcome(Draw(kind="winning_moments", claims_seen=claims_seen))
    draw = Draw(kind="winning_moments", prize=prize.name, claims_seen=claims_seen, moment=claim.moment)
    return Outcome(draw, prize, claim)


def by_odds(number: int, prize: Prize | None) -> Outcome:
    """Return what a play wins whose number was drawn."""
    return Outcome(Draw(kind="odds", prize=prize.name if prize else "", number=f"{number:016x}"), prize)


def drawn(rules: Campaign, play: Play, outcome: Outcome, means: Means, at: datetime) -> Drawn:
    """Return the play with its outcome and what it is granted. A play that wins nothing touches no money."""
    if outcome.prize is None:
        after = played(play, at, outcome.draw)
        return Drawn(after, (after,))
    granted = grant(rules, play, outcome.prize, means, at)
    draw = outcome.draw.model_copy(update=granted.witness)
    after = played(play, at, draw, granted.prize)
    claims = () if outcome.claim is None else (outcome.claim,)
    return Drawn(after, (after, *claims, *granted.records), granted.ran_out)
