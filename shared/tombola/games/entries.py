"""What a token stands for: an order that qualified, or a free entry.

An entry is the one document that links a token to an order and a shopper; erasure deletes it. It
also remembers the last revision of the order that was handled and what came of it, so that an order
told twice, late or out of order changes nothing.
"""

import json
from collections.abc import Mapping
from typing import ClassVar, Literal

from tombola.catalogue.model import Product
from tombola.games.limits import HOLDER_KINDS
from tombola.games.records import Record

Outcome = Literal["issued", "refused", "revoked"]
EntryKind = Literal["order", "free"]
FIRST_TIER = 1


def order_entry(order_id: str) -> str:
    """Return the entry an order stands for. Free entries have a prefix of their own, so that neither can pose."""
    return f"order/{order_id}"


def free_entry(entry_id: str) -> str:
    """Return the entry that a free entry stands for, by the id its retailer gave it."""
    return f"free/{entry_id}"


def order_text(retailer: str, order_id: str) -> str:
    """Return how an entry names its order, in an indexed field."""
    return f"{retailer}/{order_id}"


class Entry(Record):
    """One entry in one tier. `outcome` is `issued` while its token stands; `reason` says why it does not.

    `shopper` and `household` are whose limits it counts against, or would; `slots` are the places its token has, empty
    while it does not stand. `summary` holds the bounds that were not met. `products`, on the first tier, is what the
    catalogue said when each product of the order was first looked at: a catalogue that changes later takes no prize
    away. `order` is empty for a free entry.
    """

    COLLECTION: ClassVar[str] = "entries"

    retailer: str
    entry: str
    tier: int = FIRST_TIER
    kind: EntryKind = "order"
    token_id: str
    order: str
    shopper: str | None
    household: str | None = None
    order_revision: int
    outcome: Outcome
    reason: str
    summary: str = ""
    slots: tuple[str, ...] = ()
    products: bytes = b"{}"

    @property
    def parts(self) -> tuple[str, ...]:
        """Campaign, version, retailer, entry, tier."""
        return (*self.of.parts, self.retailer, self.entry, str(self.tier))

    @property
    def counted_as(self) -> str:
        """How the limit of a shopper or a household lists it."""
        return f"{self.entry}#{self.tier}"

    @property
    def holders(self) -> frozenset[str]:
        """Whose limits it counts against, or would: `shopper/<pseudonym>`, `household/<pseudonym>`."""
        return frozenset(f"{kind}/{who}" for kind in HOLDER_KINDS if (who := getattr(self, kind)) is not None)

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
