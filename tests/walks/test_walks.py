"""The three walks: on this machine in one process, and on emulators of Google Cloud in a process per function."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.bundles.serving import ROOT, Reply
from tests.bundles.shapes import Request
from tests.bundles.world import NOW, RETAILER, World, furnish
from tests.walks.deployment import Deployment, deployed
from tests.walks.walking import figures, walk

from tombola.local.laptop import Laptop, assemble
from tombola.ports.topics import Message
from tombola.runtime import wiring
from tombola.runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tombola.ports import Ports

MANY = 60


@dataclass(frozen=True)
class OneMachine:
    """The whole system in this process, on embedded adapters."""

    laptop: Laptop

    @property
    def ports(self) -> Ports:
        return self.laptop.ports

    def call(self, name: str, request: Request) -> Reply:
        headers = [("Content-Type", "application/json"), *request.headers.items()]
        reply = self.laptop.host.call(name, request.body, path=request.path, headers=headers)
        return Reply(reply.status, dict(reply.headers), reply.body)

    def announce(self) -> None:
        self.laptop.watcher.scan()

    def settle(self) -> None:
        self.laptop.runner.drain()

    def store(self) -> None:
        self.settle()


@pytest.fixture(scope="module")
def cloud(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Return every function running, the shop furnished, and all three walks gone."""
    with deployed(bundles, tmp_path_factory.mktemp("cloud")) as deployment:
        furnish(deployment.ports)
        deployment.start_all()
        walk(deployment)
        yield deployment


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """Return the ports of one machine on which the same has happened."""
    home = tmp_path_factory.mktemp("machine")
    ports = wiring.build(Settings(home=home, functions=ROOT / "functions", replay_from=NOW))
    furnish(ports)
    walk(OneMachine(assemble(home, ports)))
    yield ports
    wiring.install(None)


def test_a_process_per_function_comes_to_the_same_totals_as_one_machine(machine: Ports, cloud: Deployment) -> None:
    on_machine, in_cloud = figures(machine), figures(cloud.ports)
    assert on_machine["receipts"][0][1:] == (63, 60, 2, 1, "partial")
    assert on_machine["wins"] > 0
    assert on_machine["problems"] == []
    assert in_cloud == on_machine
    assert cloud.letters() == []


def test_a_function_killed_in_the_middle_of_its_work_loses_no_order(cloud: Deployment) -> None:
    shop = World(cloud.ports, cloud.ports, lambda _: ())
    numbers = range(1_000, 1_000 + MANY)
    for number in numbers:
        body = shop.order(number)
        assert cloud.call("receive_webhook", Request(body, shop.signed(body), path=f"/{RETAILER}")).status == 202
        if number == numbers[MANY // 2]:
            cloud.kill("record_order")
            cloud.start("record_order")
    cloud.settle()
    recorded = {json.loads(one.data)["order"]["order_id"] for one in cloud.heard("order-recorded").values()}
    assert {f"o-{number}" for number in numbers} <= recorded


def test_what_no_process_takes_is_tried_again_and_ends_among_the_dead_letters(cloud: Deployment) -> None:
    known = cloud.letters()
    cloud.stop("validate_feed")
    sent = cloud.ports.objects.replace("inbox", f"{RETAILER}/orders/tomorrow.csv", b"order_id\n1\n")
    letter = cloud.next_letter(known)
    assert letter.attributes["CloudPubSubDeadLetterSourceSubscription"] == "validate-feed"
    assert int(letter.attributes["CloudPubSubDeadLetterSourceDeliveryCount"]) == 5
    assert (letter.attributes["objectId"], letter.attributes["objectGeneration"]) == (sent.name, str(sent.generation))


def test_what_a_function_cannot_read_is_put_aside_with_the_reason(cloud: Deployment) -> None:
    known = cloud.letters()
    cloud.ports.topics.publish("order-received", [Message(b"no order", {"type": "order-received"})])
    letter = cloud.next_letter(known)
    assert (letter.data, letter.attributes["reason"]) == (b"no order", "malformed-event")
