"""The functions that hear of orders and shoppers, each by its own main.py, on the platform's own shapes."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from tombola.adapters.embedded.topics import EmbeddedTopics
from tombola.orders.signatures import sign
from tombola.ports import Ports
from tombola.privacy.pseudonyms import pseudonym
from tombola.profiles.usecases import read_profile

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
SECRET = b"webhook-corner-shop, 32 bytes or more of it"
SHOPPER = pseudonym(b"pseudonym-corner-shop, 32 bytes or more of it", "corner-shop", "1042")
Client = Callable[[str], FlaskClient]
Published = Callable[[str], list[dict[str, Any]]]


def sample(function: str, name: str) -> bytes:
    return (FUNCTIONS / function / "events" / f"{name}.json").read_bytes()


def post(client: FlaskClient, body: bytes) -> int:
    return client.post("/", data=body, content_type="application/json").status_code


def push(event: dict[str, Any], lane: str = "live") -> bytes:
    data = base64.b64encode(json.dumps(event).encode()).decode()
    message = {"data": data, "messageId": "1", "attributes": {"type": event["type"], "lane": lane}}
    return json.dumps({"message": message, "subscription": "projects/local/subscriptions/test"}).encode()


def test_every_sample_event_is_taken(client: Client, published: Published) -> None:
    for function in ("record_order", "record_shopper", "update_profile"):
        for path in sorted((FUNCTIONS / function / "events").glob("*.json")):
            assert post(client(function), path.read_bytes()) == 204, path
    assert published("dead-letters") == []


def test_the_lane_of_a_statement_is_the_lane_of_its_order(client: Client, published: Published) -> None:
    post(client("record_order"), sample("record_order", "feed"))
    post(client("record_order"), sample("record_order", "webhook"))
    assert [each["order"]["order_id"] for each in published("order-recorded-bulk")] == ["2017-000041"]
    assert [each["order"]["order_id"] for each in published("order-recorded")] == ["2017-000042"]


def test_a_signed_order_walks_from_the_webhook_into_the_profile_and_out_again(
    client: Client, ports: Ports, published: Published
) -> None:
    webhook, record, update = client("receive_webhook"), client("record_order"), client("update_profile")
    seen = []
    for number, name in enumerate(["order", "returned", "cancelled"]):
        body = sample("receive_webhook", name)
        headers = sign(SECRET, f"msg_{number}", ports.clock.now(), body)
        answer = webhook.post("/corner-shop", data=body, headers=headers, content_type="application/json")
        assert (answer.status_code, answer.data) == (202, b"")
        post(record, push(published("order-received")[-1]))
        post(update, push(published("order-recorded")[-1]))
        seen.append(read_profile(ports, "corner-shop", SHOPPER).counts)
    assert b'"orders":[["",1,1497]]' in seen[0]
    assert b'"orders":[["",1,923]]' in seen[1]
    assert seen[2] == b""


def test_a_refused_webhook_is_answered_as_a_problem(client: Client, ports: Ports, published: Published) -> None:
    webhook = client("receive_webhook")
    body = b'{"type": "order.stated"}'
    answers = [
        webhook.post("/corner-shop", data=body),
        webhook.post("/corner-shop", data=body, headers=sign(b"forged", "msg_1", ports.clock.now(), body)),
        webhook.post("/corner-shop", data=body, headers=sign(SECRET, "msg_1", ports.clock.now(), body)),
        webhook.post("/nobody", data=body),
        webhook.post("/..%2fcorner-shop", data=body),
        webhook.post("/corner-shop", data=b" " * 1_000_001),
        webhook.get("/corner-shop"),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 422, 404, 404, 413, 405]
    assert {answer.content_type for answer in answers} == {"application/problem+json"}
    assert {each["where"] for each in answers[2].json["problems"]} == {"order_id", "scope", "stated_at"}
    assert published("order-received") == []


def test_an_order_that_cannot_be_kept_becomes_a_dead_letter_and_is_acknowledged(client: Client, ports: Ports) -> None:
    event = json.loads(base64.b64decode(json.loads(sample("record_order", "webhook"))["message"]["data"]))
    lines = [{"line_id": f"m{n}", "product_id": "p", "quantity": 1, "value_minor": 1} for n in range(2_000)]
    record = client("record_order")
    assert post(record, push(event)) == 204
    event["statement"] |= {"scope": "some", "lines": lines}
    assert post(record, push(event)) == 204
    assert isinstance(ports.topics, EmbeddedTopics)
    (letter,) = ports.topics.recent("dead-letters", 10)
    assert "order-too-large" in json.dumps(dict(letter.attributes))
    assert SHOPPER not in json.dumps(dict(letter.attributes))


def test_an_event_of_another_form_becomes_a_dead_letter(client: Client, ports: Ports) -> None:
    for function, type_ in (
        ("record_order", "order-received"),
        ("update_profile", "order-recorded"),
        ("record_shopper", "shopper-received"),
    ):
        assert post(client(function), push({"type": type_, "event_id": "1"})) == 204
    assert isinstance(ports.topics, EmbeddedTopics)
    assert len(ports.topics.recent("dead-letters", 10)) == 3
