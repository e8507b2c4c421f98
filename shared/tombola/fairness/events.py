"""Events about heads."""

from typing import ClassVar

from tombola.events import Event, derived_id
from tombola.fairness.heads import Seal


class DrawsSealed(Event):
    """A head was made: all that is public of it, for brands and retailers to keep."""

    TYPE: ClassVar[str] = "draws-sealed"

    campaign: str
    version: int
    number: int
    previous: str
    root: str
    count: int
    cutoff: str
    totals: dict[str, int]
    head: str
    key: str
    signature: str


def draws_sealed(seal: Seal) -> DrawsSealed:
    """Return the event of a seal; the same seal always gives the same event."""
    event_id = derived_id("draws-sealed", *seal.of, seal.number)
    return DrawsSealed.model_validate({"event_id": event_id, **seal.public()})
