"""The prize of a play: what was granted, where its money is, and how that moves.

What was granted is a fact and stays. What its holder is entitled to follows what is left of the order, and
only ever falls. Money is kept by portions: what each balance document gave, for it goes back to where it came from.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tombola.games.events import PrizeState
from tombola.games.ledger import Account, Balance, Kind, Posting, move, post

FALLBACK = "fallback"
"""Name of what is granted once a prize cannot be; and of the balance document that pays it."""


class Portion(BaseModel):
    """What one balance document gave for a prize, in minor units. `reserved_minor` was granted, a fact.

    Of it, `released_minor` went back to the pool, `payable_minor` is due, `paid_minor` was paid and
    `recoverable_minor` was paid for an order that came back; the rest is still reserved.
    """

    model_config = ConfigDict(frozen=True)

    reserved_minor: int
    released_minor: int = 0
    payable_minor: int = 0
    paid_minor: int = 0
    recoverable_minor: int = 0
    written_off_minor: int = 0

    def accounts(self) -> dict[Account, int]:
        """Return where this money is. What was released is available again and not listed."""
        gone = self.released_minor + self.payable_minor + self.paid_minor + self.recoverable_minor
        return {
            "reserved": self.reserved_minor - gone - self.written_off_minor,
            "payable": self.payable_minor,
            "paid": self.paid_minor,
            "recoverable": self.recoverable_minor,
            "written_off": self.written_off_minor,
        }

    def moved(self, source: Account, target: Account, amount: int) -> "Portion":
        """Return it with an amount moved; what was reserved stays a fact, what is available again was released."""
        changes = {}
        if source != "reserved":
            changes[f"{source}_minor"] = getattr(self, f"{source}_minor") - amount
        name = "released_minor" if target == "available" else f"{target}_minor"
        changes[name] = getattr(self, name) + amount
        return self.model_copy(update=changes)


class PrizeClaim(BaseModel):
    """That a prize was asked for, as dated facts: no name, no number of a document, no bank data.

    `age_confirmed` says how the age was confirmed, in words, where the rules ask for one.
    """

    model_config = ConfigDict(frozen=True)

    claimed_at: datetime
    country: str
    age_confirmed: str
    rules_version: str


class PlayPrize(BaseModel):
    """The prize of one play, by its `name` in the rules or `fallback`; no name where nothing was granted.

    `worth_minor` is the face value of a coupon, or the value of a thing: no money of the pool. `code` is a coupon's.
    `portions` are the money, by the name of the balance document that gave it. `claim_by` is until when it waits, once
    it is due, where the rules say so; `claim` that it was asked for. `fallen`: a coupon or a thing that was handed over
    before its order came back.
    """

    model_config = ConfigDict(frozen=True)

    name: str = ""
    kind: Literal["money", "coupon", "physical"] = "money"
    worth_minor: int = 0
    code: str = ""
    state: PrizeState = "none"
    portions: dict[str, Portion] = {}
    fallen: bool = False
    claim_by: datetime | None = None
    claim: PrizeClaim | None = None

    @property
    def reserved_minor(self) -> int:
        """Money that was granted."""
        return sum(portion.reserved_minor for portion in self.portions.values())

    @property
    def released_minor(self) -> int:
        """Money of it that went back to the pool."""
        return sum(portion.released_minor for portion in self.portions.values())

    @property
    def payable_minor(self) -> int:
        """Money of it that is due."""
        return sum(portion.payable_minor for portion in self.portions.values())

    def held(self, account: Account) -> int:
        """Return how much of it lies in an account."""
        return sum(portion.accounts()[account] for portion in self.portions.values())


@dataclass(frozen=True, slots=True)
class Movement:
    """Money of one balance document that goes from one account to another."""

    balance: str
    kind: Kind
    source: Account
    target: Account
    amount_minor: int

    @property
    def legs(self) -> dict[Account, int]:
        """The legs of its posting."""
        return move(self.source, self.target, self.amount_minor)


@dataclass(frozen=True, slots=True)
class Moved:
    """A prize after its money moved, and the movements; none where the prize is no money."""

    prize: PlayPrize
    movements: tuple[Movement, ...] = ()

    def further(self, kind: Kind, source: Account, target: Account, amount: int) -> "Moved":
        """Return it with an amount moved on, from the portions in order of their names."""
        portions, movements = dict(self.prize.portions), list(self.movements)
        for name, taken in _shares(self.prize, source, amount):
            portions[name] = portions[name].moved(source, target, taken)
            movements.append(Movement(name, kind, source, target, taken))
        return Moved(self.prize.model_copy(update={"portions": portions}), tuple(movements))

    def become(self, state: PrizeState) -> "Moved":
        """Return it in another state."""
        return Moved(self.prize.model_copy(update={"state": state}), self.movements)

    def settled(self) -> "Moved":
        """Return it in the state that its money says, once some was paid, came back or was released."""
        prize = self.prize
        if prize.held("reserved") or (prize.held("payable") and prize.state == "matured"):
            return self
        if prize.held("payable"):
            return self.become("claimed")
        out = prize.held("paid") + prize.held("recoverable") + prize.held("written_off")
        return self.become("paid" if out else "void")


_FALLS: tuple[tuple[Kind, Account, Account], ...] = (
    ("release", "reserved", "available"),
    ("release", "payable", "available"),
    ("recover", "paid", "recoverable"),
)
"""Where a prize's money goes when its order falls: what is not paid first."""


def rolled_back(prize: PlayPrize, entitled_minor: int, *, stands: bool) -> Moved | None:
    """Return how a prize falls to what the order still entitles to; None when it need not.

    Unpaid money gives the difference back to the pool, and is void when nothing is left; paid money becomes
    recoverable. A coupon or a thing is void once the order no longer `stands`; handed over before, it is `fallen`.
    Nothing ever rises again: a voided prize stays void.
    """
    if prize.kind != "money":
        if stands or prize.fallen or prize.state in {"none", "void"}:
            return None
        kept = "paid" if prize.state == "paid" else "void"
        return Moved(prize.model_copy(update={"state": kept, "fallen": kept == "paid"}))
    excess = sum(prize.held(source) for _, source, _ in _FALLS) - max(entitled_minor, 0)
    if excess <= 0:
        return None
    moved = Moved(prize)
    for kind, source, target in _FALLS:
        part = min(moved.prize.held(source), excess)
        moved, excess = moved.further(kind, source, target, part), excess - part
    return moved.settled()


def onward(prize: PlayPrize, kind: Kind, source: Account, target: Account, state: PrizeState) -> Moved:
    """Return a prize in its next state, with all its money of one account moved on to another."""
    return Moved(prize).further(kind, source, target, prize.held(source)).become(state)


def _shares(prize: PlayPrize, source: Account, amount: int) -> Iterator[tuple[str, int]]:
    for name in sorted(prize.portions):
        taken = min(prize.portions[name].accounts()[source], amount)
        if taken:
            yield name, taken
        amount -= taken


def post_all(
    balances: Mapping[str, Balance], caused: Iterable[tuple[str, Movement]], at: datetime
) -> tuple[dict[str, Balance], list[Posting]]:
    """Return the balances after these movements, each with its cause, and their postings."""
    after, postings = dict(balances), []
    for cause, moved in caused:
        after[moved.balance], posting = post(after[moved.balance], cause=cause, kind=moved.kind, legs=moved.legs, at=at)
        postings.append(posting)
    return after, postings
