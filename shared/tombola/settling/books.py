"""The books of one campaign version: every document that says what was issued, drawn, won and paid."""

from collections.abc import Sequence
from dataclasses import dataclass

from tombola.draws.claims import Claim
from tombola.games.entries import Entry
from tombola.games.ledger import Balance, Posting
from tombola.games.limits import PersonLimit, Slot
from tombola.games.plays import Play
from tombola.games.stocks import Stock
from tombola.settling.payments import Payment


@dataclass(frozen=True, slots=True)
class Books:
    """Every document of one campaign version, read while nothing was written."""

    balances: Sequence[Balance]
    postings: Sequence[Posting]
    plays: Sequence[Play]
    entries: Sequence[Entry]
    claims: Sequence[Claim]
    limits: Sequence[PersonLimit]
    slots: Sequence[Slot]
    stocks: Sequence[Stock]
    payments: Sequence[Payment]
