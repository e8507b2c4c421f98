"""What the local runner sees of what was pulled: deliveries, and how many there are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tombola.local.emulators.messages import Received


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a message, ours until its deadline."""

    id: int
    subscription: str
    received: Received = field(repr=False)

    @property
    def message_id(self) -> str:
        """Name the message, the same for every delivery."""
        return self.received.message_id

    @property
    def data(self) -> bytes:
        """What was published."""
        return self.received.data

    @property
    def attributes(self) -> Mapping[str, str]:
        """What was published beside the data."""
        return self.received.attributes

    @property
    def attempt(self) -> int:
        """Count deliveries, from 1."""
        return self.received.attempt

    @property
    def published_at(self) -> datetime:
        """Tell when it was published."""
        return self.received.published_at


@dataclass(frozen=True, slots=True)
class Counts:
    """Deliveries of one subscription, as far as this process knows."""

    ready: int = 0
    in_flight: int = 0
    waiting: int = 0
