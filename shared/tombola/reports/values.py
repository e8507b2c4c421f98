"""What is left of an order, in Ibis: the twin of `tombola.campaigns.baskets.basket_of`, for whole tables.

Net of returns and coupons; a cancelled order is worth nothing. A test holds the two to the same sums.
"""

from typing import TYPE_CHECKING

import ibis

if TYPE_CHECKING:
    import ibis.expr.types as ir


def paid_minor(order: "ir.Table") -> "ir.IntegerColumn":
    """Return the minor units the shopper paid for what was kept, from columns lines, returns, cancelled_at.

    A coupon larger than its line makes the line negative. Exact while coupon x value of a partly
    returned line stays below 2^53 (94 million in each), where the coupon's share is divided as a float.
    """
    whole = order.lines.map(lambda line: line.value_minor - line.coupon_minor)
    kept = order.lines.map(lambda line: _line_paid(line, order.returns))
    return ibis.cases(
        (order.cancelled_at.notnull(), 0),
        (order.returns.length() == 0, whole.sums().fill_null(0)),  # nearly every order, and far cheaper
        else_=kept.sums().fill_null(0),
    )


def _line_paid(line: "ir.StructValue", returns: "ir.ArrayValue") -> "ir.IntegerValue":
    back = returns.filter(lambda item: item.line_id == line.line_id)
    quantity = ibis.greatest(line.quantity - back.map(lambda item: item.quantity).sums().fill_null(0), 0)
    value = ibis.greatest(line.value_minor - back.map(lambda item: item.value_minor).sums().fill_null(0), 0)
    return ibis.cases(
        ((line.quantity > 0) & (quantity == 0), 0),
        ((value == line.value_minor) & (quantity == line.quantity), value - line.coupon_minor),
        else_=value - _coupon_left(line, quantity, value),
    )


def _coupon_left(line: "ir.StructValue", quantity: "ir.IntegerValue", value: "ir.IntegerValue") -> "ir.IntegerValue":
    """Return the coupon in proportion to what was kept, rounded against the shopper."""
    coupon = line.coupon_minor.cast("float64")
    return ibis.cases(
        (line.value_minor > 0, (coupon * value / line.value_minor).ceil().cast("int64")),
        (line.quantity > 0, (coupon * quantity / line.quantity).ceil().cast("int64")),
        else_=line.coupon_minor,
    )
