"""A prize is asked for: who may have it by the rules, and what is kept of the asking. Pure."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tombola.campaigns.model import Campaign
from tombola.errors import Conflict, Fault, Forbidden, Gone, Problem
from tombola.games.answers import Answered, PrizeWon, over
from tombola.games.events import PrizeState
from tombola.games.plays import Play
from tombola.games.winnings import PrizeClaim
from tombola.money import major_units


class ClaimRequest(BaseModel):
    """Ask for the prize of a token. `age_confirmed` says how the age was confirmed, where the rules ask for one.

    In words without digits: no number of a document has a place here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: Annotated[str, Field(min_length=1, max_length=2_000)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="two capital letters, as in US")]
    age_confirmed: Annotated[
        str, Field(max_length=120, pattern=r"^[^\d\x00-\x1f\x7f-\x9f]*$", description="words without digits")
    ] = ""


class ClaimAnswer(Answered):
    """What is due, the same however often it is asked. `prize.amount` is what the prize has come to by now."""

    campaign: str
    state: PrizeState
    prize: PrizeWon
    claimed_at: datetime


def claimed(rules: Campaign, play: Play, request: ClaimRequest, now: datetime) -> Play | None:
    """Return the play with its prize claimed; None when it was before.

    Raises `Gone` (`expired-token`, `revoked-token`, `void-prize`), `Conflict` (`not-played`, `no-prize`,
    `not-due-yet`), `Forbidden` (`not-eligible`) naming all that the rules ask for and do not find.
    """
    if play.state != "played":
        raise _unplayed(play)
    if play.prize.state in _HINDRANCES:
        raise _HINDRANCES[play.prize.state](play)
    if play.prize.claim is not None:
        return None
    if problems := list(_ineligible(rules, request)):
        msg = f"the rules of {rules.title} do not give the prize"
        raise Forbidden(msg, problems, code="not-eligible")
    claim = PrizeClaim(
        claimed_at=now,
        country=request.country,
        age_confirmed=request.age_confirmed,
        rules_version=rules.eligibility.rules_version,
    )
    return play.changed(prize=play.prize.model_copy(update={"state": "claimed", "claim": claim}))


def claim_answer(play: Play) -> ClaimAnswer:
    """Return the answer of a play whose prize was claimed."""
    prize = play.prize
    if prize.claim is None:
        msg = "a prize that nobody claimed has no answer"
        raise ValueError(msg)
    minor = prize.payable_minor + prize.held("paid") if prize.kind == "money" else prize.worth_minor
    return ClaimAnswer(
        campaign=play.of.campaign,
        state=prize.state,
        prize=PrizeWon(
            name=prize.name,
            kind=prize.kind,
            amount=str(major_units(minor, play.currency)),
            currency=play.currency,
            code=prize.code,
        ),
        claimed_at=prize.claim.claimed_at,
    )


def _ineligible(rules: Campaign, request: ClaimRequest) -> Iterator[Problem]:
    asked = rules.eligibility
    if request.country not in asked.countries:
        yield Problem("country", repr(request.country), f"one of {', '.join(asked.countries)}")
    if asked.minimum_age and not request.age_confirmed.strip():
        expected = f"how it was confirmed that the age is {asked.minimum_age} or more: {asked.age_checked}"
        yield Problem("age_confirmed", "nothing", expected)


def _unplayed(play: Play) -> Fault:
    if play.state != "open":
        return over(play)
    msg = "the token was not played yet, so there is nothing to claim"
    return Conflict(msg, [Problem("token", "open", "one that was played")], code="not-played")


def _nothing_won(play: Play) -> Fault:
    del play
    return Conflict("this play has no prize", [Problem("token", "no prize", "one that won")], code="no-prize")


def _not_due(play: Play) -> Fault:
    msg = "the prize is not due yet"
    expected = (
        f"a claim at {play.matures_at.isoformat(timespec='seconds')} or later"
        if play.authoritative
        else "an order that the retailer's own system has stated"
    )
    return Conflict(msg, [Problem("token", "a prize that waits", expected)], code="not-due-yet")


def _void(play: Play) -> Fault:
    del play
    msg = "the prize is void: its order came back, or nobody claimed it in time"
    return Gone(msg, [Problem("token", "a void prize", "a prize whose order stands")], code="void-prize")


_HINDRANCES: Mapping[PrizeState, Callable[[Play], Fault]] = {"none": _nothing_won, "reserved": _not_due, "void": _void}
