"""When a version's keys may be made public, and whether they were in time."""

from datetime import datetime

from tombola.campaigns.model import Launched
from tombola.errors import Conflict, Problem
from tombola.fairness.canonical import line


def playable_until(launched: Launched) -> datetime:
    """Return when the last token that could be issued can no longer be played."""
    closes_at = launched.rules.window.closes_at
    return min(launched.ended_at or closes_at, closes_at) + launched.rules.play_within


def check_reveal(launched: Launched, *, open_plays: int, unsealed: int, now: datetime) -> None:
    """Refuse to make the keys public while knowing them could be of use, or before every draw is sealed.

    Raises `Conflict` (`not-to-be-revealed`) naming everything that stands in the way.
    """
    problems = []
    if launched.status == "launched":
        problems.append(Problem("status", launched.status, "an ended campaign, `tombola campaign end`"))
    if now <= (until := playable_until(launched)):
        problems.append(Problem("tokens", f"can be played until {until.isoformat()}", "a time after that"))
    if open_plays:
        problems.append(Problem("plays", f"{open_plays} open", "none; settle_plays writes down hourly which expired"))
    if unsealed:
        problems.append(Problem("seals", f"{unsealed} changes not sealed", "none; seal_draws seals them hourly"))
    if problems:
        name = f"{launched.rules.campaign} version {launched.version}"
        said = "; ".join(f"{one.where}: {one.found}" for one in problems)
        msg = f"the keys of {name} cannot be revealed yet: {said}"
        raise Conflict(msg, problems, code="not-to-be-revealed")


def reveal_line(launched: Launched, id_key: bytes, seed: bytes) -> bytes:
    """Return what is made public: both keys, in hex."""
    named = {"campaign": launched.rules.campaign, "version": launched.version}
    return line({**named, "id_key": id_key.hex(), "seed": seed.hex()}) + b"\n"


def failed_audit(reveal_by: datetime, revealed_at: datetime | None, now: datetime) -> str | None:
    """Return what to say of keys that were not revealed in time; None while they were, or still can be."""
    due = f"the keys were to be revealed by {reveal_by.isoformat()}"
    if revealed_at is not None:
        return f"{due}; they were at {revealed_at.isoformat()}" if revealed_at > reveal_by else None
    return f"{due}; they are not" if now > reveal_by else None
