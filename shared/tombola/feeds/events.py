"""What the intake tells the others."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, Field

from tombola.events import Event, derived_id

FeedKind = Literal["products", "orders", "shoppers", "navigation", "returns"]
Verdict = Literal["accepted", "partial", "quarantined"]


class FileRef(BaseModel, frozen=True):
    """One generation of a staged object: `bucket`, `name`, `generation`, and its rows."""

    bucket: str
    name: str
    generation: int
    rows: int


class FeedValidated(Event):
    """A file has a receipt. `receipt` is the receipt object's name; `files` are what may be read of it.

    `from_row` is 0 when the file was judged, and more where somebody passes its rows on a slice at a time and this
    is the word to go on: rows before it, counted through all `files`, are done.
    """

    TYPE: ClassVar[str] = "feed-validated"

    retailer: str
    feed: FeedKind
    receipt: str
    verdict: Verdict
    files: tuple[FileRef, ...]
    from_row: Annotated[int, Field(ge=0)] = 0

    def going_on(self, from_row: int) -> "FeedValidated":
        """Return the word to go on from that row."""
        event_id = derived_id(self.TYPE, self.receipt, from_row)
        return self.model_copy(update={"event_id": event_id, "from_row": from_row})


class StatedConsent(BaseModel, frozen=True):
    """What a shopper agreed to (`granted`) or refused for one purpose, from `effective_at` on."""

    purpose: Literal["profile", "ads", "partner"]
    granted: bool
    effective_at: AwareDatetime


class ShopperReceived(Event):
    """A shoppers feed stated one shopper. `shopper` is a pseudonym; `stated_at` is the source's version (UTC)."""

    TYPE: ClassVar[str] = "shopper-received"

    retailer: str
    shopper: str
    stated_at: datetime
    registered_at: datetime | None
    loyalty_tier: str | None
    consents: tuple[StatedConsent, ...]
