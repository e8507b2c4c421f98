"""What the intake tells the others."""

from typing import ClassVar, Literal

from pydantic import BaseModel

from tombola.events import Event

FeedKind = Literal["products", "orders", "shoppers", "navigation", "returns"]


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
    verdict: Literal["accepted", "partial", "quarantined"]
    files: tuple[FileRef, ...]
