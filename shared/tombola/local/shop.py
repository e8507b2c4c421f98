"""The other side of the wire: a shop that signs what it sends, and shoppers who play."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection

from tombola.errors import Fault
from tombola.local.season import Visit
from tombola.orders.doors import CHECKED_OUT, STATED
from tombola.orders.signatures import sign
from tombola.ports import Ports
from tombola.retailers.model import Retailer

PLACEMENT = "shop-home-page"


class Unanswered(Fault):
    """A function answered what this side of the wire never expects."""

    code = "unexpected-answer"


@dataclass
class Shop:
    """One retailer's systems and its shoppers' browsers, speaking HTTP to the functions at `port`.

    Tokens are kept as a browser would keep them: by order.
    """

    ports: Ports
    retailer: Retailer
    port: int
    tokens: dict[str, str] = field(default_factory=dict)
    _connection: HTTPConnection | None = field(default=None, repr=False)

    def visit(self, visit: Visit) -> None:
        """Ask which banner this shopper sees. One page view a visit, so asking again asks the same."""
        body = {
            "shopper_id": visit.shopper_id,
            "store_id": visit.store_id,
            "channel": "store",
            "placement": PLACEMENT,
            "request_id": f"view-{visit.order_id}",
        }
        self._signed("choose-offer", f"view-{visit.order_id}", body)

    def order(self, visit: Visit) -> None:
        """Send the order through its door."""
        if visit.door == "webhook":
            self._signed("receive-webhook", f"order-{visit.order_id}", {"type": STATED, **visit.order})
        else:
            self.thank(visit)

    def thank(self, visit: Visit) -> None:
        """Show the thank-you page: it carries the signed order to `check_out` and keeps the token that comes back."""
        answer = self._signed("check-out", f"thanks-{visit.order_id}", {"type": CHECKED_OUT, **visit.order})
        for campaign in answer["campaigns"]:
            if campaign["token"] is not None:
                self.tokens[visit.order_id] = campaign["token"]

    def change(self, visit: Visit) -> None:
        """Send what was taken back."""
        if visit.change is not None:
            self._signed("receive-webhook", f"change-{visit.order_id}", {"type": STATED, **visit.change})

    def play(self, visit: Visit) -> None:
        """Play the token, if the visit brought one. A revoked or expired token is answered 410."""
        token = self.tokens.get(visit.order_id)
        if token is not None:
            self._post("/play-game", json.dumps({"token": token}).encode(), {}, expected=(200, 410))

    def _signed(self, function: str, message_id: str, body: Mapping[str, object]) -> dict[str, list[dict[str, str]]]:
        data = json.dumps(body).encode()
        secret = self.ports.keys.get(self.retailer.webhook_key).material
        headers = sign(secret, message_id, self.ports.clock.now(), data)
        return self._post(f"/{function}/{self.retailer.retailer}", data, headers, expected=(200, 202, 204))

    def _post(
        self, path: str, data: bytes, headers: dict[str, str], expected: tuple[int, ...]
    ) -> dict[str, list[dict[str, str]]]:
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        self._connection.request("POST", path, data, {"Content-Type": "application/json", **headers})
        response = self._connection.getresponse()
        text = response.read()
        if response.status not in expected:
            msg = f"POST {path} was answered {response.status} {text[:500]!r}; expected one of {expected}"
            raise Unanswered(msg)
        answer: dict[str, list[dict[str, str]]] = json.loads(text) if text else {}
        return answer
