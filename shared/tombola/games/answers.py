"""What shoppers' pages, retailers' servers and the callers of use cases are told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tombola.campaigns.criteria import Explanation
from tombola.campaigns.wording import Language, explain
from tombola.errors import Gone, Problem
from tombola.games.plays import Play
from tombola.games.reason_words import WORDS
from tombola.games.tokens import RECEIPT_AUDIENCE, Signer, expired
from tombola.issuing.cases import Case, Decision
from tombola.money import major_units

PLAY_URL = "/play-game"
REVOKED = "revoked-token"


class Answered(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True)


class PlayRequest(BaseModel):
    """Play a token. The token alone is needed: a prize goes to the account of its order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: Annotated[str, Field(min_length=1, max_length=2_000)]


class PrizeWon(Answered):
    """What was granted: `name` as the rules have it, or `fallback`; "" where nothing could be.

    `amount` is decimal text in the currency's major unit: money, or what a coupon or a thing is worth. `code` is
    what a coupon says.
    """

    name: str
    kind: Literal["money", "coupon", "physical"]
    amount: str
    currency: str
    code: str = ""


class PlayAnswer(Answered):
    """What a play came to, the same however often it is asked. `receipt` is a compact JWS to keep."""

    campaign: str
    result: Literal["won", "lost"]
    prize: PrizeWon | None
    accepted_at: datetime
    receipt: str


class OfferedPlay(Answered):
    """What one campaign says of an order in one tier. `token` is there while it can be played, or was.

    `reason` is a stable code; `words` say the same to a shopper: what is met, what is missing, or why else there is no
    token. `trace` says as data what the criteria found, where they were looked at.
    """

    campaign: str
    tier: int
    token: str | None
    reason: str
    words: tuple[str, ...]
    trace: Explanation | None
    play_url: str | None


class CheckOutAnswer(Answered):
    """What a checked-out order earned, per campaign that it could take part in and tier, and what the next one asks."""

    order_id: str
    campaigns: tuple[OfferedPlay, ...]


def offered(case: Case, decision: Decision, token: str | None, language: Language = "en") -> OfferedPlay:
    """Return what a decision says to whoever checks out."""
    trace = case.evaluation.trace
    return OfferedPlay(
        campaign=case.of.campaign,
        tier=case.tier,
        token=token,
        reason=decision.reason,
        words=_words(case, decision, language),
        trace=trace.explanation if trace else None,
        play_url=PLAY_URL if token else None,
    )


def _words(case: Case, decision: Decision, language: Language) -> tuple[str, ...]:
    """Return what is met or missing where that decided, else the reason in a sentence."""
    trace = case.evaluation.trace
    if trace is not None and decision.reason in {"qualifies", "criteria-not-met"}:
        return explain(trace, case.launched.rules.pool.currency, language)
    return (WORDS[decision.reason][language],)


def play_answer(play: Play, signer: Signer) -> PlayAnswer:
    """Return the answer of a play that was played, with its signed receipt: what was drawn, whatever came after."""
    campaign, version = play.of
    accepted_at = play.accepted_at or play.issued_at
    result: Literal["won", "lost"] = "won" if play.won else "lost"
    prize = _prize_won(play)
    claims = {
        "jti": play.token_id, "aud": RECEIPT_AUDIENCE, "campaign": campaign, "version": version,
        "accepted_at": accepted_at.isoformat(timespec="microseconds"), "result": result,
        "drawn": play.draw.prize if play.draw else "", "prize": prize.model_dump(),
    }  # fmt: skip
    return PlayAnswer(
        campaign=campaign,
        result=result,
        prize=prize if play.won else None,
        accepted_at=accepted_at,
        receipt=signer.sign(claims),
    )


def _prize_won(play: Play) -> PrizeWon:
    prize = play.prize
    minor = prize.reserved_minor if prize.kind == "money" else prize.worth_minor
    return PrizeWon(
        name=prize.name,
        kind=prize.kind,
        amount=str(major_units(minor, play.currency)),
        currency=play.currency,
        code=prize.code,
    )


def over(play: Play) -> Gone:
    """Return the fault that says why a play cannot be played: expired, or revoked."""
    if play.state == "revoked":
        msg = "the order no longer qualifies, so its token cannot be played"
        return Gone(msg, [Problem("token", "revoked", "a token whose order stands")], code=REVOKED)
    return expired(play.expires_at)


@dataclass(frozen=True, slots=True)
class Issued:
    """What an order came to in one tier of a campaign: its token's id and state (None: it has none), and why.

    `summary` names the bounds that were not met, if that is why.
    """

    campaign: str
    version: int
    tier: int
    token_id: str | None
    state: str | None
    reason: str
    summary: str = ""


def issued(case: Case, decision: Decision) -> Issued:
    """Return what a decided case comes to."""
    play = decision.play
    token_id, state = (play.token_id, play.state) if play else (None, None)
    return Issued(*case.of, case.tier, token_id, state, decision.reason, case.evaluation.summary)
