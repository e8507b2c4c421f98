"""Limits are documents, written in the commit that issues a token: never the count of a query.

Of a shopper or a household: one document lists the entries counted. Of the campaign, a store, a day or a week: the
number is split over slots, so that no document is hot; a token takes a place in the slot its entry hashes to, or the
next with one. Every token takes a place of the campaign even where nothing is limited, so closing those slots stops
the issuing at once, also in slots of a store or a day that nobody has needed yet.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import inf
from typing import ClassVar, Literal, get_args

from tombola.digests import digest
from tombola.games.records import CampaignVersion, Record

TOKENS_PER_SLOT = 1_000
MAX_SLOTS = 16
CAMPAIGN_SCOPE = "campaign"
"""The one scope whose slots are opened at the launch. Those of stores, days and weeks come when first needed."""
HolderKind = Literal["shopper", "household"]
HOLDER_KINDS: tuple[HolderKind, ...] = get_args(HolderKind)
PLACE_LABEL = "tombola.place.v1"


class PersonLimit(Record):
    """The entries of one shopper or household that count against the limit, with the times they were counted."""

    COLLECTION: ClassVar[str] = "limits"

    revision: int = 0
    retailer: str
    kind: HolderKind
    who: str
    entries: tuple[str, ...] = ()
    times: tuple[datetime, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Campaign, version, retailer, kind, pseudonym: limits are per retailer account."""
        return (*self.of.parts, self.retailer, self.kind, self.who)

    @property
    def holder(self) -> str:
        """How decisions name it: `shopper/<pseudonym>`."""
        return f"{self.kind}/{self.who}"

    def has_room(self, most: int) -> bool:
        """Tell whether one more entry may be counted."""
        return len(self.entries) < most

    def counting(self, entry: str, at: datetime) -> "PersonLimit":
        """Return it with the entry counted; an entry already counted stays counted once."""
        if entry in self.entries:
            return self
        return self._rewritten((*self.entries, entry), (*self.times, at))

    def without(self, entry: str) -> "PersonLimit":
        """Return it with the entry freed."""
        if entry not in self.entries:
            return self
        left = [(e, t) for e, t in zip(self.entries, self.times, strict=True) if e != entry]
        return self._rewritten(tuple(e for e, _ in left), tuple(t for _, t in left))

    def _rewritten(self, entries: tuple[str, ...], times: tuple[datetime, ...]) -> "PersonLimit":
        return self.model_copy(update={"entries": entries, "times": times, "revision": self.revision + 1})


class Slot(Record):
    """A share of the limit of a scope: `capacity` tokens (None: not limited), of which `used` are out.

    Scopes are `campaign`, `store/<retailer>/<store>`, `free/<retailer>` (free entries come from no store),
    `day/<yyyy-mm-dd>` and `week/<yyyy>-W<ww>`.
    """

    COLLECTION: ClassVar[str] = "slots"

    scope: str = CAMPAIGN_SCOPE
    slot: int
    capacity: int | None
    used: int = 0
    status: Literal["open", "closed"] = "open"

    @property
    def parts(self) -> tuple[str, ...]:
        """Campaign, version, scope and the slot's number."""
        return (*self.of.parts, self.scope, str(self.slot))

    @property
    def name(self) -> str:
        """How an entry keeps the place it has: `<scope>#<number>`."""
        return slot_name(self.scope, self.slot)

    @property
    def room(self) -> float:
        """How many more tokens may be issued from it: a whole number, or infinity where nothing is limited."""
        if self.status == "closed":
            return 0
        return inf if self.capacity is None else self.capacity - self.used

    @property
    def has_room(self) -> bool:
        """Tell whether one more token may be issued from it."""
        return self.room > 0

    def taken(self) -> "Slot":
        """Return it with one more token out."""
        return self.model_copy(update={"used": self.used + 1, "revision": self.revision + 1})

    def closed(self) -> "Slot":
        """Return it closed: no token is issued from it any more."""
        return self.model_copy(update={"status": "closed", "revision": self.revision + 1})

    def freed(self) -> "Slot":
        """Return it with one token back."""
        return self.model_copy(update={"used": self.used - 1, "revision": self.revision + 1})


def slot_name(scope: str, number: int) -> str:
    """Return how a slot is named in one text."""
    return f"{scope}#{number}"


def named_slot(name: str) -> tuple[str, int]:
    """Return the scope and the number that `slot_name` was given."""
    scope, _, number = name.rpartition("#")
    return scope, int(number)


def slot_count(most: int | None) -> int:
    """Return how many slots share a limit: one per 1,000 tokens, at most 16; 16 where nothing is limited."""
    if most is None:
        return MAX_SLOTS
    return min(MAX_SLOTS, -(-most // TOKENS_PER_SLOT))


def new_slot(of: CampaignVersion, scope: str, most: int | None, number: int) -> Slot:
    """Return a slot that nobody has used; the capacities of a scope's slots sum to its limit exactly."""
    count = slot_count(most)
    capacity = None if most is None else most // count + (number < most % count)
    return Slot(campaign=of.text, scope=scope, slot=number, capacity=capacity, revision=0)


def opening_slots(of: CampaignVersion, most_tokens: int | None) -> Iterator[Slot]:
    """Yield the slots of a campaign version at its launch; their capacities sum to its limit exactly."""
    return (new_slot(of, CAMPAIGN_SCOPE, most_tokens, number) for number in range(slot_count(most_tokens)))


def slot_order(retailer: str, entry: str, count: int) -> Sequence[int]:
    """Return the slots in the order an entry's tokens try them: where it hashes to, then the next ones."""
    first = int.from_bytes(digest(PLACE_LABEL, retailer, entry)[:8], "big") % count
    return [(first + step) % count for step in range(count)]
