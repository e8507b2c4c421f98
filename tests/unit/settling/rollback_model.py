"""What must have become of every token and every cent, computed anew from all that happened, in plain numbers.

That a token was played, what it drew and what was reserved for it are facts, taken as given in the order of commits.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

PER_SHOPPER, PER_CAMPAIGN, CAP, NOTE, BOUND = 2, 4, 1500, 500, 1000
PLAY_WITHIN, MATURES_AFTER, CLAIM_WITHIN = timedelta(days=2), timedelta(days=3), timedelta(days=4)
LAST_PLAY = datetime.fromisoformat("2017-06-24T00:00:00+00:00")
MONEY = {"basket", "note"}
RANKS = {"refused": 0, "paid": 1, "returned": 2, "netted": 0}
Event = tuple[str, datetime, Any]


class Refused(Exception):
    """What the program must refuse."""


@dataclass(frozen=True)
class Revision:
    """One revision of an order of 3 units for 20.00."""

    order: str
    number: int
    shopper: str
    units_back: int
    minor_back: int
    cancelled: bool
    stated: bool

    @property
    def qualifies(self) -> bool:
        return not self.cancelled and 3 - self.units_back >= 2

    @property
    def base(self) -> int:
        return min(max(2000 - self.minor_back, 0), CAP)


@dataclass
class Told:
    """What is known of one payment."""

    outcome: str
    amount: int
    counted: int = 0


@dataclass
class Token:
    """One token. Of a money prize: `due` is not paid yet, `out` is paid, `owed` recoverable, `lost` written off."""

    shopper: str
    revision: int
    base: int
    stated: bool
    issued_at: datetime
    state: str = "open"
    granted: str = ""
    prize: str = "none"
    due: int = 0
    out: int = 0
    owed: int = 0
    lost: int = 0
    fallen: bool = False
    claim_by: datetime | None = None
    told: dict[str, Told] = field(default_factory=dict)

    @property
    def expires_at(self) -> datetime:
        return min(self.issued_at + PLAY_WITHIN, LAST_PLAY).replace(microsecond=0)

    def entitled(self, revision: Revision) -> int:
        if not revision.qualifies:
            return 0
        return NOTE if self.granted == "note" else min(self.base, revision.base)

    def fall(self, revision: Revision) -> None:
        """Let the prize fall to what the order still entitles to."""
        if self.granted not in MONEY:
            if not revision.qualifies and self.prize not in {"none", "void"}:
                self.fallen, self.prize = self.prize == "paid", "paid" if self.prize == "paid" else "void"
            return
        excess = max(self.due + self.out - self.entitled(revision), 0)
        given = min(excess, self.due)
        self.due, self.out, self.owed = self.due - given, self.out - (excess - given), self.owed + excess - given
        if excess:
            self.settle_state()

    def settle_state(self) -> None:
        if self.prize in {"reserved", "matured"} and self.due:
            return
        self.prize = "claimed" if self.due else "paid" if self.out + self.owed + self.lost else "void"


class Model:
    """Everything after a list of events, each folded in from the first."""

    def __init__(self, events: list[Event], funded: int) -> None:
        self.tokens: dict[str, Token] = {}
        self.sold_out = self.closed = False
        self.erased: set[str] = set()
        self.funded = funded
        for kind, at, what in events:
            getattr(self, kind)(at, what)

    def accounts(self) -> Counter[str]:
        """Return where all the money must be."""
        held: Counter[str] = Counter()
        for token in self.tokens.values():
            held["reserved" if token.prize == "reserved" else "payable"] += token.due
            held["paid"] += token.out
            held["recoverable"] += token.owed
            held["written_off"] += token.lost
        held["expired" if self.closed else "available"] = self.funded - held.total()
        held["funded"] = -self.funded
        return held

    def order(self, at: datetime, revision: Revision) -> None:
        token = self.tokens.get(revision.order)
        if token is None:
            fresh = Token(revision.shopper, revision.number, revision.base, revision.stated, at)
            if revision.qualifies and self._room(revision.shopper) and fresh.expires_at > at:
                self.tokens[revision.order] = fresh
        elif revision.number > token.revision:
            token.revision = revision.number
            getattr(self, f"_{token.state}")(token, at, revision)
            token.stated = token.stated or revision.stated

    def _room(self, shopper: str) -> bool:
        standing = [token.shopper for token in self.tokens.values() if token.state != "revoked"]
        full = standing.count(shopper) >= PER_SHOPPER or len(standing) >= PER_CAMPAIGN
        return not (full or self.sold_out or shopper in self.erased)

    def _open(self, token: Token, at: datetime, revision: Revision) -> None:
        if at >= token.expires_at:
            token.state = "expired"
        elif revision.qualifies:
            token.base = min(token.base, revision.base)
        else:
            token.state = "revoked"

    def _revoked(self, token: Token, at: datetime, revision: Revision) -> None:
        if at < token.expires_at and revision.qualifies and self._room(token.shopper):
            token.state, token.base = "open", min(token.base, revision.base)

    def _played(self, token: Token, _at: datetime, revision: Revision) -> None:
        token.fall(revision)

    def _expired(self, token: Token, _at: datetime, _revision: Revision) -> None:
        """Stay expired."""

    def drawn(self, _at: datetime, what: tuple[str, str, str, int]) -> None:
        order, won, granted, minor = what
        token = self.tokens[order]
        token.state, token.granted, token.due = "played", granted, minor
        self.sold_out = self.sold_out or won != granted
        token.prize = "reserved" if granted and (minor or granted not in MONEY) else "none"

    def tried(self, at: datetime, order: str) -> None:
        """Play in vain: a token whose time is over is written down as expired."""
        token = self.tokens[order]
        if token.state == "open" and at >= token.expires_at:
            token.state = "expired"

    def settled(self, at: datetime, _what: None) -> None:
        for order, token in self.tokens.items():
            self.tried(at, order)
            self._ripen(token, at)
        self.closed = self.closed or at >= LAST_PLAY + timedelta(hours=1)

    def _ripen(self, token: Token, at: datetime) -> None:
        if token.prize == "reserved" and token.stated and at >= token.issued_at + MATURES_AFTER:
            token.prize, token.claim_by = "matured", at + CLAIM_WITHIN
        elif token.prize == "matured" and token.claim_by is not None and at >= token.claim_by:
            token.prize, token.due = "void", 0

    def claimed(self, at: datetime, order: str) -> None:
        token = self.tokens[order]
        self._ripen(token, at)
        if token.prize in {"none", "reserved", "void"}:
            raise Refused
        if token.prize == "matured":
            token.prize = "claimed"

    def told(self, _at: datetime, what: tuple[str, str, str, int]) -> None:
        order, payment, outcome, amount = what
        token = self.tokens[order]
        if token.prize == "none":
            raise Refused
        known = token.told.get(payment)
        if known and (known.amount != amount or (known.outcome == "netted") != (outcome == "netted")):
            raise Refused
        if known and RANKS[outcome] <= RANKS[known.outcome]:
            return
        token.told[payment] = Told(outcome, amount, getattr(self, f"_tell_{outcome}")(token, amount, known))

    def _tell_refused(self, _token: Token, _amount: int, _known: Told | None) -> int:
        return 0

    def _tell_paid(self, token: Token, amount: int, _known: Told | None) -> int:
        if token.prize in {"reserved", "matured"}:
            raise Refused
        if token.prize != "claimed":
            return 0
        if token.granted not in MONEY:
            token.prize = "paid"
            return 1
        part = min(amount, token.due)
        token.due, token.out = token.due - part, token.out + part
        token.settle_state()
        return part

    def _tell_returned(self, token: Token, _amount: int, known: Told | None) -> int:
        counted = known.counted if known else 0
        if token.granted not in MONEY:
            if counted:
                token.prize = "void" if token.fallen else "claimed"
            return 0
        net = min(token.owed, counted)
        bounced = min(token.out, counted - net)
        token.owed, token.out, token.due = token.owed - net, token.out - bounced, token.due + bounced
        token.settle_state()
        return counted - net - bounced

    def _tell_netted(self, token: Token, amount: int, _known: Told | None) -> int:
        if token.granted not in MONEY or amount > token.owed:
            raise Refused
        token.owed -= amount
        token.settle_state()
        return amount

    def written_off(self, _at: datetime, order: str) -> None:
        token = self.tokens[order]
        if token.owed and sum(each.lost for each in self.tokens.values()) + token.owed > BOUND:
            raise Refused
        token.owed, token.lost = 0, token.lost + token.owed

    def forgotten(self, _at: datetime, shopper: str) -> None:
        self.erased.add(shopper)
