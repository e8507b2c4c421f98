"""Record what doors state about orders."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from tombola.errors import Problem, Unauthenticated
from tombola.events import LIVE, derived_id
from tombola.orders.doors import check_clock, parse_message, statement_of
from tombola.orders.events import OrderReceived, OrderRecorded
from tombola.orders.facts import Order, OrderStatement
from tombola.orders.merging import NOTHING, merge
from tombola.orders.packing import pack, unpack
from tombola.orders.reading import current
from tombola.orders.signatures import verify
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, Snapshot, Write, created_or_replaced
from tombola.retailers.model import Retailer
from tombola.retailers.usecases import KEYS_STALE_FOR, find_retailer, pseudonym_key


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """What recording a statement comes to: the order then, what to write, what to tell.

    `order` and `event` are None while no header is known; `writes` is empty when nothing changed, and
    `event` is then the one that was (or should have been) published before, under the same id.
    """

    order: Order | None
    writes: tuple[Write, ...]
    event: OrderRecorded | None


def plan_order(ports: Ports, statement: OrderStatement) -> PlannedOrder:
    """Return what to commit and publish for a statement; do neither.

    Raises `OrderTooLarge`.
    """
    key = DocumentKey("orders", (statement.retailer, statement.order_id))
    (snapshot,) = ports.documents.get([key])
    before, revision = _stored(snapshot)
    state = merge(unpack(before) if before else NOTHING, statement)
    after = pack(state)
    writes: tuple[Write, ...] = ()
    if after != before:
        revision += 1
        writes = (created_or_replaced(snapshot, key, {"revision": revision, "state": after}),)
    order = current(state, statement.retailer, statement.order_id, revision)
    return PlannedOrder(order, writes, None if order is None else _recorded(order))


def record_order(ports: Ports, statement: OrderStatement, *, lane: str) -> Order | None:
    """Merge a statement into its order and tell the others on the same lane; return the order.

    A statement that changes nothing publishes the order's latest event again, under the same id, so
    that a crash between commit and publish loses none. None: no door has stated a header yet.
    """
    planned = plan_order(ports, statement)
    ports.documents.commit(planned.writes)
    if planned.event is not None:
        event = planned.event.outbound(lane)
        ports.topics.publish(event.topic, [event.message])
    return planned.order


def find_order(ports: Ports, retailer: str, order_id: str) -> Order | None:
    """Return an order as it is recorded now; None where nobody has stated it, or not its header."""
    (snapshot,) = ports.documents.get([DocumentKey("orders", (retailer, order_id))])
    state, revision = _stored(snapshot)
    return current(unpack(state), retailer, order_id, revision) if state else None


def receive_webhook(ports: Ports, headers: Mapping[str, str], body: bytes, retailer: str) -> None:
    """Publish what a retailer's server states about an order. Keeps nothing: a replay changes nothing.

    Raises `Unknown` (retailer), `Unauthenticated` (signature), `Malformed` (body).
    """
    known = find_retailer(ports, retailer)
    now = ports.clock.now()
    message_id = verify(webhook_secrets(ports, known), headers, body, now)
    message = parse_message(body)
    check_clock(message, now)
    statement = statement_of(message, known.retailer, "webhook", pseudonym_key(ports, known))
    received = OrderReceived(event_id=derived_id("order-received", known.retailer, message_id), statement=statement)
    event = received.outbound(LIVE)
    ports.topics.publish(event.topic, [event.message])


def webhook_secrets(ports: Ports, retailer: Retailer) -> tuple[bytes, ...]:
    """Return every version of the secret a retailer may sign with, at most 60 seconds old.

    Raises `Unauthenticated` (`no-secret`) when it was given none.
    """
    name = retailer.webhook_key
    return ports.memo.read(("webhook-secrets", name), KEYS_STALE_FOR, lambda: _all_versions(ports, name))


def event_ids(order: Order) -> list[str]:
    """Return the ids of the `order-recorded` events of an order's latest 100 revisions, the latest last."""
    return [_event_id(order, revision) for revision in range(max(1, order.revision - 99), order.revision + 1)]


def _all_versions(ports: Ports, name: str) -> tuple[bytes, ...]:
    secrets = tuple(ports.keys.get(name, version).material for version in ports.keys.versions(name))
    if not secrets:
        msg = "there is no secret here to check signatures with"
        raise Unauthenticated(msg, [Problem("secret", "none", name)], code="no-secret")
    return secrets


def _stored(snapshot: Snapshot | None) -> tuple[bytes, int]:
    if snapshot is None:
        return b"", 0
    return cast("bytes", snapshot.fields["state"]), cast("int", snapshot.fields["revision"])


def _recorded(order: Order) -> OrderRecorded:
    return OrderRecorded(event_id=_event_id(order, order.revision), order=order)


def _event_id(order: Order, revision: int) -> str:
    return derived_id("order-recorded", order.retailer, order.order_id, revision)
