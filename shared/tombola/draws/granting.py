"""From what was won to what is granted: money from the balances, things and coupons from their stock.

What was won follows from the seed alone and is recorded as such. Where it cannot be granted, the rules' fallback is,
or nothing if the page announced that; and no more tokens are issued.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tombola.campaigns.model import Campaign
from tombola.campaigns.prizes import prize_minor
from tombola.campaigns.winning import Prize
from tombola.errors import Conflict
from tombola.games.ledger import Balance, Posting
from tombola.games.plays import Play
from tombola.games.records import Record
from tombola.games.stocks import Stock
from tombola.games.winnings import FALLBACK, Movement, PlayPrize, Portion, post_all


@dataclass(frozen=True, slots=True)
class Means:
    """What there is to grant from, as it was read for this decision.

    `balances` in the order in which they are to be tried; `fallback` is the balance that pays the fallback, `stock`
    that of the prize that was won. `code` is what a coupon would say.
    """

    balances: Sequence[Balance] = ()
    fallback: Balance | None = None
    stock: Stock | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Granted:
    """What is granted, the documents that change or that the decision rests on, and whether something ran out.

    `witness` is what the draw records of it: what balances and stock held afterwards.
    """

    prize: PlayPrize
    records: tuple[Record, ...] = ()
    witness: Mapping[str, object] = field(default_factory=dict)
    ran_out: bool = False


def enough(balances: Sequence[Balance], amount_minor: int) -> bool:
    """Tell whether these balances together can pay an amount."""
    return _available(balances) >= amount_minor


def grant(rules: Campaign, play: Play, won: Prize, means: Means, at: datetime) -> Granted:
    """Return what a won prize brings. A basket worth nothing wins nothing, which empties nothing."""
    if won.is_money:
        return _money(rules, play, won, means, at)
    if means.stock is not None and not means.stock.left:
        return _fallback(rules, play, means, at)
    kind, code = ("coupon", means.code) if won.kind == "coupon" else ("physical", "")
    prize = PlayPrize.model_validate(
        {"name": won.name, "kind": kind, "worth_minor": rules.worth_minor(won), "code": code, "state": "reserved"}
    )
    if means.stock is None:
        return Granted(prize)
    left = means.stock.taken()
    return Granted(prize, (left,), {"stock_left": left.left})


def _money(rules: Campaign, play: Play, won: Prize, means: Means, at: datetime) -> Granted:
    amount = prize_minor(rules, won, play.base_minor)
    if not enough(means.balances, amount):
        return _fallback(rules, play, means, at, due_minor=amount)
    portions, balances, postings = _reserved(play, means.balances, amount, at)
    state = {"state": "reserved"} if portions else {}
    prize = PlayPrize.model_validate({"name": won.name, "portions": portions, **state})
    changed = [balance for balance in balances if balance.balance in portions]
    return Granted(prize, (*changed, *postings), _witness(balances, amount))


def _fallback(rules: Campaign, play: Play, means: Means, at: datetime, *, due_minor: int | None = None) -> Granted:
    """Return the fallback. What was found empty is rewritten too: the decision rests on it."""
    balances = [balance.touched() for balance in means.balances]
    stock = means.stock.touched() if means.stock else None
    looked_at: tuple[Record, ...] = (*balances, *([stock] if stock else []))
    witness = {**_witness(balances, due_minor), **({"stock_left": stock.left} if stock else {})}
    fallback = rules.when_empty.fallback if rules.when_empty else None
    if fallback is None:
        return Granted(PlayPrize(), looked_at, witness, ran_out=True)
    worth = rules.minor(fallback.worth)
    if fallback.kind == "coupon":
        prize = PlayPrize(name=FALLBACK, kind="coupon", worth_minor=worth, code=means.code, state="reserved")
        return Granted(prize, looked_at, witness, ran_out=True)
    if means.fallback is None or not enough([means.fallback], worth):
        msg = f"the fallback balance of {play.campaign} is missing or empty; it was opened with one for every token"
        raise Conflict(msg, code="overdrawn")
    portions, paying, postings = _reserved(play, [means.fallback], worth, at)
    prize = PlayPrize(name=FALLBACK, state="reserved", portions=portions)
    return Granted(prize, (*looked_at, *paying, *postings), witness, ran_out=True)


def _reserved(
    play: Play, balances: Sequence[Balance], amount: int, at: datetime
) -> tuple[dict[str, Portion], list[Balance], list[Posting]]:
    """Reserve an amount from balances that have it together; return the portions, all balances after, the postings."""
    portions = {name: Portion(reserved_minor=part) for name, part in _shares(balances, amount)}
    reserved = [
        Movement(name, "reserve", "available", "reserved", one.reserved_minor) for name, one in portions.items()
    ]
    by_name = {balance.balance: balance for balance in balances}
    after, postings = post_all(by_name, ((play.token_id, one) for one in reserved), at)
    return portions, list(after.values()), postings


def _shares(balances: Sequence[Balance], amount: int) -> Iterator[tuple[str, int]]:
    """Yield how much of an amount each balance gives: all of it the first one that can, else every one what it has."""
    alone = next((balance for balance in balances if balance.accounts["available"] >= amount), None)
    for balance in [alone] if alone else balances:
        if part := min(balance.accounts["available"], amount):
            yield balance.balance, part
        amount -= part


def _available(balances: Sequence[Balance]) -> int:
    return sum(balance.accounts["available"] for balance in balances)


def _witness(balances: Sequence[Balance], due_minor: int | None) -> dict[str, object]:
    if not balances:
        return {}
    sequences = {balance.balance: balance.sequence for balance in balances}
    return {"sequences": sequences, "available_minor": _available(balances), "due_minor": due_minor}
