"""What a payer tells of a prize, in its own words: paid, refused, returned, netted. Signed as webhooks are."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from tombola.errors import Fault, Malformed, Problem
from tombola.games.answers import Answered
from tombola.games.events import PrizeState
from tombola.games.plays import Play
from tombola.json_text import check_json
from tombola.money import major_units, minor_units
from tombola.orders.doors import Amount, Message
from tombola.problems import problems_of
from tombola.settling.payments import Outcome, Payment


class PaymentMessage(Message):
    """What became of one payment of one prize. A coupon redeemed or a thing delivered is `paid` too, without an amount.

    `prize.netted`: what was paid for an order that came back, the retailer has set off against what it is owed.
    `payment_id` is the payer's own, and no number of an account.
    """

    type: Literal["prize.paid", "prize.refused", "prize.returned", "prize.netted"]
    payment_id: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="1 to 100 letters, digits or any of ._-")
    ]
    token_id: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="the 64 hex digits of a token's id")]
    amount: Amount | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="three capital letters, as in EUR")] | None = None

    @property
    def outcome(self) -> Outcome:
        """What is told."""
        return _OUTCOMES[self.type]


_OUTCOMES: dict[str, Outcome] = {
    "prize.paid": "paid", "prize.refused": "refused", "prize.returned": "returned", "prize.netted": "netted",
}  # fmt: skip


class PaymentAnswer(Answered):
    """What the books took of it, and what the prize is now. `counted` is decimal text in `currency`.

    Less than was paid means that the prize fell meanwhile: the difference is the payer's to get back.
    """

    payment_id: str
    token_id: str
    outcome: Outcome
    prize_state: PrizeState
    counted: str
    currency: str


def parse_payment(body: bytes) -> PaymentMessage:
    """Return the message that a JSON body holds. Raises `Malformed` naming every field at fault."""
    check_json(body)
    try:
        return PaymentMessage.model_validate_json(body)
    except ValidationError as error:
        raise _malformed(problems_of(error, PaymentMessage)) from error


def amount_minor(message: PaymentMessage, play: Play) -> int:
    """Return the amount in minor units, 0 for what is no money. Raises `Malformed` naming every problem at once."""
    if problems := list(_amount_problems(message, play)):
        raise _malformed(problems)
    return 0 if message.amount is None else minor_units(Decimal(message.amount), play.currency)


def payment_answer(payment: Payment, play: Play) -> PaymentAnswer:
    """Return what a payer is told."""
    return PaymentAnswer(
        payment_id=payment.payment_id,
        token_id=payment.token_id,
        outcome=payment.outcome,
        prize_state=play.prize.state,
        counted=str(major_units(payment.counted_minor, play.currency)),
        currency=play.currency,
    )


def _amount_problems(message: PaymentMessage, play: Play) -> Iterator[Problem]:
    if play.prize.kind != "money":
        given = {"amount": message.amount, "currency": message.currency}
        expected = f"nothing: the prize is a {'coupon' if play.prize.kind == 'coupon' else 'thing'}, no money"
        yield from (Problem(name, repr(value), expected) for name, value in given.items() if value is not None)
        return
    if message.currency != play.currency:
        yield Problem("currency", repr(message.currency), repr(play.currency))
    try:
        minor = minor_units(Decimal(message.amount or "0"), play.currency)
    except ValueError as error:
        yield Problem("amount", repr(message.amount), str(error).partition("; expected ")[2])
    else:
        if minor <= 0:
            yield Problem("amount", repr(message.amount), "an amount above 0")


def _malformed(problems: list[Problem]) -> Fault:
    return Malformed("the payment is not told in the declared form", problems, code="malformed-payment")
