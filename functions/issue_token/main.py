"""Called for every change of an order: makes its tokens and prizes agree with it."""

from tombola.games import usecases
from tombola.orders.events import OrderRecorded
from tombola.runtime import Delivery, on_event, ports


@on_event(OrderRecorded)
def issue_token(event: OrderRecorded, delivery: Delivery) -> None:
    """Issue, revise, revoke or revive what the order earns, and tell the others on the lane it came by."""
    usecases.issue_tokens(ports(), event.order, lane=delivery.lane)
