"""What time alone does to a play: its token expires, its prize matures, or is given up because nobody claimed it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tombola.games.plays import Play
from tombola.games.winnings import Moved, Movement, onward


@dataclass(frozen=True, slots=True)
class Step:
    """A play one step further, and the movements of its money, each with the cause of its posting."""

    play: Play
    caused: tuple[tuple[str, Movement], ...] = ()


def step_due(play: Play, claim_within: timedelta | None, now: datetime) -> Step | None:
    """Return what has become of a play by `now`; None when nothing is due. `claim_within` is the rules'."""
    if play.due_at is None or now < play.due_at:
        return None
    if play.state == "open":
        return Step(play.become("expired", now))
    if play.prize.state == "reserved":
        due = onward(play.prize, "mature", "reserved", "payable", "matured")
        claim_by = None if claim_within is None else now + claim_within
        return moved_step(
            play, Moved(due.prize.model_copy(update={"claim_by": claim_by}), due.movements), play.token_id
        )
    given_up = onward(play.prize, "release", "payable", "available", "void")
    return moved_step(play, given_up, f"{play.token_id}/unclaimed")


def moved_step(play: Play, moved: Moved, cause: str) -> Step:
    """Return a play whose prize moved, every movement by one cause."""
    return Step(play.changed(prize=moved.prize), tuple((cause, movement) for movement in moved.movements))
