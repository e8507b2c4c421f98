"""Products that could be added to a basket: one for every way in which criteria can mean a product or not.

No catalogue is read: a product may have any brand, category, department, size and GTIN that criteria name, or another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tombola.campaigns.selecting import SELECTED_BY, Selection
from tombola.catalogue.model import Product

ANOTHER = ""
"""Stands for every value that no selection names: names in campaign files are never empty."""


@dataclass(frozen=True, slots=True)
class Imagined:
    """One kind of product that counts. `ids`: only these products are of it; None: any number of others."""

    product: Product
    ids: frozenset[str] | None


def imagine(selections: Sequence[Selection], counts: Callable[[Product], bool]) -> tuple[Imagined, ...]:
    """Return one product per way to be meant by these selections. `counts` leaves out what never counts."""
    whole = (1 << len(selections)) - 1
    found: dict[tuple[int, bool, int], dict[str, str]] = {(whole, True, 0): {}}
    ids: dict[int, set[str]] = {}
    for field, named in SELECTED_BY.items():
        values = {ANOTHER, *(value for selection in selections for value in getattr(selection, named))}
        kinds = {(_meant(selections, named, value), counts(_only(field, value))): value for value in sorted(values)}
        if field == "product_id":
            for value in values - {ANOTHER}:
                ids.setdefault(_meant(selections, named, value), set()).add(value)
        found = {
            (mask & meant, each_counts and value_counts, _ids_key(field, meant, value) or key): {**fields, field: value}
            for (mask, each_counts, key), fields in found.items()
            for (meant, value_counts), value in kinds.items()
        }
    imagined = ((Product(**fields), key) for (_, _, key), fields in found.items())
    return tuple(
        Imagined(product, frozenset(ids[key - 1]) if key else None) for product, key in imagined if counts(product)
    )


def _ids_key(field: str, meant: int, value: str) -> int:
    """Return what tells named products with another meaning apart; 0 for all others."""
    return meant + 1 if field == "product_id" and value != ANOTHER else 0


def _meant(selections: Sequence[Selection], named: str, value: str) -> int:
    """Return as bits which selections this value of a field leaves open."""
    bits = 0
    for number, selection in enumerate(selections):
        values = getattr(selection, named)
        if not values or value in values:
            bits |= 1 << number
    return bits


def _only(field: str, value: str) -> Product:
    return Product(**{"product_id": ANOTHER, field: value})
