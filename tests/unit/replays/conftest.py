"""Orders as the warehouse hands them over, made of orders as doors and games know them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tombola.campaigns.model import Campaign
from tombola.catalogue.model import Product
from tombola.orders.facts import Order
from tombola.replays.assembly import PRODUCT_WORDS, Recorded
from tombola.yaml_text import read

FILE = Path(__file__).parents[1] / "campaigns" / "files" / "wheel.yaml"
_LINE = {
    "line_id": pl.String, "product_id": pl.String, "quantity": pl.Int64, "value_minor": pl.Int64,
    "coupon_minor": pl.Int64,
}  # fmt: skip
_LINES = pl.List(pl.Struct(_LINE))
_RETURN = {"line_id": pl.String, "quantity": pl.Int64, "value_minor": pl.Int64}
ORDERS = {
    "retailer": pl.String, "order_id": pl.String, "shopper": pl.String, "household": pl.String, "store_id": pl.String,
    "currency": pl.String, "channel": pl.String, "ordered_at": pl.Datetime("us", "UTC"), "cancelled": pl.Boolean,
    "has_promise": pl.Boolean,
    "lines": _LINES, "promised_lines": _LINES, "returns": pl.List(pl.Struct(_RETURN)),
    "payments": pl.List(pl.Struct({"tender": pl.String, "amount_minor": pl.Int64})),
}  # fmt: skip
PRODUCTS = [
    Product(product_id="plain", brand="National", category="YOGURT", department="GROCERY"),
    Product(product_id="berry", brand="National", category="YOGURT", department="GROCERY"),
    Product(product_id="own", brand="Private", category="YOGURT", department="GROCERY"),
    Product(product_id="fuel", brand="Private", category="FUEL", department="FUEL"),
    Product(product_id="wine", brand="National", category="Alcohol", department="DRINKS"),
]


@pytest.fixture(scope="session")
def campaign_with() -> Callable[..., Campaign]:
    """Return a maker of the wheel's rules with other fields."""
    stated = read(FILE.read_text(encoding="utf-8")).value

    def build(**changed: Any) -> Campaign:  # noqa: ANN401 (any field of the file)
        return Campaign.model_validate({**stated, **changed})

    return build


@pytest.fixture(scope="session")
def products() -> dict[str, Product]:
    """Return the catalogue by id."""
    return {product.product_id: product for product in PRODUCTS}


@pytest.fixture(scope="session")
def recorded() -> Callable[[Sequence[Order]], Recorded]:
    """Return what turns orders into what the warehouse hands over."""
    catalogue = [
        {"retailer": "corner-shop", **{word: getattr(product, word) for word in PRODUCT_WORDS}} for product in PRODUCTS
    ]

    def hand_over(orders: Sequence[Order]) -> Recorded:
        return Recorded(pl.DataFrame([_row(order) for order in orders], schema=ORDERS), pl.DataFrame(catalogue), None)

    return hand_over


def _row(order: Order) -> dict[str, Any]:
    stated = order.model_dump(exclude={"header", "revision", "authoritative", "cancelled_at"})
    states = {"cancelled": order.cancelled_at is not None, "has_promise": order.promised_lines is not None}
    return {**_only(stated), **order.header.model_dump(), **states}


def _only(stated: dict[str, Any]) -> dict[str, Any]:
    """Return the order's fields, and of what they list only what the warehouse is asked for."""
    fields = {"lines": _LINE, "promised_lines": _LINE, "returns": _RETURN, "payments": ("tender", "amount_minor")}
    listed = {
        name: None if stated[name] is None else [{key: each[key] for key in wanted} for each in stated[name]]
        for name, wanted in fields.items()
    }
    return {**stated, **listed}
