"""The one document of a token's life: open, then played, expired or revoked; with its draw and its prize.

A play names no shopper and no order: the entry document alone links them. What happened to a play
(that it was played, what it drew, in which order money was reserved) is a fact and stays; what its
holder is entitled to follows what is left of the order, and only ever falls.
"""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, computed_field

from tombola.events import derived_id
from tombola.games.events import PlayChanged, PlayState
from tombola.games.records import Record
from tombola.games.winnings import PlayPrize

SHARDS = 16
"""An index over times takes 500 writes a second (Firestore); behind a shard prefix, 16 times as many."""


class Draw(BaseModel):
    """What was drawn, and what was granted: two facts, for what was won cannot always be paid.

    `prize` names the prize that was won, "" where none was: a function of seed and rules, and by moments of the plays
    before. By winning moments: `moment` is the one claimed, or None, `claims_seen` how many were claimed before. By
    odds: `number` is what was drawn, 16 hex digits, below 2^64.

    `sequences` say how many postings each balance document held after the draw that granted its money, or could not;
    `available_minor` what they had left together, `due_minor` what the prize was to bring, `stock_left` what the
    prize's stock had. So that a prize was "empty" can be replayed too.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["winning_moments", "odds"] = "winning_moments"
    prize: str = ""
    claims_seen: int | None = None
    moment: int | None = None
    number: str | None = None
    sequences: dict[str, int] = {}
    available_minor: int | None = None
    due_minor: int | None = None
    stock_left: int | None = None


def shard_of(campaign: str, token_id: str) -> str:
    """Return under which of a campaign version's shards a play is indexed by time."""
    return f"{campaign}/{int(token_id[:8], 16) % SHARDS:02}"


def shards_of(campaign: str) -> list[str]:
    """Return all shards of a campaign version, written `<campaign>/v<version>`."""
    return [f"{campaign}/{shard:02}" for shard in range(SHARDS)]


class Play(Record):
    """A token's life. `base_minor` is what it can win: fixed at issue, never rising after.

    `authoritative`: a retailer's system of record has stated the order, without which nothing
    matures. `signing_version` is the key version that signs the token and its receipt, always the
    same one, so that a token asked for twice is the same text. `expires_at` has whole seconds.
    `matures_at` is when a prize is due at the earliest: counted from the issue of the token, which is never earlier
    than the order, and tells nothing of the order's time.

    `states` and `state_times` are every state it was in, oldest first, and since when by the clock of whoever committed
    it: facts that nothing takes back. `state_at` is the last of these times; `shard` spreads its index.
    """

    COLLECTION: ClassVar[str] = "plays"

    token_id: str
    retailer: str
    tier: int
    kind: Literal["order", "free"] = "order"
    currency: str
    state: PlayState = "open"
    states: tuple[PlayState, ...]
    state_times: tuple[datetime, ...]
    state_at: datetime
    shard: str
    issued_at: datetime
    expires_at: datetime
    matures_at: datetime
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

    @computed_field  # type: ignore[prop-decorator]
    @property
    def due_at(self) -> datetime | None:
        """When time alone changes it next, None: never. Stored and indexed, and made anew by every write.

        An open token expires. A reserved prize matures, once an authoritative door has stated the order. One that is
        due and not claimed in time is given up.
        """
        if self.state == "open":
            return self.expires_at
        if self.prize.state == "reserved":
            return self.matures_at if self.authoritative else None
        return self.prize.claim_by if self.prize.state == "matured" else None

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


def played(play: Play, accepted_at: datetime, draw: Draw, prize: PlayPrize | None = None) -> Play:
    """Return the play after its draw, with what was granted."""
    return play.become("played", accepted_at, accepted_at=accepted_at, draw=draw, prize=prize or PlayPrize())
