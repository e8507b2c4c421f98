"""Called for what a door stated of an order: merges it with what is known."""

from tombola.orders import usecases
from tombola.orders.events import OrderReceived
from tombola.runtime import Delivery, on_event, ports


@on_event(OrderReceived)
def record_order(event: OrderReceived, delivery: Delivery) -> None:
    """Record the order and tell the others, on the lane it came by."""
    usecases.record_order(ports(), event.statement, lane=delivery.lane)
