"""Events about plays."""

from datetime import datetime
from typing import ClassVar, Literal

from tombola.events import Event

PlayState = Literal["open", "played", "expired", "revoked"]
PrizeState = Literal["none", "reserved", "void", "matured", "claimed", "paid"]


class PlayChanged(Event):
    """A play document changed: its whole reportable state, with a revision that only grows.

    Never a shopper, an order or a basket's value: those are linked by the entry document alone.
    """

    TYPE: ClassVar[str] = "play-changed"

    token_id: str
    revision: int
    campaign: str
    campaign_version: int
    retailer: str
    tier: int
    state: PlayState
    issued_at: datetime
    accepted_at: datetime | None
    won: bool
    prize_state: PrizeState
    reserved_minor: int
    released_minor: int
    payable_minor: int
    currency: str
