"""The five functions of the intake, each by its own main.py, on the platform's own shapes."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tombola.adapters.embedded.topics import EmbeddedTopics
from tombola.catalogue.usecases import known_products
from tombola.ports import Ports
from tombola.ports.objects import ObjectRef

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
SUBSCRIPTION = "projects/local/subscriptions/test"
ORDERS = b"order_id,line_id,store_id,ordered_at,product_id,quantity,value\n1,1,s,2017-06-01,p1,1,2.50\n"
PRODUCTS = b"product_id,name\np1,Milk\n"
SHOPPERS = b"shopper_id,consent_profile,consent_ads,consent_partner,consented_at\n42,yes,no,no,2017-06-01\n"
Client = Callable[[str], FlaskClient]
Published = Callable[[str], list[dict[str, Any]]]


def post(client: FlaskClient, body: bytes) -> int:
    return client.post("/", data=body, content_type="application/json").status_code


def notice(ref: ObjectRef) -> bytes:
    attributes = {
        "eventType": "OBJECT_FINALIZE",
        "bucketId": ref.bucket,
        "objectId": ref.name,
        "objectGeneration": str(ref.generation),
    }
    return json.dumps(
        {"message": {"data": "", "messageId": "1", "attributes": attributes}, "subscription": SUBSCRIPTION}
    ).encode()


def pushed(event: dict[str, Any]) -> bytes:
    data = base64.b64encode(json.dumps(event).encode()).decode()
    message = {"data": data, "messageId": "1", "attributes": {"type": event["type"]}}
    return json.dumps({"message": message, "subscription": SUBSCRIPTION}).encode()


def test_files_become_orders_shoppers_products_and_rows(ports: Ports, client: Client, published: Published) -> None:
    for feed, data in (("products", PRODUCTS), ("orders", ORDERS), ("shoppers", SHOPPERS)):
        ref = ports.objects.replace("inbox", f"corner-shop/{feed}/june.csv", data)
        assert post(client("validate_feed"), notice(ref)) == 204
    for function in ("publish_orders", "publish_shoppers", "update_catalogue"):
        for event in published("feed-validated"):
            assert post(client(function), pushed(event)) == 204
    assert post(client("load_warehouse"), b"{}") in {200, 204}
    assert [event["statement"]["order_id"] for event in published("order-received-bulk")] == ["1"]
    assert len(published("shopper-received")) == 1
    assert known_products(ports, "corner-shop", ["p1"]) == {"p1"}
    for feed in ("orders", "products", "shoppers"):
        (row,) = ports.warehouse.query(f"select count(*) as n from feed_{feed}").to_pylist()  # noqa: S608 (our own name)
        assert row == {"n": 1}
    assert published("dead-letters") == []


def test_a_notice_delivered_twice_has_one_receipt(ports: Ports, client: Client, published: Published) -> None:
    ref = ports.objects.replace("inbox", "corner-shop/orders/june.csv", ORDERS)
    validate = client("validate_feed")
    assert [post(validate, notice(ref)), post(validate, notice(ref))] == [204, 204]
    once, again = published("feed-validated")
    assert once == again
    assert len([info for info in ports.objects.list("receipts") if info.ref.name.endswith("receipt.json")]) == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nobody/orders/x.csv", "unknown-retailer"),
        ("corner-shop/prices/x.csv", "unknown-feed"),
        ("corner-shop/orders/../x.csv", "bad-object-name"),
        ("corner-shop/orders/never-there.csv", "superseded"),
    ],
)
def test_a_file_that_cannot_be_taken_goes_to_the_dead_letters_and_is_acknowledged(
    client: Client, published: Published, ports: Ports, name: str, reason: str
) -> None:
    assert post(client("validate_feed"), notice(ObjectRef("inbox", name, 7))) == 204
    assert published("feed-validated") == []
    assert isinstance(ports.topics, EmbeddedTopics)
    (letter,) = ports.topics.recent("dead-letters", 10)
    assert letter.attributes["reason"] == reason


def test_sample_events_of_files_that_are_gone_are_acknowledged(client: Client) -> None:
    for function in ("validate_feed", "publish_orders", "publish_shoppers", "update_catalogue"):
        for path in sorted((FUNCTIONS / function / "events").glob("*.json")):
            assert post(client(function), path.read_bytes()) == 204, path
