"""Names of objects: `<retailer>/<feed>/<file>` in the inbox, `<retailer>/<feed>/<receipt id>/…` elsewhere."""

from dataclasses import dataclass

from tombola.errors import Malformed, Problem, Unknown
from tombola.feeds.contracts import KINDS
from tombola.feeds.events import FeedKind

SEGMENTS = 3
RECEIPT = "/receipt.json"
PAGE = "/receipt.html"
PACKED = frozenset({"gz", "zst", "zip"})
LONGEST_EXTENSION = 10
UNLOADED = "_unloaded/"
"""No retailer's id begins like that."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an inbox object lies, which says what it is."""

    retailer: str
    feed: FeedKind
    file: str


def place_of(name: str) -> Place:
    """Return what an inbox object's name says.

    Raises `Malformed` (`bad-object-name`) for a name of another form, `Unknown` (`unknown-feed`) for a feed
    that has no contract.
    """
    segments = name.split("/")
    if len(segments) != SEGMENTS or not all(segments):
        msg = f"object name of {len(segments)} segments; expected <retailer>/<feed>/<file>"
        raise Malformed(msg, [Problem("name", repr(name)[:200], "<retailer>/<feed>/<file>")], code="bad-object-name")
    retailer, feed, file = segments
    kind = next((kind for kind in KINDS if kind == feed), None)
    if kind is None:
        msg = f"there is no feed {feed!r}"
        raise Unknown(msg, [Problem("feed", repr(feed), f"one of {', '.join(KINDS)}")], code="unknown-feed")
    return Place(retailer, kind, file)


def extension_of(name: str) -> str:
    """Return the extension of a file's name, without what a packing added to it; empty if there is none."""
    parts = name.rpartition("/")[2].lower().split(".")[1:]
    found = next((part for part in reversed(parts) if part not in PACKED), "")
    return found if found.isascii() and found.isalnum() and len(found) <= LONGEST_EXTENSION else ""


def receipt_name(folder: str) -> str:
    """Return the name of the receipt that lies in a folder `<retailer>/<feed>/<receipt id>`."""
    return folder + RECEIPT


def page_name(folder: str) -> str:
    """Return the name of the page beside a receipt."""
    return folder + PAGE


def history_name(retailer: str, feed: FeedKind) -> str:
    """Return the name, beside the receipts, of what is usual for a retailer's files of a kind."""
    return f"{retailer}/{feed}/history.json"


def folder_of(receipt: str) -> str:
    """Return the folder of a receipt's name."""
    return receipt.removesuffix(RECEIPT)


def unloaded_name(folder: str) -> str:
    """Return the name, among the staged files, of the note that a receipt's files are to be loaded."""
    return UNLOADED + folder
