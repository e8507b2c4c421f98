"""The doors a retailer's servers knock at: an order in the retailer's words, made into a statement.

The same body serves `receive_webhook` and `check_out`. Its `type` names the door it was signed for: a
check-out may travel through the shopper's browser, and must not be replayed where the retailer's
system of record speaks.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tombola.campaigns.wording import Language
from tombola.errors import Fault, Malformed, Problem
from tombola.instants import Instant
from tombola.json_text import check_json
from tombola.money import exponent, major_units, minor_units
from tombola.orders.facts import (
    MAX_LINES,
    MAX_MINOR,
    Door,
    Header,
    Line,
    OrderStatement,
    Payment,
    ReturnedLine,
)
from tombola.privacy.pseudonyms import HOUSEHOLD, pseudonym
from tombola.problems import at_most, problems_of

STATED, CHECKED_OUT = "order.stated", "order.checked_out"
TYPE_AT: Mapping[Door, str] = {"webhook": STATED, "check_out": CHECKED_OUT}
AHEAD = timedelta(hours=1)
"""How far a retailer's clock may run ahead. The latest statement wins, so one from 2099 would win for ever."""
MAX_NAMED = 200
"""Problems named in one answer; a body of a megabyte can hold many more."""

Amount = Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,3})?$", description="an amount as text, as in 12.50")]
"""Decimal text in the currency's major unit."""
Text = Annotated[
    str,
    Field(
        min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", description="text without control characters"
    ),
]
"""As in feeds: without control characters, so that an order has one name through every door."""
Quantity = Annotated[int, Field(ge=0, le=10**9)]


class Message(BaseModel):
    """Frozen; a field nobody knows is refused, and nothing is converted silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class LineMessage(Message):
    """One line. `value` has discounts off and coupons not: the shopper paid `value` - `coupon`."""

    line_id: Text
    product_id: Text
    quantity: Quantity
    value: Amount
    discount: Amount = "0"
    coupon: Amount = "0"


class ReturnMessage(Message):
    """Part of a line that came back, and what was given back for it."""

    return_id: Text
    line_id: Text
    quantity: Quantity
    value: Amount


class PaymentMessage(Message):
    """One tender: `card`, `cash`, `gift_card`, `meal_voucher`, `points`, `prize` ..."""

    payment_id: Text
    tender: Text
    amount: Amount


class OrderMessage(Message):
    """What a retailer's server says of one order.

    `store_id`, `ordered_at`, `currency` together are the order's head: all of them or, where `scope` is
    `some`, none (then a lone `currency` may still stand for the amounts). `shopper_id` and `household_id` are the
    retailer's own, and never leave this door. `language` is that of the words in a check-out's answer.
    """

    type: Literal["order.stated", "order.checked_out"]
    order_id: Text
    scope: Literal["whole", "some"]
    stated_at: Instant
    shopper_id: Text | None = None
    household_id: Text | None = None
    store_id: Text | None = None
    ordered_at: Instant | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="three capital letters, as in EUR")] | None = None
    channel: Literal["store", "web", "app"] = "store"
    lines: Annotated[tuple[LineMessage, ...], Field(max_length=MAX_LINES)] = ()
    returns: Annotated[tuple[ReturnMessage, ...], Field(max_length=MAX_LINES)] = ()
    payments: Annotated[tuple[PaymentMessage, ...], Field(max_length=100)] = ()
    cancelled_at: Instant | None = None
    language: Language | None = None


def parse_message(body: bytes) -> OrderMessage:
    """Return the message that a JSON body holds. Raises `Malformed` naming every field at fault."""
    check_json(body)
    try:
        return OrderMessage.model_validate_json(body)
    except ValidationError as error:
        raise _malformed(problems_of(error, OrderMessage, most=MAX_NAMED)) from error


def statement_of(message: OrderMessage, retailer_id: str, door: Door, pseudonym_key: bytes) -> OrderStatement:
    """Return what the message states, in minor units, its shopper a pseudonym under `pseudonym_key`.

    Raises `Malformed` naming every problem at once: a message signed for another door, half a head,
    an unknown currency, more decimals than it has, one id twice.
    """
    if problems := [*_misplaced(message, door), *_half_head(message), *_amount_problems(message), *_repeated(message)]:
        raise _malformed(at_most(MAX_NAMED, problems))
    return OrderStatement(
        retailer=retailer_id,
        order_id=message.order_id,
        door=door,
        scope=message.scope,
        stated_at=message.stated_at,
        header=_header(message, retailer_id, pseudonym_key),
        lines=tuple(_line(line, message.currency or "") for line in message.lines),
        returns=tuple(_return(each, message.currency or "") for each in message.returns),
        payments=tuple(_payment(each, message.currency or "") for each in message.payments),
        cancelled_at=message.cancelled_at,
    )


def check_clock(message: OrderMessage, now: datetime) -> None:
    """Refuse what is dated more than an hour after `now`: nothing has happened yet then. Raises `Malformed`."""
    dated = {name: getattr(message, name) for name in ("stated_at", "ordered_at", "cancelled_at")}
    expected = f"at most {AHEAD} after the time here, {now.isoformat(timespec='seconds')}"
    ahead = {name: at for name, at in dated.items() if at is not None and at > now + AHEAD}
    if ahead:
        raise _malformed([Problem(name, at.isoformat(), expected) for name, at in ahead.items()])


def _misplaced(message: OrderMessage, door: Door) -> Iterator[Problem]:
    if message.type != TYPE_AT.get(door):
        yield Problem("type", repr(message.type), f"{TYPE_AT.get(door)!r}, which is what may be said at this door")
    elif message.language is not None and door != "check_out":
        yield Problem("language", repr(message.language), "nothing: only a check-out is answered in words")


def _half_head(message: OrderMessage) -> Iterator[Problem]:
    head = {"store_id": message.store_id, "ordered_at": message.ordered_at, "currency": message.currency}
    wanted = (
        message.scope == "whole"
        or message.shopper_id is not None
        or message.household_id is not None
        or message.store_id is not None
        or message.ordered_at is not None
    )
    if wanted:
        missing = (name for name, value in head.items() if value is None)
        yield from (Problem(name, "nothing", "store_id, ordered_at and currency together") for name in missing)
    elif message.currency is None and any(_amounts(message)):
        yield Problem("currency", "nothing", "the currency of the amounts")


def _amount_problems(message: OrderMessage) -> Iterator[Problem]:
    if message.currency is None:
        return
    try:
        exponent(message.currency)
    except ValueError as error:
        yield Problem("currency", repr(message.currency), _expected(error))
        return
    for where, amount in _amounts(message):
        try:
            minor = minor_units(Decimal(amount), message.currency)
        except ValueError as error:
            yield Problem(where, repr(amount), _expected(error))
        else:
            if minor > MAX_MINOR:
                yield Problem(where, repr(amount), f"at most {major_units(MAX_MINOR, message.currency)}")


def _expected(error: ValueError) -> str:
    return str(error).partition("; expected ")[2]


def _amounts(message: OrderMessage) -> Iterator[tuple[str, str]]:
    for index, line in enumerate(message.lines):
        yield f"lines.{index}.value", line.value
        yield f"lines.{index}.discount", line.discount
        yield f"lines.{index}.coupon", line.coupon
    yield from ((f"returns.{index}.value", each.value) for index, each in enumerate(message.returns))
    yield from ((f"payments.{index}.amount", each.amount) for index, each in enumerate(message.payments))


def _repeated(message: OrderMessage) -> Iterator[Problem]:
    yield from _twice("lines", (line.line_id for line in message.lines))
    yield from _twice("returns", ((each.return_id, each.line_id) for each in message.returns))
    yield from _twice("payments", (each.payment_id for each in message.payments))


def _twice(where: str, ids: Iterable[Hashable]) -> Iterator[Problem]:
    counted = Counter(ids)
    yield from (Problem(where, f"{each!r} {n} times", "every id once") for each, n in counted.items() if n > 1)


def _header(message: OrderMessage, retailer_id: str, pseudonym_key: bytes) -> Header | None:
    if message.store_id is None or message.ordered_at is None or message.currency is None:
        return None
    shopper_id, household_id = message.shopper_id, message.household_id
    return Header(
        shopper=None if shopper_id is None else pseudonym(pseudonym_key, retailer_id, shopper_id),
        household=None if household_id is None else pseudonym(pseudonym_key, retailer_id, household_id, HOUSEHOLD),
        store_id=message.store_id,
        ordered_at=message.ordered_at,
        currency=message.currency,
        channel=message.channel,
    )


def _line(line: LineMessage, currency: str) -> Line:
    return Line(
        line_id=line.line_id,
        product_id=line.product_id,
        quantity=line.quantity,
        value_minor=minor_units(Decimal(line.value), currency),
        discount_minor=minor_units(Decimal(line.discount), currency),
        coupon_minor=minor_units(Decimal(line.coupon), currency),
    )


def _return(each: ReturnMessage, currency: str) -> ReturnedLine:
    value_minor = minor_units(Decimal(each.value), currency)
    return ReturnedLine(return_id=each.return_id, line_id=each.line_id, quantity=each.quantity, value_minor=value_minor)


def _payment(each: PaymentMessage, currency: str) -> Payment:
    amount_minor = minor_units(Decimal(each.amount), currency)
    return Payment(payment_id=each.payment_id, tender=each.tender, amount_minor=amount_minor)


def _malformed(problems: list[Problem]) -> Fault:
    return Malformed("the order is not stated in the declared form", problems, code="malformed-order")
