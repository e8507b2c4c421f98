"""Events about orders."""

from typing import ClassVar

from tombola.events import Event
from tombola.orders.facts import Order, OrderStatement


class OrderReceived(Event):
    """A door stated something about an order."""

    TYPE: ClassVar[str] = "order-received"

    statement: OrderStatement


class OrderRecorded(Event):
    """An order changed. Carries the whole merged state, so that handlers need nothing else."""

    TYPE: ClassVar[str] = "order-recorded"

    order: Order
