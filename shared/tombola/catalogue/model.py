"""What is known of a product where baskets and profiles are read."""

from typing import NamedTuple


class Product(NamedTuple):
    """One product of one retailer's catalogue. Empty text where the retailer says nothing; `gtin` has 14 digits.

    A tuple, because criteria look every line's product up by what it is: hashing one is most of what that costs.
    """

    product_id: str
    name: str = ""
    brand: str = ""
    category: str = ""
    department: str = ""
    size: str = ""
    gtin: str = ""


def unknown(product_id: str) -> Product:
    """Return what stands for a product that is not in the catalogue: known by its id alone."""
    return Product(product_id)
