"""What is known of a product where baskets and profiles are read."""

from pydantic import BaseModel, ConfigDict


class Product(BaseModel):
    """One product of one retailer's catalogue. Empty text where the retailer says nothing."""

    model_config = ConfigDict(frozen=True)

    product_id: str
    name: str = ""
    brand: str = ""
    category: str = ""
    department: str = ""


def unknown(product_id: str) -> Product:
    """Return what stands for a product that is not in the catalogue: known by its id alone."""
    return Product(product_id=product_id)
