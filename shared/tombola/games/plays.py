"""The one document of a token's life: open, then played, expired or revoked; with its draw and its prize.

A play names no shopper and no order: the entry document alone links them. What happened to a play
(that it was played, what it drew, in which order money was reserved) is a fact and stays; what its
holder is entitled to follows what is left of the order, and only ever falls.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from tombola.events import derived_id
from tombola.games.events import PlayChanged, PlayState, PrizeState
from tombola.games.ledger import Account, Balance, Kind, Posting, move, post
from tombola.games.records import Record

SHARDS = 16
"""An index over times takes 500 writes a second (Firestore); behind a shard prefix, 16 times as many."""


class Draw(BaseModel):
    """What was drawn, and what was granted: two facts, for what was won cannot always be paid.

    `prize` names the prize that was won, "" where none was: a function of seed and rules, and by moments of the plays
    before. By winning moments: `moment` is the one claimed, or None, `claims_seen` how many were claimed before. By
    odds: `number` is what was drawn, 16 hex digits, below 2^64.

    `balance` and `sequence` say which balance document granted the money, or could not, and how many postings it held
    then; `available_minor` what it had left after. So an empty pool can be replayed too.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["winning_moments", "odds"] = "winning_moments"
    prize: str = ""
    claims_seen: int | None = None
    moment: int | None = None
    number: str | None = None
    balance: str | None = None
    sequence: int | None = None
    available_minor: int | None = None


def shard_of(campaign: str, token_id: str) -> str:
    """Return under which of a campaign version's shards a play is indexed by time."""
    return f"{campaign}/{int(token_id[:8], 16) % SHARDS:02}"


def shards_of(campaign: str) -> list[str]:
    """Return all shards of a campaign version, written `<campaign>/v<version>`."""
    return [f"{campaign}/{shard:02}" for shard in range(SHARDS)]


class PlayPrize(BaseModel):
    """The prize of one play, by its `name` in the rules or `fallback`; no name where nothing was granted.

    `worth_minor` is the face value of a coupon, or the value of a thing: no money of the pool. `reserved_minor` is the
    money that the draw granted, a fact. Of it, `released_minor` went back to the pool, `payable_minor`
    is due, `paid_minor` was paid and `recoverable_minor` was paid for an order that came back; the rest is still
    reserved.
    """

    model_config = ConfigDict(frozen=True)

    name: str = ""
    kind: Literal["money", "coupon", "physical"] = "money"
    worth_minor: int = 0
    state: PrizeState = "none"
    reserved_minor: int = 0
    released_minor: int = 0
    payable_minor: int = 0
    paid_minor: int = 0
    recoverable_minor: int = 0

    def accounts(self) -> dict[Account, int]:
        """Return where this prize's money is. What was released is available again and not listed."""
        elsewhere = self.released_minor + self.payable_minor + self.paid_minor + self.recoverable_minor
        return {
            "reserved": self.reserved_minor - elsewhere,
            "payable": self.payable_minor,
            "paid": self.paid_minor,
            "recoverable": self.recoverable_minor,
        }


class Play(Record):
    """A token's life. `base_minor` is what it can win: fixed at issue, never rising after.

    `authoritative`: a retailer's system of record has stated the order, without which nothing
    matures. `signing_version` is the key version that signs the token and its receipt, always the
    same one, so that a token asked for twice is the same text. `expires_at` has whole seconds.

    `states` and `state_times` are every state it was in, oldest first, and since when by the clock of whoever committed
    it: facts that nothing takes back. `state_at` is the last of these times; `shard` spreads its index.
    """

    COLLECTION: ClassVar[str] = "plays"

    token_id: str
    retailer: str
    tier: int
    currency: str
    state: PlayState = "open"
    states: tuple[PlayState, ...]
    state_times: tuple[datetime, ...]
    state_at: datetime
    shard: str
    issued_at: datetime
    expires_at: datetime
    base_minor: int
    authoritative: bool
    order_revision: int
    signing_version: int
    accepted_at: datetime | None = None
    draw: Draw | None = None
    prize: PlayPrize = PlayPrize()

    @property
    def parts(self) -> tuple[str, ...]:
        """The token id."""
        return (self.token_id,)

    @property
    def won(self) -> bool:
        """Tell whether its draw won a prize, whatever could be granted of it."""
        return self.draw is not None and bool(self.draw.prize)

    def is_over(self, now: datetime) -> bool:
        """Tell whether its time to be played has passed."""
        return now >= self.expires_at

    def is_expiring(self, now: datetime) -> bool:
        """Tell whether it is still open though its time has passed."""
        return self.state == "open" and self.is_over(now)

    def changed(self, **changes: object) -> "Play":
        """Return it with these changes and the next revision."""
        return self.model_copy(update={**changes, "revision": self.revision + 1})

    def become(self, state: PlayState, at: datetime, **changes: object) -> "Play":
        """Return it in another state since `at`, with these changes and the next revision."""
        states, times = (*self.states, state), (*self.state_times, at)
        return self.changed(state=state, states=states, state_times=times, state_at=at, **changes)

    def event(self) -> PlayChanged:
        """Return the event that tells its present state; the same revision always gives the same event."""
        campaign, version = self.of
        return PlayChanged(
            event_id=derived_id("play-changed", self.token_id, self.revision),
            token_id=self.token_id,
            revision=self.revision,
            campaign=campaign,
            campaign_version=version,
            retailer=self.retailer,
            tier=self.tier,
            state=self.state,
            issued_at=self.issued_at,
            accepted_at=self.accepted_at,
            won=self.won,
            prize_state=self.prize.state,
            reserved_minor=self.prize.reserved_minor,
            released_minor=self.prize.released_minor,
            payable_minor=self.prize.payable_minor,
            currency=self.currency,
        )


@dataclass(frozen=True, slots=True)
class PrizeMove:
    """A play after its money moved, and the movement."""

    play: Play
    kind: Kind
    source: Account
    target: Account
    amount_minor: int

    @property
    def legs(self) -> dict[Account, int]:
        """The legs of its posting."""
        return move(self.source, self.target, self.amount_minor)


def post_all(balance: Balance, moves: Iterable[PrizeMove], at: datetime) -> tuple[Balance, list[Posting]]:
    """Return the balance after these movements, each caused by its token, and their postings."""
    postings = []
    for moved in moves:
        balance, posting = post(balance, cause=moved.play.token_id, kind=moved.kind, legs=moved.legs, at=at)
        postings.append(posting)
    return balance, postings


_ROLLBACKS: dict[PrizeState, tuple[Kind, Account, Account]] = {
    "reserved": ("release", "reserved", "available"),
    "matured": ("release", "payable", "available"),
    "claimed": ("release", "payable", "available"),
    "paid": ("recover", "paid", "recoverable"),
}


def played(play: Play, accepted_at: datetime, draw: Draw, granted_minor: int = 0, name: str = "") -> Play:
    """Return the play after its draw; `granted_minor` is what the balance gave of the prize `name`, if it won one."""
    prize = PlayPrize(name=name, state="reserved", reserved_minor=granted_minor) if granted_minor else PlayPrize()
    return play.become("played", accepted_at, accepted_at=accepted_at, draw=draw, prize=prize)


def rolled_back(play: Play, entitled_minor: int) -> PrizeMove | None:
    """Return how a played prize falls to what the order still entitles to; None when it need not.

    An unpaid prize gives the difference back to the pool, and is void when nothing is left; a paid one
    becomes recoverable. Nothing ever rises again: a voided prize stays void.
    """
    rule = _ROLLBACKS.get(play.prize.state)
    if rule is None:
        return None
    kind, source, target = rule
    held = play.prize.accounts()[source]
    excess = held - max(entitled_minor, 0)
    if excess <= 0:
        return None
    prize = _moved(play.prize, source, target, excess)
    if excess == held and target == "available":
        prize = prize.model_copy(update={"state": "void"})
    return PrizeMove(play=play.changed(prize=prize), kind=kind, source=source, target=target, amount_minor=excess)


def matured(play: Play, matures_after: timedelta, now: datetime) -> PrizeMove | None:
    """Return how a prize becomes payable; None while it may not.

    It may when an authoritative door has stated the order and the return window is over, counted from the
    issue of the token: never earlier than from the order, and it tells nothing of the order's time.
    """
    if play.prize.state != "reserved" or not play.authoritative or now < play.issued_at + matures_after:
        return None
    return _onward(play, "mature", "reserved", "payable", "matured")


def paid(play: Play) -> PrizeMove | None:
    """Return how a payable prize is paid; None when it is not payable."""
    if play.prize.state not in {"matured", "claimed"}:
        return None
    return _onward(play, "pay", "payable", "paid", "paid")


def _onward(play: Play, kind: Kind, source: Account, target: Account, state: PrizeState) -> PrizeMove:
    amount = play.prize.accounts()[source]
    prize = _moved(play.prize, source, target, amount).model_copy(update={"state": state})
    return PrizeMove(play=play.changed(prize=prize), kind=kind, source=source, target=target, amount_minor=amount)


def _moved(prize: PlayPrize, source: Account, target: Account, amount: int) -> PlayPrize:
    """Return the prize with an amount moved; `reserved_minor` is a fact and stays, `available` is `released_minor`."""
    changes = {}
    if source != "reserved":
        changes[f"{source}_minor"] = getattr(prize, f"{source}_minor") - amount
    name = "released_minor" if target == "available" else f"{target}_minor"
    changes[name] = getattr(prize, name) + amount
    return prize.model_copy(update=changes)
