"""The money of a campaign version, in double entry.

Every account is a signed whole number of minor units and all of them always sum to zero: `funded`
is where money comes from, so it is negative. A posting moves money between accounts, its legs sum
to zero, and it is created once per (cause, kind) in the commit of its cause, together with the
balance document it moves. `tombola.settling.ledger_check` holds it to account.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Literal

from tombola.errors import Conflict, Overdrawn
from tombola.games.records import Record

Account = Literal["funded", "available", "reserved", "payable", "paid", "expired", "recoverable", "written_off"]
"""Where money is: given by the sponsor, free to be won, won, due, paid out, left over at the end, paid
for an order that came back, and given up."""
ACCOUNTS: tuple[Account, ...] = (
    "funded", "available", "reserved", "payable", "paid", "expired", "recoverable", "written_off",
)  # fmt: skip
Kind = Literal[
    "fund", "reserve", "release", "mature", "pay", "bounce", "expire", "recover", "net", "write_off"
]  # fmt: skip
Accounts = Mapping[Account, int]


class Posting(Record):
    """One movement of money: its legs, its place in the order of postings, the accounts after it."""

    COLLECTION: ClassVar[str] = "postings"

    balance: str
    cause: str
    kind: Kind
    legs: dict[Account, int]
    sequence: int
    accounts_after: dict[Account, int]
    posted_at: datetime

    @property
    def parts(self) -> tuple[str, ...]:
        """Campaign, version, balance, cause and kind: so a cause posts a kind once to a balance."""
        return (*self.of.parts, self.balance, self.cause, self.kind)


class Balance(Record):
    """The accounts of a campaign version after `sequence` postings. `closed`: nothing can be won any more."""

    COLLECTION: ClassVar[str] = "balances"

    balance: str
    currency: str
    status: Literal["open", "closed"] = "open"
    accounts: dict[Account, int]
    sequence: int = 0

    @property
    def parts(self) -> tuple[str, ...]:
        """Campaign, version and the document's name."""
        return (*self.of.parts, self.balance)

    def touched(self) -> "Balance":
        """Return it unmoved with the next revision: for a decision that rests on what it said."""
        return self.model_copy(update={"revision": self.revision + 1})


def move(source: Account, target: Account, amount_minor: int) -> dict[Account, int]:
    """Return the legs that move an amount from one account to another."""
    return {source: -amount_minor, target: amount_minor}


def post(balance: Balance, *, cause: str, kind: Kind, legs: Accounts, at: datetime) -> tuple[Balance, Posting]:
    """Return the balance after the legs, and the posting that says so.

    Once a balance is closed, nothing of it can be won: what would become available is expired instead.

    Raises `Overdrawn` when an account other than `funded` would fall below zero, and `Conflict`
    (`unbalanced`) when the legs do not sum to zero.
    """
    if sum(legs.values()):
        msg = f"legs of {kind} for {cause} sum to {sum(legs.values())}; expected 0"
        raise Conflict(msg, code="unbalanced")
    legs = _landing(balance, legs)
    after = {account: balance.accounts.get(account, 0) + legs.get(account, 0) for account in ACCOUNTS}
    short = [account for account in ACCOUNTS if account != "funded" and after[account] < 0]
    if short:
        msg = f"{kind} for {cause} would leave {short[0]} at {after[short[0]]} minor units; expected 0 or more"
        raise Overdrawn(msg)
    moved = balance.model_copy(
        update={"accounts": after, "sequence": balance.sequence + 1, "revision": balance.revision + 1}
    )
    posting = Posting(
        campaign=balance.campaign, balance=balance.balance, cause=cause, kind=kind, legs=dict(legs),
        sequence=moved.sequence, accounts_after=after, posted_at=at,
    )  # fmt: skip
    return moved, posting


def _landing(balance: Balance, legs: Accounts) -> Accounts:
    free = legs.get("available", 0)
    if balance.status == "open" or free <= 0:
        return legs
    landing: dict[Account, int] = {account: amount for account, amount in legs.items() if account != "available"}
    return {**landing, "expired": free}
