"""What a token stands for: an order that qualified, or a free entry.

An entry is the one document that links a token to an order and a shopper; erasure deletes it. It
also remembers the last revision of the order that was handled and what came of it, so that an order
told twice, late or out of order changes nothing.
"""

import json
from collections.abc import Mapping
from typing import ClassVar, Literal

from tombola.catalogue.model import Product
from tombola.games.records import Record

Outcome = Literal["issued", "refused", "revoked"]
TIER = 1
"""Basket tiers are not in the campaign file yet: every token is of the first."""


def order_entry(order_id: str) -> str:
    """Return the entry an order stands for. Free entries have a prefix of their own, so that neither can pose."""
    return f"order/{order_id}"


def order_text(retailer: str, order_id: str) -> str:
    """Return how an entry names its order, in an indexed field."""
    return f"{retailer}/{order_id}"


class Entry(Record):
    """One entry. `outcome` is `issued` while its token stands; `reason` says why it does not.

    `shopper` is whose limit it counts against, or would; `slot` is where its token takes a place of the
    campaign's limit. `summary` holds the bounds that were not met. `products` is what the catalogue said when
    each product of the order was first looked at: a catalogue that changes later takes no prize away.
    """

    COLLECTION: ClassVar[str] = "entries"

    retailer: str
    entry: str
    tier: int = TIER
    kind: Literal["order", "free"] = "order"
    token_id: str
    order: str
    shopper: str | None
    order_revision: int
    outcome: Outcome
    reason: str
    summary: str = ""
    slot: int | None = None
    products: bytes = b"{}"

    @property
    def parts(self) -> tuple[str, ...]:
        """Campaign, version, retailer, entry, tier."""
        return (*self.of.parts, self.retailer, self.entry, str(self.tier))

    @property
    def counted_as(self) -> str:
        """How a shopper's limit lists it."""
        return f"{self.entry}#{self.tier}"

    def changed(self, **changes: object) -> "Entry":
        """Return it with these changes and the next revision."""
        return self.model_copy(update={**changes, "revision": self.revision + 1})


def pack_products(products: Mapping[str, Product]) -> bytes:
    """Return what criteria look at of these products, as canonical JSON: all but the name, by id."""
    words = {key: each[2:] for key, each in products.items()}
    return json.dumps(words, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def unpack_products(packed: bytes) -> dict[str, Product]:
    """Return what `pack_products` was given, without names."""
    words: dict[str, list[str]] = json.loads(packed)
    return {product_id: Product(product_id, "", *stated) for product_id, stated in words.items()}
