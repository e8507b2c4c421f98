import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.errors import Malformed
from tombola.runtime.deliveries import FINALIZE, Delivery, ObjectNotice
from tombola.runtime.messages import PUBSUB, decode, notice_of

PUSH: dict[str, Any] = {
    "message": {
        "data": base64.b64encode(b"hello").decode(),
        "attributes": {"lane": "bulk", "event_id": "e1"},
        "messageId": "17",
        "publishTime": "2017-06-15T12:00:00.123456789Z",
    },
    "subscription": "projects/some-project/subscriptions/record-order-bulk",
    "deliveryAttempt": 4,
}
DELIVERY = Delivery(
    "17", "record-order-bulk", 4, datetime(2017, 6, 15, 12, 0, 0, 123456, tzinfo=UTC),
    {"lane": "bulk", "event_id": "e1"}, "bulk", b"hello",
)  # fmt: skip
OBJECT = {"kind": "storage#object", "bucket": "inbox", "name": "acme/orders/a.csv", "generation": "1496"}


def structured(type_: str, data: object) -> tuple[dict[str, str], bytes]:
    event = {"specversion": "1.0", "id": "ev-1", "source": "//x", "type": type_, "time": "2017-06-15T12:00:00Z"}
    return {"content-type": "application/cloudevents+json; charset=utf-8"}, json.dumps({**event, "data": data}).encode()


def binary(type_: str, data: object) -> tuple[dict[str, str], bytes]:
    headers = {
        "content-type": "application/json", "ce-specversion": "1.0", "ce-id": "ev-1", "ce-source": "//x",
        "ce-type": type_, "ce-time": "2017-06-15T12:00:00Z",
    }  # fmt: skip
    return headers, json.dumps(data).encode()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "application/json"}, json.dumps(PUSH).encode()),
        ({}, json.dumps(PUSH).encode()),
        structured(PUBSUB, PUSH),
        binary(PUBSUB, PUSH),
    ],
    ids=["push", "push without a content type", "structured CloudEvent", "binary CloudEvent"],
)
def test_every_shape_of_a_message_is_the_same_delivery(headers: dict[str, str], body: bytes) -> None:
    assert decode(headers, body) == DELIVERY


def test_snake_case_envelopes_are_read_too() -> None:
    message = {"data": "aGVsbG8=", "message_id": "17", "publish_time": "2017-06-15T12:00:00Z"}
    found = decode({}, json.dumps({"message": message, "subscription": "a/b/live-one"}).encode())
    assert (found.message_id, found.publish_time, found.data) == ("17", datetime(2017, 6, 15, 12, tzinfo=UTC), b"hello")
    assert (found.attempt, found.lane, found.subscription) == (1, "live", "live-one")


def test_the_lane_is_the_senders_word_else_the_subscriptions() -> None:
    def lane(attributes: dict[str, str] | None, subscription: str) -> str:
        return decode(
            {}, json.dumps({"message": {"attributes": attributes}, "subscription": subscription}).encode()
        ).lane

    assert lane({"lane": "live"}, "x-bulk") == "live"
    assert lane({"lane": "express"}, "x-bulk") == "bulk"
    assert lane(None, "x") == "live"


@pytest.mark.parametrize("shape", [structured, binary])
def test_a_storage_cloud_event_is_the_notification_the_bucket_would_have_sent(
    shape: Callable[[str, object], tuple[dict[str, str], bytes]],
) -> None:
    found = decode(*shape("google.cloud.storage.object.v1.finalized", OBJECT))
    assert found.message_id == "ev-1"
    assert json.loads(found.data) == OBJECT
    assert notice_of(found) == ObjectNotice("inbox", "acme/orders/a.csv", 1496, FINALIZE)


@pytest.mark.parametrize("kind", ["deleted", "archived", "metadataUpdated", "somethingNew"])
def test_a_storage_event_about_no_new_generation_is_no_notice(kind: str) -> None:
    assert notice_of(decode(*structured(f"google.cloud.storage.object.v1.{kind}", OBJECT))) is None


def test_base64_data_of_a_structured_cloud_event_is_read() -> None:
    event = {"id": "1", "type": PUBSUB, "data_base64": base64.b64encode(json.dumps(PUSH).encode()).decode()}
    assert decode({"content-type": "application/cloudevents+json"}, json.dumps(event).encode()) == DELIVERY


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b""),
        ({}, b"\xff\xfe"),
        ({}, b"null"),
        ({}, b"[]"),
        ({}, b"{}"),
        ({}, b'{"message": []}'),
        ({}, b'{"message": {"data": "***"}}'),
        ({}, b'{"message": {"data": "aGVsbG8"}}'),
        ({}, b'{"message": {"attributes": {"a": 1}}}'),
        ({}, b'{"message": {"publishTime": "yesterday"}}'),
        ({}, b'{"message": {}, "deliveryAttempt": -1}'),
        ({}, b'{"message":' + b"[" * 100_000),
        ({"content-type": "application/cloudevents+json"}, b"{}"),
        ({"content-type": "application/cloudevents+json"}, b'{"id": "1", "type": "google", "data_base64": "*"}'),
        ({"ce-type": PUBSUB}, b"{}"),
        structured("com.example.other", {}),
        structured(PUBSUB, None),
        binary("google.cloud.storage.object.v1.finalized", {"bucket": "inbox"}),
    ],
)
def test_what_has_none_of_the_shapes_is_malformed(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        decode(headers, body)
    assert caught.value.code == "malformed-envelope"
    assert caught.value.problems


@given(st.binary(max_size=200), st.sampled_from(["", "application/json", "application/cloudevents+json"]))
def test_no_body_makes_the_decoder_fail_in_another_way(body: bytes, content_type: str) -> None:
    with pytest.raises(Malformed):
        decode({"content-type": content_type}, body)


@pytest.mark.parametrize(
    "change", [{"eventType": None}, {"bucketId": None}, {"objectId": None}, {"objectGeneration": "soon"}]
)
def test_a_notification_that_lacks_something_is_malformed(change: dict[str, str | None]) -> None:
    whole = {"bucketId": "inbox", "objectId": "a", "objectGeneration": "7", "eventType": FINALIZE}
    attributes = {name: value for name, value in {**whole, **change}.items() if value is not None}
    with pytest.raises(Malformed) as caught:
        notice_of(Delivery("1", "", 1, None, attributes, "live", b""))
    assert caught.value.code == "malformed-notice"
    assert [problem.where for problem in caught.value.problems] == list(change)
