"""One story per function: what has happened before, what the function is then sent, and what must have come of it.

A story is a generator: it prepares, yields what is sent, is given the answer, and looks at what was done.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jwt
from tests.bundles.shapes import PLATFORM, Request
from tests.bundles.world import CAMPAIGN, NOW, RETAILER, World

from tombola.catalogue.usecases import known_products
from tombola.orders.usecases import find_order
from tombola.ports.documents import Where
from tombola.profiles.usecases import read_profile
from tombola.runtime.outbox import PublishingDocuments

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from tests.bundles.serving import Reply

    from tombola.events import Event
    from tombola.ports.objects import ObjectRef

    Story = Generator["Request | Event | ObjectRef", Reply, None]


def check_out(world: World, number: int) -> Story:
    """An order at the check-out earns a token at once."""
    reply = yield _signed(world, world.order(number, "order.checked_out"))
    (offered,) = reply.json["campaigns"]
    assert (reply.status, offered["reason"]) == (200, "qualifies")
    assert offered["token"]


def choose_offer(world: World, number: int) -> Story:
    """A shopper who agreed to it sees a banner, and the decision is on record."""
    world.invited(number)
    asked = {"shopper_id": f"{number}", "channel": "web", "placement": "home"}
    reply = yield _signed(world, json.dumps(asked).encode())
    assert (reply.status, reply.json["banner"]["campaign"]) == (200, CAMPAIGN)
    assert reply.json["proposal"] in {event["event_id"] for event in world.told("proposal-made")}


def claim_prize(world: World, number: int) -> Story:
    """What was won is claimed with its token."""
    token = world.won(number)
    reply = yield _json(token=token, country="US", age_confirmed="seen at the till")
    assert (reply.status, reply.json["prize"]["amount"]) == (200, "5.00")


def enter_free(world: World, number: int) -> Story:
    """Somebody takes part without buying."""
    entry = {
        "type": "entry.free", "campaign": CAMPAIGN, "entry_id": f"e-{number}", "entered_at": NOW.isoformat(),
        "shopper_id": f"{number}",
    }  # fmt: skip
    reply = yield _signed(world, json.dumps(entry).encode())
    assert reply.status == 200
    assert reply.json["token"]


def export_report(world: World, number: int) -> Story:
    """The campaign's report is written, and its figures add up."""
    world.won(number)
    world.stores(number)
    reply = yield _json(campaign=CAMPAIGN, version=1)
    assert (reply.status, reply.json["reconciled"]) == (200, True)
    assert world.ports.objects.stat(reply.json["bucket"], reply.json["html"]).size > 0


def issue_token(world: World, number: int) -> Story:
    """A recorded order that qualifies has its entry."""
    reply = yield world.recorded(number)
    assert reply.status == 204
    entries = world.ports.documents.query("entries", [Where("order", "==", f"{RETAILER}/o-{number}")])
    assert [entry.fields["outcome"] for entry in entries] == ["issued"]


def list_keys(_world: World, _number: int) -> Story:
    """Whoever verifies a token finds the key."""
    reply = yield Request(method="GET", headers=PLATFORM)
    assert reply.status == 200
    assert "token-signing-v1" in {key["kid"] for key in reply.json["keys"]}


def load_warehouse(world: World, number: int) -> Story:
    """What receipts name is in the warehouse afterwards."""
    event = world.validated("orders", number)
    reply = yield Request(b"{}", PLATFORM)
    assert reply.status == 204
    assert {(file.name, file.generation) for file in event.files} <= world.ports.warehouse.loaded("feed_orders")


def play_game(world: World, number: int) -> Story:
    """Every moment is due, so every play wins."""
    token = world.token(number)
    reply = yield _json(token=token)
    assert (reply.status, reply.json["result"]) == (200, "won")


def publish_orders(world: World, number: int) -> Story:
    """Every order of a file is passed on."""
    reply = yield world.validated("orders", number)
    assert reply.status == 204
    assert f"file-{number}" in {event["statement"]["order_id"] for event in world.told("order-received-bulk")}


def publish_shoppers(world: World, number: int) -> Story:
    """Every shopper of a file is passed on."""
    reply = yield world.validated("shoppers", number)
    assert reply.status == 204
    assert world.shopper(number) in {event["shopper"] for event in world.told("shopper-received")}


def receive_webhook(world: World, number: int) -> Story:
    """A signed statement is on its way before it is acknowledged."""
    reply = yield _signed(world, world.order(number))
    assert (reply.status, reply.body) == (202, b"")
    assert f"o-{number}" in {event["statement"]["order_id"] for event in world.told("order-received")}


def record_order(world: World, number: int) -> Story:
    """What a door stated is kept, and told."""
    reply = yield world.stated(number)
    assert reply.status == 204
    assert find_order(world.ports, RETAILER, f"o-{number}") is not None
    assert f"o-{number}" in {event["order"]["order_id"] for event in world.told("order-recorded")}


def record_payment(world: World, number: int) -> Story:
    """The books take what was paid of a claimed prize."""
    token = world.claimed(number)
    told = {
        "type": "prize.paid", "payment_id": f"p-{number}", "amount": "5.00", "currency": "USD",
        "token_id": jwt.decode(token, options={"verify_signature": False})["jti"],
    }  # fmt: skip
    reply = yield _signed(world, json.dumps(told).encode())
    assert (reply.status, reply.json["prize_state"], reply.json["counted"]) == (200, "paid", "5.00")


def record_shopper(world: World, number: int) -> Story:
    """A shopper's consents are in the profile."""
    reply = yield world.consenting(number)
    assert reply.status == 204
    assert read_profile(world.ports, RETAILER, world.shopper(number)).agreed("ads", NOW)


def relay_outbox(world: World, number: int) -> Story:
    """What a crash left in the outbox a quarter of an hour ago is published."""
    assert isinstance(world.earlier.documents, PublishingDocuments)
    world.earlier.documents.documents.commit([], [world.stated(number).outbound()])
    reply = yield Request(b"{}", PLATFORM)
    assert reply.status == 204
    assert f"o-{number}" in {event["statement"]["order_id"] for event in world.told("order-received")}


def seal_draws(world: World, number: int) -> Story:
    """What was drawn a quarter of an hour ago is sealed, and the head is told."""
    replace(world, ports=world.earlier).won(number)
    reply = yield Request(b"{}", PLATFORM)
    assert reply.status == 204
    assert CAMPAIGN in {event["campaign"] for event in world.told("draws-sealed")}


def settle_plays(world: World, number: int) -> Story:
    """A prize whose return window is over is due."""
    world.won(number)
    reply = yield Request(b"{}", PLATFORM)
    assert reply.status == 204
    assert "matured" in {event["prize_state"] for event in world.told("play-changed")}


def update_catalogue(world: World, number: int) -> Story:
    """Products of a file are known."""
    reply = yield world.validated("products", number)
    assert reply.status == 204
    assert known_products(world.ports, RETAILER, [f"{number}"]) == {f"{number}"}


def update_profile(world: World, number: int) -> Story:
    """What a shopper bought is in the profile."""
    world.invited(number)
    reply = yield world.recorded(number)
    assert reply.status == 204
    assert read_profile(world.ports, RETAILER, world.shopper(number)).scores(NOW).of("product", "milk") > 0


def validate_feed(world: World, number: int) -> Story:
    """A file has a receipt, which is told."""
    reply = yield world.landed("orders", number)
    assert reply.status == 204
    told = {event["receipt"] for event in world.told("feed-validated")}
    assert len(told) > number
    assert all(world.ports.objects.stat("receipts", name).size > 0 for name in told)


STORIES: Mapping[str, Callable[[World, int], Story]] = {
    story.__name__: story
    for story in (
        check_out, choose_offer, claim_prize, enter_free, export_report, issue_token, list_keys, load_warehouse,
        play_game, publish_orders, publish_shoppers, receive_webhook, record_order, record_payment, record_shopper,
        relay_outbox, seal_draws, settle_plays, update_catalogue, update_profile, validate_feed,
    )
}  # fmt: skip
"""By name of the function."""


def _signed(world: World, body: bytes) -> Request:
    return Request(body, {**PLATFORM, **world.signed(body)}, path=f"/{RETAILER}")


def _json(**content: Any) -> Request:  # noqa: ANN401 (whatever JSON holds)
    return Request(json.dumps(content).encode(), PLATFORM)
