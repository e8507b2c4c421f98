"""The end of the money: once nothing can be won any more, what is left over expires."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from tombola.campaigns.model import Launched
from tombola.games.ledger import Balance, move, post
from tombola.games.records import Record

GRACE = timedelta(hours=1)
"""More than clocks differ and handlers take."""


def last_win_at(launched: Launched) -> datetime:
    """Return when no token can win any more: the last one was issued at the end at the latest."""
    rules = launched.rules
    if launched.ended_at is None:
        return rules.last_play_at
    return min(launched.ended_at + rules.play_within, rules.last_play_at)


def is_over(launched: Launched, now: datetime) -> bool:
    """Tell whether the money of a campaign version can be closed."""
    return now >= last_win_at(launched) + GRACE


def closed(balances: Iterable[Balance], now: datetime) -> list[Record]:
    """Return the balances that were open, closed, and the postings by which what was available expired."""
    records: list[Record] = []
    for balance in balances:
        if balance.status == "open":
            left, posting = post(
                balance, cause="end", kind="expire", legs=move("available", "expired", balance.accounts["available"]),
                at=now,
            )  # fmt: skip
            records += [left.model_copy(update={"status": "closed"}), posting]
    return records
