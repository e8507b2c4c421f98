"""Called for what a shoppers feed stated of one shopper: merges it into the profile."""

from tombola.feeds.events import ShopperReceived
from tombola.profiles import usecases
from tombola.runtime import Delivery, on_event, ports


@on_event(ShopperReceived)
def record_shopper(event: ShopperReceived, _delivery: Delivery) -> None:
    """Record consents, registration and tier."""
    usecases.record_shopper(ports(), event)
