"""What happens in the shop: files, webhooks, check-outs, plays. The same on every system that can be asked for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from tests.bundles.shapes import Request
from tests.bundles.world import CAMPAIGN, RETAILER, World

from tombola.settling.usecases import reconcile

if TYPE_CHECKING:
    from tests.bundles.serving import Reply

    from tombola.ports import Ports

ORDERS, IN_FILES = 12, 30
PRODUCTS = "product_id,name,brand\n" + "".join(f"p-{n},Thing {n},Brand {n % 3}\n" for n in range(40))
SHOPPERS = "shopper_id,consent_profile,consent_ads,consent_partner,consented_at\n" + "".join(
    f"{n},yes,yes,no,2017-06-01\n" for n in range(ORDERS)
)
HEADER = "order_id,line_id,shopper_id,store_id,ordered_at,product_id,quantity,value\n"
LINES = [
    f"{order},{line},{n},317,2017-06-20T16:30:00,p-{n % 40},1,6.00\n"
    for n in range(IN_FILES)
    for order in [f"o-{n}" if n < ORDERS else f"f-{n}"]
    for line in ("1", "2")
]
BAD = ["f-bad,1,7,317,yesterday,p-1,1,6.00\n", "f-bad,2,7,317,2017-06-20T16:30:00,p-1,1,six\n"]
FILES = {
    "products": PRODUCTS,
    "shoppers": SHOPPERS,
    "orders": HEADER + "".join([*LINES, LINES[0], *BAD]),
}
"""Orders of the file are partly those that webhooks and check-outs tell too; a line stands twice, two are wrong."""


class System(Protocol):
    """Functions that can be called, and what they stand on."""

    @property
    def ports(self) -> Ports:
        """What the functions stand on."""
        ...

    def call(self, name: str, request: Request) -> Reply:
        """Call a function."""
        ...

    def announce(self) -> None:
        """Let a new file be noticed."""
        ...

    def settle(self) -> None:
        """Wait until nothing is on its way any more."""
        ...

    def store(self) -> None:
        """Store what stored topics hold."""
        ...


def walk(system: System) -> None:
    """Go all three walks: files, orders through every door, plays."""
    shop = World(system.ports, system.ports, lambda _: ())
    for feed in ("products", "shoppers", "orders"):
        system.ports.objects.replace("inbox", f"{RETAILER}/{feed}/today.csv", FILES[feed].encode())
        system.announce()
        system.settle()
    for number in range(ORDERS):
        asked = {"shopper_id": f"{number}", "channel": "web", "placement": "home", "request_id": f"view-{number}"}
        assert _signed(system, shop, "choose_offer", json.dumps(asked).encode()).status == 200
        for _ in range(2):  # a sender that got no answer sends again
            assert _signed(system, shop, "receive_webhook", shop.order(number)).status == 202
    system.settle()
    tokens = []
    for number in range(ORDERS):
        reply = _signed(system, shop, "check_out", shop.order(number, "order.checked_out"))
        tokens += [one["token"] for one in reply.json["campaigns"] if one["token"]]
    system.settle()
    for token in tokens:
        played = [_asked(system, "play_game", token=token) for _ in range(2)]
        assert played[0] == played[1]
        if played[0]["result"] == "won":
            _asked(system, "claim_prize", token=token, country="US", age_confirmed="seen at the till")
    system.settle()
    assert system.call("load_warehouse", Request(b"{}")).status == 204
    system.store()


def figures(ports: Ports) -> dict[str, Any]:
    """Return everything that two systems on which the same happened must agree about."""
    books = reconcile(ports, CAMPAIGN, 1)
    return {
        "receipts": sorted(_receipts(ports)),
        "warehouse": {query: _one(ports, query) for query in QUERIES},
        "tokens": books.tokens,
        "played": books.played,
        "wins": books.wins,
        "won": books.won_minor,
        "accounts": dict(books.accounts_balances),
        "problems": list(books.problems),
        "difference": books.difference_minor,
    }


QUERIES = (
    "SELECT count(*), count(DISTINCT product_id) FROM feed_products",
    "SELECT count(*), count(DISTINCT shopper) FROM feed_shoppers",
    "SELECT count(*), sum(value_minor) FROM feed_orders",
    "SELECT count(DISTINCT body->>'$.order.order_id') FROM order_recorded",
    "SELECT count(DISTINCT event_id) FROM play_changed",
    "SELECT count(DISTINCT event_id) FROM proposal_made",
)
TOLD = ("object", "rows", "accepted", "rejected", "duplicates", "verdict")


def _receipts(ports: Ports) -> list[tuple[Any, ...]]:
    found = []
    for info in ports.objects.list("receipts"):
        if info.ref.name.endswith("/receipt.json"):
            with ports.objects.open(info.ref) as stream:
                said = json.load(stream)
            found.append(tuple(said[name] for name in TOLD))
    return found


def _one(ports: Ports, query: str) -> list[Any]:
    return [column[0].as_py() for column in ports.warehouse.query(query).columns]


def _signed(system: System, shop: World, name: str, body: bytes) -> Reply:
    return system.call(name, Request(body, shop.signed(body), path=f"/{RETAILER}"))


def _asked(system: System, name: str, **body: str) -> dict[str, Any]:
    reply = system.call(name, Request(json.dumps(body).encode()))
    assert reply.status == 200, reply.body
    told: dict[str, Any] = reply.json
    return told
