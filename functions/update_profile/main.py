"""Called for every change of an order: makes its shopper's profile agree with it."""

from tombola.orders.events import OrderRecorded
from tombola.profiles import usecases
from tombola.runtime import Delivery, on_event, ports


@on_event(OrderRecorded)
def update_profile(event: OrderRecorded, _delivery: Delivery) -> None:
    """Retract what the order added before and add what it adds now."""
    usecases.update_profile(ports(), event.order)
