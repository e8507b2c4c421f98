"""Limits are documents, written in the commit that issues a token: never the count of a query.

Per shopper: one document lists the entries counted. Per campaign: the number is split over slots, so
that no document is hot; a token takes a place in the slot its entry hashes to, or the next with one.
Every token takes a slot even where nothing is limited, so closing the slots stops the issuing at once.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Literal

from tombola.games.records import CampaignVersion, Record

TOKENS_PER_SLOT = 1_000
MAX_SLOTS = 16


class ShopperLimit(Record):
    """The entries of one shopper that count against the limit, with the times they were counted."""

    COLLECTION: ClassVar[str] = "limits"

    revision: int = 0
    retailer: str
    shopper: str
    entries: tuple[str, ...] = ()
    times: tuple[datetime, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Campaign, version, retailer, shopper: limits are per retailer account."""
        return (*self.of.parts, self.retailer, self.shopper)

    def has_room(self, most: int) -> bool:
        """Tell whether one more entry may be counted."""
        return len(self.entries) < most

    def counting(self, entry: str, at: datetime) -> "ShopperLimit":
        """Return it with the entry counted; an entry already counted stays counted once."""
        if entry in self.entries:
            return self
        return self._rewritten((*self.entries, entry), (*self.times, at))

    def without(self, entry: str) -> "ShopperLimit":
        """Return it with the entry freed."""
        left = [(e, t) for e, t in zip(self.entries, self.times, strict=True) if e != entry]
        return self._rewritten(tuple(e for e, _ in left), tuple(t for _, t in left))

    def _rewritten(self, entries: tuple[str, ...], times: tuple[datetime, ...]) -> "ShopperLimit":
        return self.model_copy(update={"entries": entries, "times": times, "revision": self.revision + 1})


class Slot(Record):
    """A share of the campaign's limit: `capacity` tokens (None: not limited), of which `used` are out."""

    COLLECTION: ClassVar[str] = "slots"

    slot: int
    capacity: int | None
    used: int = 0
    status: Literal["open", "closed"] = "open"

    @property
    def parts(self) -> tuple[str, ...]:
        """Campaign, version and the slot's number."""
        return (*self.of.parts, str(self.slot))

    @property
    def has_room(self) -> bool:
        """Tell whether one more token may be issued from it."""
        return self.status == "open" and (self.capacity is None or self.used < self.capacity)

    def taken(self) -> "Slot":
        """Return it with one more token out."""
        return self.model_copy(update={"used": self.used + 1, "revision": self.revision + 1})

    def closed(self) -> "Slot":
        """Return it closed: no token is issued from it any more."""
        return self.model_copy(update={"status": "closed", "revision": self.revision + 1})

    def freed(self) -> "Slot":
        """Return it with one token back."""
        return self.model_copy(update={"used": self.used - 1, "revision": self.revision + 1})


def slot_count(per_campaign: int | None) -> int:
    """Return how many slots share a campaign's limit: one per 1,000 tokens, at most 16, 16 if there is none."""
    if per_campaign is None:
        return MAX_SLOTS
    return min(MAX_SLOTS, -(-per_campaign // TOKENS_PER_SLOT))


def opening_slots(of: CampaignVersion, per_campaign: int | None) -> Iterator[Slot]:
    """Yield the slots of a campaign version at its launch; their capacities sum to its limit exactly."""
    count = slot_count(per_campaign)
    for slot in range(count):
        capacity = None if per_campaign is None else per_campaign // count + (slot < per_campaign % count)
        yield Slot(campaign=of.text, slot=slot, capacity=capacity)


def slot_order(token_id: str, count: int) -> Sequence[int]:
    """Return the slots in the order a token tries them: where its id points, then the next ones."""
    first = int(token_id[:8], 16) % count
    return [(first + step) % count for step in range(count)]
