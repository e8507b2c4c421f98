"""Reading: the order that everybody else sees, made of all that is known of it."""

from tombola.orders.facts import Header, Line, Order, Payment, ReturnedLine
from tombola.orders.merging import Layer, Register, Registers, State, instant


def current(state: State, retailer: str, order_id: str, revision: int) -> Order | None:
    """Return the order, or None while no door has stated its header.

    The retailer's own layer counts as soon as it has a header, the promised one until then. Returns,
    payments and cancellation are facts from either; about one id the retailer's own word wins.
    """
    promised, authoritative = state.promised, state.authoritative
    header = authoritative.header or promised.header
    if header is None:
        return None
    spoken = authoritative.header is not None
    cancelled = [each.cancelled_at for each in (promised, authoritative) if each.cancelled_at is not None]
    return Order(
        retailer=retailer,
        order_id=order_id,
        revision=revision,
        authoritative=spoken,
        header=_header(header),
        lines=_lines(authoritative if spoken else promised),
        promised_lines=_lines(promised) if spoken and promised.header is not None else None,
        returns=_returns({**promised.returns, **authoritative.returns}),
        payments=_payments({**promised.payments, **authoritative.payments}),
        cancelled_at=instant(min(cancelled)) if cancelled else None,
    )


def _header(register: Register) -> Header:
    shopper, store_id, ordered_at, currency, channel, *household = register[1]
    return Header(
        shopper=shopper,
        household=household[0] if household else None,
        store_id=store_id,
        ordered_at=instant(ordered_at),
        currency=currency,
        channel=channel,
    )


def _lines(layer: Layer) -> tuple[Line, ...]:
    return tuple(_line(line_id, *content) for (line_id,), (_, content) in sorted(layer.lines.items()))


def _line(line_id: str, product_id: str, quantity: int, *minor: int) -> Line:
    value, discount, coupon = minor
    return Line(
        line_id=line_id,
        product_id=product_id,
        quantity=quantity,
        value_minor=value,
        discount_minor=discount,
        coupon_minor=coupon,
    )


def _returns(registers: Registers) -> tuple[ReturnedLine, ...]:
    return tuple(
        ReturnedLine(return_id=return_id, line_id=line_id, quantity=content[0], value_minor=content[1])
        for (return_id, line_id), (_, content) in sorted(registers.items())
    )


def _payments(registers: Registers) -> tuple[Payment, ...]:
    return tuple(
        Payment(payment_id=payment_id, tender=content[0], amount_minor=content[1])
        for (payment_id,), (_, content) in sorted(registers.items())
    )
