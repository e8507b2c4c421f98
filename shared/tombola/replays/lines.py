"""What is left of orders after returns, as columns: the twin of `tombola.campaigns.baskets.basket_of`.

A test holds the two to the same lines.
"""

import polars as pl


def kept_lines(orders: pl.DataFrame, lines: str = "lines") -> pl.DataFrame:
    """Return the lines left of orders: order (number of the row), product_id, quantity, paid_minor.

    `lines` names the list column: `promised_lines` looks at what `check_out` was told. A cancelled order has none.
    """
    numbered = orders.filter(~pl.col("cancelled")).select("order", lines, "returns")
    stated = _rows(numbered, lines)
    if not numbered["returns"].list.len().fill_null(0).sum():  # nearly all, and far cheaper
        return stated.select(
            "order", "product_id", "quantity", paid_minor=pl.col("value_minor") - pl.col("coupon_minor")
        )
    back = _rows(numbered, "returns").group_by("order", "line_id").agg(
        pl.col("quantity").sum().alias("back"), pl.col("value_minor").sum().alias("given_back")
    )  # fmt: skip
    left = stated.join(back, on=["order", "line_id"], how="left", maintain_order="left").with_columns(
        kept=_less("quantity", "back"), value=_less("value_minor", "given_back")
    )
    gone = (pl.col("quantity") > 0) & (pl.col("kept") == 0)
    return left.filter(~gone).select("order", "product_id", quantity="kept", paid_minor=_paid())


def _rows(orders: pl.DataFrame, column: str) -> pl.DataFrame:
    held = orders.filter(pl.col(column).list.len() > 0)
    return held.select("order", column).explode(column).unnest(column)


def _less(whole: str, part: str) -> pl.Expr:
    return (pl.col(whole) - pl.col(part).fill_null(0)).clip(lower_bound=0)


def _paid() -> pl.Expr:
    """Return the coupon in proportion to what was kept, rounded against the shopper, off the value that is left."""
    by_value = pl.col("value_minor") > 0
    part = pl.when(by_value).then("value").otherwise("kept").cast(pl.Int128)
    whole = pl.when(by_value).then("value_minor").otherwise("quantity").cast(pl.Int128)
    coupon = (pl.col("coupon_minor").cast(pl.Int128) * part + whole - 1) // whole
    return pl.col("value") - pl.when(whole > 0).then(coupon.cast(pl.Int64)).otherwise("coupon_minor")
