"""Who asks for tokens: an order, or a free entry; with what limits and circumstances look at."""

from dataclasses import dataclass
from datetime import datetime

from tombola.games.entries import Entry, EntryKind, free_entry, order_entry, order_text
from tombola.orders.facts import Order


@dataclass(frozen=True, slots=True)
class Entrant:
    """An order at one revision, or a free entry.

    `entry` names it, `order` is its order in an entry's indexed field. `authoritative`: the retailer's system of record
    has stated it. `at` is when it was made, by which days and weeks count. A free entry has no store.
    """

    kind: EntryKind
    retailer: str
    entry: str
    order: str
    revision: int
    authoritative: bool
    shopper: str | None
    household: str | None
    store_id: str | None
    at: datetime

    def has_handled(self, entry: Entry | None) -> bool:
        """Tell whether this revision, or a later one, was handled before."""
        return entry is not None and self.revision <= entry.order_revision


def order_entrant(order: Order) -> Entrant:
    """Return an order as what asks for tokens."""
    header = order.header
    return Entrant(
        kind="order",
        retailer=order.retailer,
        entry=order_entry(order.order_id),
        order=order_text(order.retailer, order.order_id),
        revision=order.revision,
        authoritative=order.authoritative,
        shopper=header.shopper,
        household=header.household,
        store_id=header.store_id,
        at=header.ordered_at,
    )


def free_entrant(retailer: str, entry_id: str, shopper: str, household: str | None, entered_at: datetime) -> Entrant:
    """Return a free entry as what asks for a token. It is what it is from the start: nobody restates or returns it."""
    return Entrant(
        kind="free",
        retailer=retailer,
        entry=free_entry(entry_id),
        order="",
        revision=1,
        authoritative=True,
        shopper=shopper,
        household=household,
        store_id=None,
        at=entered_at,
    )
