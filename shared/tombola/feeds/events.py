"""What the intake tells the others."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel

from tombola.events import Event

FeedKind = Literal["products", "orders", "shoppers", "navigation", "returns"]
Verdict = Literal["accepted", "partial", "quarantined"]


class FileRef(BaseModel, frozen=True):
    """One generation of a staged object: `bucket`, `name`, `generation`, and its rows."""

    bucket: str
    name: str
    generation: int
    rows: int


class FeedValidated(Event):
    """A file has a receipt. `receipt` is the receipt object's name; `files` are what may be read of it."""

    TYPE: ClassVar[str] = "feed-validated"

    retailer: str
    feed: FeedKind
    receipt: str
    verdict: Verdict
    files: tuple[FileRef, ...]


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
