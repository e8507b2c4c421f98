"""What became of a prize that was claimed: paid, refused, returned, netted or written off. Decisions as data.

Money, coupons and things go one way: a coupon that is redeemed and a thing that is delivered are paid. A payment is
known by the payer's own id and only ever moves on, so what is told twice, late or out of order ends in the same state.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from tombola.campaigns.model import Campaign
from tombola.errors import Conflict, Problem
from tombola.games.ledger import Balance
from tombola.games.plays import Play
from tombola.games.records import Record
from tombola.games.winnings import Moved, PlayPrize
from tombola.money import major_units
from tombola.settling.due import Step, moved_step

Outcome = Literal["refused", "paid", "returned", "netted", "written_off"]
_RANKS: Mapping[Outcome, int] = {"refused": 0, "paid": 1, "returned": 2}
"""What is known of a payment only moves up. Netting and writing off have ids of their own."""


class Payment(Record):
    """What was told of one payment, of `amount_minor`. `counted_minor` is what the books took of it and still hold.

    For a coupon or a thing that is what it is worth. `reason` is why it was written off.
    """

    COLLECTION: ClassVar[str] = "payments"

    retailer: str
    payment_id: str
    token_id: str
    outcome: Outcome
    amount_minor: int
    told_at: datetime
    counted_minor: int = 0
    reason: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """Retailer and the payer's id."""
        return (self.retailer, self.payment_id)

    @property
    def cause(self) -> str:
        """The cause of its postings."""
        return f"{self.token_id}/payment/{self.payment_id}"


@dataclass(frozen=True, slots=True)
class Taken:
    """A payment as it is kept, and the play one step further; no step where the prize stays as it is."""

    payment: Payment
    step: Step | None = None


def take(play: Play, known: Payment | None, told: Payment) -> Taken | None:
    """Return what a payment comes to; None when as much or more was known of it.

    Raises `Conflict`: `payment-differs` (one id, two payments), `no-prize`, `not-claimed`, `more-than-recoverable`.
    """
    if play.prize.state == "none":
        msg = "this play has no prize"
        raise Conflict(msg, [Problem("token_id", "no prize", "one that won")], code="no-prize")
    if known is not None:
        _check_same(known, told)
        if _RANKS.get(told.outcome, 0) <= _RANKS.get(known.outcome, 0):
            return None
    moved, counted = _TAKERS[told.outcome](play.prize, known, told)
    revision = 1 if known is None else known.revision + 1
    payment = told.model_copy(update={"counted_minor": counted, "revision": revision})
    return Taken(payment, None if moved.prize == play.prize else moved_step(play, moved, told.cause))


def write_off(play: Play, reason: str, at: datetime) -> Taken | None:
    """Return how all that a play's prize owes is given up; None when it owes nothing."""
    amount = play.prize.held("recoverable")
    if not amount:
        return None
    payment = Payment(
        campaign=play.campaign, retailer=play.retailer, payment_id=f"write-off/{play.token_id}/{play.revision}",
        token_id=play.token_id, outcome="written_off", amount_minor=amount, counted_minor=amount, told_at=at,
        reason=reason,
    )  # fmt: skip
    moved = Moved(play.prize).further("write_off", "recoverable", "written_off", amount)
    return Taken(payment, moved_step(play, moved, payment.cause))


def check_unrecovered(rules: Campaign, balances: Iterable[Balance], more_minor: int) -> None:
    """Refuse to give up more than the rules state. Raises `Conflict` (`above-unrecovered-returns`)."""
    bound = rules.minor(rules.pool.unrecovered_returns)
    given_up = sum(balance.accounts["written_off"] for balance in balances) + more_minor
    if given_up > bound:
        msg = "the rules do not let so much be given up: it is the retailer's to net"
        found, most = (str(major_units(minor, rules.pool.currency)) for minor in (given_up, bound))
        problem = Problem("pool.unrecovered_returns", found, f"at most {most}")
        raise Conflict(msg, [problem], code="above-unrecovered-returns")


def _paid(prize: PlayPrize, _known: Payment | None, told: Payment) -> tuple[Moved, int]:
    """Take what is due of it. A prize that fell meanwhile takes less, or nothing: the rest is the payer's."""
    if prize.state in {"reserved", "matured"}:
        msg = "the prize was not claimed yet, so it must not be paid"
        problem = Problem("token_id", f"a prize that is {prize.state}", "one that is claimed")
        raise Conflict(msg, [problem], code="not-claimed")
    if prize.state != "claimed":
        return Moved(prize), 0
    if prize.kind != "money":
        return Moved(prize).become("paid"), prize.worth_minor
    part = min(told.amount_minor, prize.payable_minor)
    return Moved(prize).further("pay", "payable", "paid", part).settled(), part


def _refused(prize: PlayPrize, _known: Payment | None, _told: Payment) -> tuple[Moved, int]:
    return Moved(prize), 0


def _returned(prize: PlayPrize, known: Payment | None, _told: Payment) -> tuple[Moved, int]:
    """Undo what was taken of it: first what the order no longer entitles to, the rest is due again."""
    counted = known.counted_minor if known is not None else 0
    if prize.kind != "money":
        handed_back = Moved(prize).become("void" if prize.fallen else "claimed")
        return (handed_back if counted else Moved(prize)), 0
    net = min(prize.held("recoverable"), counted)
    bounced = min(prize.held("paid"), counted - net)
    moved = Moved(prize).further("net", "recoverable", "available", net)
    return moved.further("bounce", "paid", "payable", bounced).settled(), counted - net - bounced


def _netted(prize: PlayPrize, _known: Payment | None, told: Payment) -> tuple[Moved, int]:
    owed = prize.held("recoverable")
    if told.amount_minor > owed or prize.kind != "money":
        msg = "more is netted than was paid for an order that came back"
        problem = Problem("amount", f"{told.amount_minor} minor units", f"at most {owed}")
        raise Conflict(msg, [problem], code="more-than-recoverable")
    return Moved(prize).further("net", "recoverable", "available", told.amount_minor).settled(), told.amount_minor


_TAKERS: Mapping[Outcome, Callable[[PlayPrize, Payment | None, Payment], tuple[Moved, int]]] = {
    "paid": _paid,
    "refused": _refused,
    "returned": _returned,
    "netted": _netted,
}


def _check_same(known: Payment, told: Payment) -> None:
    kinds = {"netted" if each.outcome == "netted" else "payment" for each in (known, told)}
    if (known.token_id, known.amount_minor) == (told.token_id, told.amount_minor) and len(kinds) == 1:
        return
    msg = "a payment of this id was told before, and was another"
    found = f"{told.outcome} of {told.amount_minor} minor units for {told.token_id[:12]}"
    expected = f"what it was: {known.outcome} of {known.amount_minor} for {known.token_id[:12]}, or a new id"
    raise Conflict(msg, [Problem("payment_id", found, expected)], code="payment-differs")
