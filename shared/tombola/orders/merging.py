"""Merging: an order is the join of all facts stated about it, in whatever order they arrive.

`join` is commutative, associative and idempotent, so duplicates, late files and repeated deliveries
end in the same state. Two layers are kept apart: what `check_out` promised, and what the retailer's
system of record stated. Inside a layer:

- the header, every line, return and payment is a register: the latest `stated_at` wins, and at one
  instant the greater digest of the content, so that every machine picks the same;
- a whole-order statement at `whole_at` ends every line stated before it and not in it, for ever;
- the earliest cancellation stays: it is a fact, and no line undoes it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tombola.errors import Problem, TooLarge
from tombola.orders.facts import AUTHORITATIVE, MAX_LINES, Header, Line, OrderStatement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Content = tuple[Any, ...]
"""Text, whole numbers or None: what JSON gives back as it was."""
Register = tuple[int, Content]
"""When the source stated it (microseconds since 1970, UTC), and what."""
Registers = Mapping[tuple[str, ...], Register]


class OrderTooLarge(TooLarge):
    """More is known of an order than one document can keep."""

    code = "order-too-large"

    def __init__(self, found: str, most: str) -> None:
        """Say what was found, and the most that is kept."""
        super().__init__("the order is too large to be kept", [Problem("order", found, f"at most {most}")])


@dataclass(frozen=True, slots=True)
class Layer:
    """What doors of one rank have stated. Instants are microseconds since 1970, UTC.

    Lines are keyed by (line id), returns by (return id, line id), payments by (payment id); their
    contents are the remaining fields, in the order of `tombola.orders.facts`.
    """

    header: Register | None = None
    whole_at: int | None = None
    lines: Registers = field(default_factory=dict)
    returns: Registers = field(default_factory=dict)
    payments: Registers = field(default_factory=dict)
    cancelled_at: int | None = None


@dataclass(frozen=True, slots=True)
class State:
    """Everything known of one order."""

    promised: Layer = Layer()
    authoritative: Layer = Layer()


NOTHING = State()


def merge(state: State, statement: OrderStatement) -> State:
    """Return the state with one statement joined in.

    Raises `OrderTooLarge` when a layer would hold more than 2,000 lines.
    """
    merged = join(state, stated(statement))
    most = max(len(merged.promised.lines), len(merged.authoritative.lines))
    if most > MAX_LINES:
        found, limit = f"{most} lines", f"{MAX_LINES} lines"
        raise OrderTooLarge(found, limit)
    return merged


def stated(statement: OrderStatement) -> State:
    """Return the state in which this one statement is all that is known."""
    at = microseconds(statement.stated_at)
    layer = Layer(
        header=None if statement.header is None else (at, _header_content(statement.header)),
        whole_at=at if statement.scope == "whole" else None,
        lines=_latest(((line.line_id,), (at, _line_content(line))) for line in statement.lines),
        returns=_latest(
            ((each.return_id, each.line_id), (at, (each.quantity, each.value_minor))) for each in statement.returns
        ),
        payments=_latest(((each.payment_id,), (at, (each.tender, each.amount_minor))) for each in statement.payments),
        cancelled_at=None if statement.cancelled_at is None else microseconds(statement.cancelled_at),
    )
    return State(authoritative=layer) if statement.door in AUTHORITATIVE else State(promised=layer)


def join(one: State, other: State) -> State:
    """Return everything known to either."""
    return State(
        promised=_join_layers(one.promised, other.promised),
        authoritative=_join_layers(one.authoritative, other.authoritative),
    )


def microseconds(at: datetime) -> int:
    """Return an aware instant as whole microseconds since 1970, UTC, exactly."""
    return (at - _EPOCH) // _MICROSECOND


def instant(micros: int) -> datetime:
    """Return microseconds since 1970 as an aware instant in UTC."""
    return _EPOCH + micros * _MICROSECOND


def _join_layers(one: Layer, other: Layer) -> Layer:
    whole_at = _of_either(one.whole_at, other.whole_at, max)
    lines = _latest([*one.lines.items(), *other.lines.items()])
    return Layer(
        header=_later_header(one.header, other.header),
        whole_at=whole_at,
        lines=lines if whole_at is None else {key: line for key, line in lines.items() if line[0] >= whole_at},
        returns=_latest([*one.returns.items(), *other.returns.items()]),
        payments=_latest([*one.payments.items(), *other.payments.items()]),
        cancelled_at=_of_either(one.cancelled_at, other.cancelled_at, min),
    )


def _later_header(one: Register | None, other: Register | None) -> Register | None:
    if one is None or other is None:
        return other if one is None else one
    return later(one, other)


def _of_either(one: int | None, other: int | None, pick: Callable[[int, int], int]) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return pick(one, other)


def _latest(registers: Iterable[tuple[tuple[str, ...], Register]]) -> Registers:
    """Return one register per key, the winner of those given."""
    winners: dict[tuple[str, ...], Register] = {}
    for key, register in registers:
        rival = winners.get(key)
        winners[key] = register if rival is None else later(rival, register)
    return winners


def later(one: Register, other: Register) -> Register:
    """Return the register stated later; at one instant, the one whose content has the greater digest."""
    if one[0] != other[0] or one[1] == other[1]:
        return one if one[0] > other[0] else other
    return max(one, other, key=_digest)


def _digest(register: Register) -> bytes:
    return hashlib.sha256(json.dumps(register[1], separators=(",", ":")).encode()).digest()


def _header_content(header: Header) -> Content:
    """Return it without a household where none is stated, as before there were any: equal facts stay equal bytes."""
    ordered_at = microseconds(header.ordered_at)
    content = (header.shopper, header.store_id, ordered_at, header.currency, header.channel)
    return content if header.household is None else (*content, header.household)


def _line_content(line: Line) -> Content:
    return (line.product_id, line.quantity, line.value_minor, line.discount_minor, line.coupon_minor)
