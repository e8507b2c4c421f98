"""Many files of many retailers at once, and shoppers meanwhile: the queue drains, and shoppers are served first."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tombola.feeds.receipts import Receipt
from tombola.local.host import Host, Reply
from tombola.local.laptop import Laptop, assemble, route_of
from tombola.local.runner import Runner
from tombola.orders.signatures import sign
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey
from tombola.runtime import logs, topology, wiring
from tombola.runtime.settings import Settings

FUNCTIONS = Path(__file__).parents[2] / "functions"
RETAILERS, FILES, ORDERS = 40, 60, 3
HEADER = "order_id,line_id,store_id,ordered_at,product_id,quantity,value"
FROM_FILES = {"validate_feed", "publish_orders", "publish_shoppers", "update_catalogue"}


class Call(NamedTuple):
    """One call of a function, by the subscription that made it; a webhook is called by nobody."""

    function: str
    subscription: str


class Recording(Host):
    """The functions of this project, and the order in which they are called."""

    def __init__(self, functions: Path, ports: Ports) -> None:
        super().__init__(functions, ports)
        self.calls: list[Call] = []
        self.webhooks = 0

    def call(
        self,
        function: str,
        body: bytes = b"",
        *,
        method: str = "POST",
        path: str = "/",
        headers: Sequence[tuple[str, str]] = (),
    ) -> Reply:
        pushed = json.loads(body).get("subscription", "") if function != "receive_webhook" else ""
        self.calls.append(Call(function, pushed.rpartition("/")[2]))
        reply = super().call(function, body, method=method, path=path, headers=headers)
        if function == "publish_orders":
            self.send_webhook()
        return reply

    def send_webhook(self) -> None:
        """Be a shop whose shopper has just paid."""
        retailer = f"shop-{self.webhooks % RETAILERS}"
        self.webhooks += 1
        now = self.ports.clock.now()
        line = {"line_id": "1", "product_id": "p", "quantity": 1, "value": "1.00"}
        order = {
            "type": "order.stated",
            "order_id": f"live-{self.webhooks}",
            "scope": "whole",
            "stated_at": now.isoformat(),
            "store_id": "s",
            "ordered_at": now.isoformat(),
            "currency": "EUR",
            "lines": [line],
        }
        body = json.dumps(order).encode()
        signed = sign(key_of("webhook", retailer), f"m{self.webhooks}", now, body)
        headers = [("Content-Type", "application/json"), *signed.items()]
        assert self.call("receive_webhook", body, path=f"/{retailer}", headers=headers).accepted


def key_of(kind: str, retailer: str) -> bytes:
    return f"{kind}-{retailer}, 32 bytes or more of it".encode()


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[tuple[Laptop, Recording, Runner]]:
    """Return a laptop that knows forty retailers, and a runner whose calls are recorded."""
    logs.configure(level="critical")
    home = tmp_path / "home"
    ports = wiring.build(Settings(home=home, functions=FUNCTIONS))
    ports.keys.create("receipt-signing", bytes(range(32)))
    for number in range(RETAILERS):
        name = f"shop-{number}"
        config = {"retailer": name, "name": name, "country": "FR", "currency": "EUR", "feeds": {"orders": {}}}
        ports.objects.replace("config", f"retailers/{name}.yaml", yaml.safe_dump(config).encode())
        for kind in ("webhook", "pseudonym"):
            ports.keys.create(f"{kind}-{name}", key_of(kind, name))
    made = assemble(home, ports, FUNCTIONS)
    host = Recording(FUNCTIONS, ports)
    routes = [route_of(one) for one in topology.subscriptions(host.manifests)]
    yield made, host, Runner(host, made.queue, routes)
    wiring.install(None)


def test_files_that_land_at_once_are_all_taken_and_no_shopper_waits_behind_them(
    laptop: tuple[Laptop, Recording, Runner],
) -> None:
    made, host, runner = laptop
    for number in range(FILES):
        lines = [f"{number}-{order},1,s,2017-06-01,p,1,2.50" for order in range(ORDERS)]
        name = f"shop-{number % RETAILERS}/orders/{number}.csv"
        made.ports.objects.replace("inbox", name, "\n".join([HEADER, *lines]).encode())
    assert len(made.watcher.scan().new) == FILES
    for _ in range(20):
        host.send_webhook()
    runner.deliver()

    receipts = [
        Receipt.model_validate_json(_read(made.ports, info.ref.name))
        for info in made.ports.objects.list("receipts")
        if info.ref.name.endswith("/receipt.json")
    ]
    assert sorted(one.object for one in receipts) == sorted(
        f"shop-{number % RETAILERS}/orders/{number}.csv" for number in range(FILES)
    )
    assert {(one.verdict, one.rows, one.accepted) for one in receipts} == {("accepted", ORDERS, ORDERS)}
    orders = [
        DocumentKey("orders", (f"shop-{number % RETAILERS}", f"{number}-{order}"))
        for number in range(FILES)
        for order in range(ORDERS)
    ]
    assert None not in made.ports.documents.get(orders)

    calls = host.calls
    live = [place for place, call in enumerate(calls) if call == Call("record_order", "record-order")]
    assert len(live) == host.webhooks == 20 + FILES
    assert live[19] < min(place for place, call in enumerate(calls) if call.function in FROM_FILES)
    webhooks = [place for place, call in enumerate(calls) if call.function == "receive_webhook"]
    for sent, recorded in zip(webhooks[20:], live[20:], strict=True):
        waited = {call.subscription for call in calls[sent:recorded]} - {"", "record-order"}
        assert waited <= {"publish-orders", "update-profile", "issue-token"}, "nothing but the batch at hand, and live"
    assert made.queue.counts()["dead-letters"].ready == 0


def _read(ports: Ports, name: str) -> bytes:
    with ports.objects.open(ports.objects.stat("receipts", name).ref) as stream:
        return stream.read()
