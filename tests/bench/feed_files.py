"""Order-line files for the benchmark, the same for the same seed: orders of some 8 lines, sorted by time.

`python tests/bench/feed_files.py ROWS SHARE_BAD FILE` writes one; a name that ends in `.gz` is compressed.
"""

import gzip
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

SEED = 7
LINES_PER_ORDER = 8
FIRST_ORDER, FIRST_SHOPPER, FIRST_PRODUCT = 10**9, 10**6, 10**6
SHOPPERS, PRODUCTS, STORES = 200_000, 90_000, 400
STARTS_AT = 1_735_689_600
"""Seconds of the Unix clock: 2025-01-01."""
ORDERS_PER_SECOND = 2
BLOCK = 1_000_000
"""Rows made at once, so that a file of any size needs the memory of one block."""
BAD = {
    "value": "12,5x",
    "quantity": "-3",
    "product_id": "",
    "ordered_at": "yesterday",
    "currency": "EURO",
}
"""What a bad row holds in one of its columns; every kind is as frequent as the others."""


def write_orders(file: Path, rows: int, share_bad: float) -> None:
    """Write a file of order lines, about `share_bad` of which no contract accepts."""
    plain = file.with_suffix(".plain") if file.suffix == ".gz" else file
    with plain.open("wb") as stream:
        for number, block in enumerate(_blocks(rows, share_bad)):
            block.write_csv(stream, include_header=number == 0)
    if plain != file:
        with plain.open("rb") as source, gzip.open(file, "wb", compresslevel=6) as target:
            shutil.copyfileobj(source, target, 2**20)
        plain.unlink()


def _blocks(rows: int, share_bad: float) -> Iterator[pl.DataFrame]:
    random = np.random.default_rng(SEED)
    for start in range(0, rows, BLOCK):
        lines = np.arange(start, min(start + BLOCK, rows), dtype=np.int64)
        yield _spoiled(_orders(lines, random), share_bad, random)


def _orders(lines: "np.ndarray[tuple[int], np.dtype[np.int64]]", random: np.random.Generator) -> pl.DataFrame:
    """Return clean order lines; `lines` are their numbers in the file."""
    count = len(lines)
    order = lines // LINES_PER_ORDER
    seconds = STARTS_AT + order // ORDERS_PER_SECOND
    coupon = np.where(random.random(count) < 0.05, random.integers(1, 200, count), 0)
    return pl.DataFrame(
        {
            "order_id": order + FIRST_ORDER,
            "line_id": lines % LINES_PER_ORDER + 1,
            "shopper_id": order * 7919 % SHOPPERS + FIRST_SHOPPER,
            "store_id": order % STORES + 1,
            "ordered_at": pl.Series(seconds * 1_000_000).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%dT%H:%M:%S"),
            "product_id": random.integers(FIRST_PRODUCT, FIRST_PRODUCT + PRODUCTS, count),
            "quantity": random.integers(1, 9, count),
            "value": _amounts(random.integers(200, 20_000, count)),
            "discount": _amounts(random.integers(0, 300, count)),
            "coupon": _amounts(coupon),
            "currency": pl.repeat("USD", count, eager=True),
        }
    )


def _amounts(minor: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> pl.Series:
    cents = pl.Series(minor)
    return (cents // 100).cast(pl.String) + "." + (cents % 100).cast(pl.String).str.zfill(2)


def _spoiled(orders: pl.DataFrame, share_bad: float, random: np.random.Generator) -> pl.DataFrame:
    """Return the rows as text, with one column of every bad row spoiled."""
    bad = random.random(orders.height) < share_bad
    kind = np.where(bad, random.integers(0, len(BAD), orders.height), -1)
    return orders.with_columns(
        pl.when(pl.Series(kind == number)).then(pl.lit(text)).otherwise(pl.col(name).cast(pl.String)).alias(name)
        for number, (name, text) in enumerate(BAD.items())
    )


if __name__ == "__main__":
    write_orders(Path(sys.argv[3]), int(sys.argv[1]), float(sys.argv[2]))
