from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tombola.campaigns.baskets import Basket, BasketLine
from tombola.campaigns.model import Campaign
from tombola.catalogue.model import Product
from tombola.retailers.model import Retailer
from tombola.yaml_text import read

PRODUCTS = {
    product.product_id: product
    for product in (
        Product(product_id="plain", brand="National", category="YOGURT", department="GROCERY"),
        Product(product_id="berry", brand="National", category="YOGURT", department="GROCERY"),
        Product(product_id="own", brand="Private", category="YOGURT", department="GROCERY"),
        Product(product_id="fuel", brand="Private", category="FUEL", department="FUEL"),
        Product(product_id="card", brand="Private", category="GIFT CARDS", department="MISC"),
        Product(product_id="wine", brand="National", category="Alcohol", department="DRINKS"),
    )
}
Lines = tuple[tuple[str, int, int], ...]


@pytest.fixture(scope="session")
def campaign_text() -> str:
    return (Path(__file__).parent / "files" / "wheel.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def campaign(campaign_text: str) -> Campaign:
    return Campaign.model_validate(read(campaign_text).value)


@pytest.fixture(scope="session")
def campaign_with(campaign_text: str) -> Callable[..., Campaign]:
    def build(**changed: Any) -> Campaign:  # noqa: ANN401 (any field of the file)
        return Campaign.model_validate({**read(campaign_text).value, **changed})

    return build


@pytest.fixture(scope="session")
def basket() -> Callable[..., Basket]:
    """Build a basket of (product id, quantity, paid) lines."""

    def build(*lines: tuple[str, int, int], tenders: Mapping[str, int] | None = None) -> Basket:
        return Basket(
            retailer="corner-shop",
            order_id="o-1",
            shopper="s-1",
            store_id="1",
            channel="store",
            ordered_at=datetime(2027, 3, 10, 12, tzinfo=UTC),
            currency="USD",
            lines=tuple(
                BasketLine(f"l{index}", PRODUCTS[product], quantity, paid)
                for index, (product, quantity, paid) in enumerate(lines)
            ),
            tenders=tuple(sorted((tenders or {}).items())),
        )

    return build


@pytest.fixture(scope="session")
def retailers() -> dict[str, Retailer]:
    shop = Retailer(retailer="corner-shop", name="Corner Shop", country="US", currency="USD", feeds={})
    return {"corner-shop": shop}
