"""The register: every token of a campaign version, what became of it, what was drawn, granted and paid.

It names no shopper, no order and no basket's value. It is pseudonymous all the same: for auditors under contract.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tombola.fairness.canonical import day
from tombola.fairness.items import at_text, drawn_facts, issued_facts
from tombola.games.ledger import Balance, Posting
from tombola.games.plays import Play
from tombola.games.stocks import Stock

COLUMNS = (
    "token", "version", "retailer", "tier", "kind", "states", "at", "won", "moment", "claims_seen", "number",
    "granted", "granted_kind", "granted_minor", "worth_minor", "prize_state", "paid_minor", "released_minor",
)  # fmt: skip


def entry(play: Play) -> dict[str, Any]:
    """Return the register's line of a play. `money` is what became of the money granted, by account."""
    drawn = drawn_facts(play) or {"draw": None, "granted": None}
    at = [at_text(play, state, since) for state, since in zip(play.states, play.state_times, strict=True)]
    return {
        "token": play.token_id, "version": play.of.version, **issued_facts(play), "states": list(play.states),
        "at": at, **drawn, "prize_state": play.prize.state, "money": _money(play),
    }  # fmt: skip


def posting_line(posting: Posting) -> dict[str, object]:
    """Return a posting as auditors read it: to the day, without the payer's own number of a payment."""
    cause = "/".join(posting.cause.split("/")[:2])
    return {
        "balance": posting.balance, "sequence": posting.sequence, "cause": cause, "kind": posting.kind,
        "legs": _moved(posting.legs), "day": day(posting.posted_at),
    }  # fmt: skip


def balance_line(balance: Balance) -> dict[str, object]:
    """Return a balance document as auditors read it."""
    return {"balance": balance.balance, "accounts": _moved(balance.accounts), "sequence": balance.sequence}


def stock_line(stock: Stock) -> dict[str, object]:
    """Return a stock as auditors read it."""
    return {"prize": stock.prize, "left": stock.left}


def table(entries: Iterable[Mapping[str, Any]]) -> bytes:
    """Return the register as CSV, for people."""
    text = io.StringIO()
    rows = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    rows.writeheader()
    rows.writerows(map(_row, entries))
    return text.getvalue().encode()


def _row(one: Mapping[str, Any]) -> dict[str, object]:
    draw, granted, money = one["draw"] or {}, one["granted"] or {}, one["money"]
    return {
        **{name: one[name] for name in ("token", "version", "retailer", "tier", "kind", "prize_state")},
        **{name: draw.get(name, "") for name in ("moment", "claims_seen", "number")},
        "states": " ".join(one["states"]), "at": " ".join(one["at"]), "won": draw.get("prize", ""),
        "granted": granted.get("name", ""), "granted_kind": granted.get("kind", "") if granted.get("name") else "",
        "granted_minor": sum(granted.get("reserved", {}).values()), "worth_minor": granted.get("worth_minor", 0),
        "paid_minor": money.get("paid", 0), "released_minor": money.get("available", 0),
    }  # fmt: skip


def _money(play: Play) -> dict[str, int]:
    """Return where the money of a prize is now; what went back to the pool is `available` again."""
    held: Counter[str] = Counter()
    for portion in play.prize.portions.values():
        held.update(portion.accounts())
    held["available"] = play.prize.released_minor
    return _moved(held)


def _moved(amounts: Mapping[Any, int]) -> dict[str, int]:
    return {account: amount for account, amount in amounts.items() if amount}
