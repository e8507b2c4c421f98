"""Which stores a report names, and what it says of all the others together. Pure.

A sponsor must not recognise a shopper, neither in a row nor by taking rows off one another. So a store of few
shoppers has no row of its own, and the row of the others stands for enough shoppers too: a named store joins it where
it would not, and where none is left to join it, it says nothing.
"""

from collections.abc import Sequence

from tombola.reports.facts import SMALLEST_STORE, StoreTotals
from tombola.reports.model import Store

MOST_STORES = 10


def store_rows(stores: Sequence[StoreTotals], small_store_shoppers: int) -> tuple[Store, ...]:
    """Return the stores that took most, then all others in one row.

    `small_store_shoppers` are the different shoppers of all small stores together: those of each cannot be
    added up, for one shopper of five small stores is still one shopper.
    """
    ranked = sorted(stores, key=lambda each: (-each.value_minor, each.retailer, each.store_id))
    named = [each for each in ranked if each.shoppers >= SMALLEST_STORE][:MOST_STORES]
    rest = [each for each in ranked if each not in named]
    if rest and named and not _enough(rest, small_store_shoppers):
        joining = min(named, key=lambda each: (each.shoppers, each.value_minor))
        named.remove(joining)
        rest.append(joining)
    rows = [_row([each], each.retailer, each.store_id) for each in named]
    if rest:
        rows.append(_row(rest) if _enough(rest, small_store_shoppers) else _silent(rest))
    return tuple(rows)


def _enough(rest: Sequence[StoreTotals], small_store_shoppers: int) -> bool:
    """Tell whether these stores have enough different shoppers together; all small stores are among them."""
    return max(small_store_shoppers, *(each.shoppers for each in rest)) >= SMALLEST_STORE


def _row(stores: Sequence[StoreTotals], retailer: str | None = None, store_id: str | None = None) -> Store:
    return Store(
        retailer=retailer,
        store_id=store_id,
        stores=len(stores),
        orders=sum(each.orders for each in stores),
        shoppers=sum(each.shoppers for each in stores),
        value_minor=sum(each.value_minor for each in stores),
    )


def _silent(stores: Sequence[StoreTotals]) -> Store:
    return Store(retailer=None, store_id=None, stores=len(stores), orders=None, shoppers=None, value_minor=None)
