"""Orders are recorded once, told at least once, and heard only from their retailer."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from tombola.adapters.embedded.clock import ReplayClock
from tombola.errors import Fault, Malformed, TooLarge, Unauthenticated, Unknown
from tombola.events import derived_id
from tombola.orders.facts import Door, Header, Line, OrderStatement, ReturnedLine
from tombola.orders.signatures import sign
from tombola.orders.usecases import plan_order, receive_webhook, record_order
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, Snapshot
from tombola.ports.errors import PreconditionFailed, Unavailable
from tombola.ports.topics import Message, Topics

Published = Callable[[str], list[dict[str, Any]]]
START = datetime(2017, 3, 1, 12, tzinfo=UTC)
SECRET = b"webhook-corner-shop, 32 bytes or more of it"
BODY = {
    "type": "order.stated",
    "order_id": "1",
    "scope": "whole",
    "stated_at": "2017-06-15T11:59:00Z",
    "shopper_id": "1364",
    "store_id": "31742",
    "ordered_at": "2017-06-15T11:58:00Z",
    "currency": "USD",
    "lines": [{"line_id": "1", "product_id": "857", "quantity": 1, "value": "4.50"}],
}


class OnceUnavailable:
    """Topics that fail the first time, after whatever was committed before."""

    def __init__(self, topics: Topics) -> None:
        self.topics = topics
        self.failed = False

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        if not self.failed:
            self.failed = True
            raise Unavailable
        self.topics.publish(topic, messages)


def statement(
    door: Door = "feed", hours: int = 0, *, lines: str = "a", head: bool = True, **members: object
) -> OrderStatement:
    return OrderStatement(
        retailer="corner-shop",
        order_id="1",
        door=door,
        scope="some",
        stated_at=START + timedelta(hours=hours),
        header=Header(shopper="s1", store_id="1", ordered_at=START, currency="USD") if head else None,
        lines=tuple(Line(line_id=each, product_id="p", quantity=1, value_minor=100 + hours) for each in lines),
    ).model_copy(update=members)


def document(ports: Ports, order_id: str = "1") -> Snapshot | None:
    return ports.documents.get([DocumentKey("orders", ("corner-shop", order_id))])[0]


def send(ports: Ports, *, secret: bytes = SECRET, message_id: str = "msg_1", **changes: object) -> bytes:
    body = json.dumps({**BODY, **changes}).encode()
    receive_webhook(ports, sign(secret, message_id, ports.clock.now(), body), body, "corner-shop")
    return body


def test_a_recorded_order_is_told_on_the_lane_it_came_by(ports: Ports, published: Published) -> None:
    order = record_order(ports, statement(), lane="bulk")
    assert order is not None
    (told,) = published("order-recorded-bulk")
    assert told["event_id"] == derived_id("order-recorded", "corner-shop", "1", 1)
    assert told["order"] == order.model_dump(mode="json")
    assert published("order-recorded") == []


def test_a_redelivered_order_changes_nothing_and_publishes_the_same_event_id(
    ports: Ports, published: Published
) -> None:
    record_order(ports, statement(), lane="live")
    before = document(ports)
    record_order(ports, statement(), lane="live")
    assert document(ports) == before
    first, second = published("order-recorded")
    assert first == second


def test_every_change_is_a_new_revision(ports: Ports, published: Published) -> None:
    record_order(ports, statement(), lane="live")
    record_order(ports, statement(hours=1), lane="live")
    assert [each["order"]["revision"] for each in published("order-recorded")] == [1, 2]


def test_an_older_statement_that_changes_nothing_tells_the_latest_again(ports: Ports, published: Published) -> None:
    record_order(ports, statement(hours=1), lane="live")
    record_order(ports, statement(hours=0), lane="live")
    assert [each["order"]["revision"] for each in published("order-recorded")] == [1, 1]


def test_any_interleaving_of_webhook_file_and_check_out_ends_in_equal_bytes(ports: Ports) -> None:
    returned = (ReturnedLine(return_id="r", line_id="a", quantity=1, value_minor=100),)
    facts = [
        statement("check_out", 0, lines="ab"),
        statement("webhook", 1, lines="ac", scope="whole"),
        statement("feed", 2, lines="b"),
        statement("webhook", 3, lines="", head=False, returns=returned),
    ]
    ends = set()
    for number, order_of_arrival in enumerate(permutations(facts)):
        for fact in order_of_arrival:
            record_order(ports, fact.model_copy(update={"order_id": str(number)}), lane="live")
        found = document(ports, str(number))
        assert found is not None
        ends.add(found.fields["state"])
    assert len(ends) == 1


def test_a_crash_between_commit_and_publish_ends_right_on_redelivery(ports: Ports, published: Published) -> None:
    flaky = replace(ports, topics=OnceUnavailable(ports.topics))
    with pytest.raises(Unavailable):
        record_order(flaky, statement(), lane="live")
    assert document(ports) is not None
    assert published("order-recorded") == []
    record_order(flaky, statement(), lane="live")
    (told,) = published("order-recorded")
    assert told["order"]["revision"] == 1


def test_facts_that_come_before_the_order_itself_wait_untold(ports: Ports, published: Published) -> None:
    assert record_order(ports, statement(head=False), lane="live") is None
    assert published("order-recorded") == []
    assert record_order(ports, statement("webhook", 1), lane="live") is not None
    (told,) = published("order-recorded")
    assert told["order"]["revision"] == 2


def test_a_lost_race_is_left_to_be_decided_again(ports: Ports) -> None:
    planned = plan_order(ports, statement())
    record_order(ports, statement("webhook"), lane="live")
    with pytest.raises(PreconditionFailed):
        ports.documents.commit(planned.writes)


def test_a_plan_writes_and_publishes_nothing(ports: Ports, published: Published) -> None:
    planned = plan_order(ports, statement("check_out"))
    assert document(ports) is None
    assert published("order-recorded") == []
    assert planned.event is not None
    assert planned.event.order == planned.order
    ports.documents.commit(planned.writes, [planned.event.outbound()])
    assert plan_order(ports, statement("check_out")).writes == ()
    assert plan_order(ports, statement("check_out")).event == planned.event


def test_an_oversized_order_is_refused_and_leaves_the_order_as_it_was(ports: Ports, published: Published) -> None:
    many = tuple(Line(line_id=f"m{n}", product_id="p", quantity=1, value_minor=1) for n in range(2_000))
    record_order(ports, statement(), lane="live")
    before = document(ports)
    with pytest.raises(TooLarge, match="too large") as refusal:
        record_order(ports, statement().model_copy(update={"lines": many}), lane="live")
    assert refusal.value.code == "order-too-large"
    assert document(ports) == before
    assert len(published("order-recorded")) == 1


def test_a_signed_webhook_is_published_live_with_a_pseudonym(ports: Ports, published: Published) -> None:
    send(ports)
    (received,) = published("order-received")
    assert received["event_id"] == derived_id("order-received", "corner-shop", "msg_1")
    assert received["statement"]["door"] == "webhook"
    assert "1364" not in json.dumps(received["statement"]["header"])
    assert document(ports) is None


def test_a_replayed_webhook_is_published_again_and_has_no_second_effect(ports: Ports, published: Published) -> None:
    body = send(ports)
    receive_webhook(ports, sign(SECRET, "msg_1", ports.clock.now(), body), body, "corner-shop")
    first, second = published("order-received")
    assert first == second
    for received in (first, second):
        record_order(ports, OrderStatement.model_validate(received["statement"]), lane="live")
    found = document(ports)
    assert found is not None
    assert found.fields["revision"] == 1


def test_a_webhook_is_answered_only_after_it_was_published(ports: Ports, published: Published) -> None:
    with pytest.raises(Unavailable):
        send(replace(ports, topics=OnceUnavailable(ports.topics)))
    assert published("order-received") == []


def test_a_webhook_signed_with_a_rotated_secret_gets_in(ports: Ports, published: Published, clock: ReplayClock) -> None:
    send(ports)
    ports.keys.rotate("webhook-corner-shop", b"the next secret of the corner shop")
    clock.advance(timedelta(seconds=61))
    send(ports, secret=b"the next secret of the corner shop", message_id="msg_2")
    send(ports, message_id="msg_3")
    assert len(published("order-received")) == 3


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "unsigned"),
        (sign(SECRET, "msg_1", datetime(2017, 6, 15, 11, tzinfo=UTC), b"{}"), "stale-signature"),
        (sign(b"forged", "msg_1", datetime(2017, 6, 15, 12, tzinfo=UTC), b"{}"), "bad-signature"),
    ],
)
def test_what_the_retailer_did_not_sign_is_refused_before_it_is_read(
    ports: Ports, published: Published, headers: dict[str, str], code: str
) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        receive_webhook(ports, headers, b"{}", "corner-shop")
    assert refusal.value.code == code
    assert published("order-received") == []


@pytest.mark.parametrize("retailer", ["nobody", "", "..", "../config", "a/b", "corner-shop\n", "x" * 2000])
def test_a_webhook_of_an_unknown_retailer_is_refused(ports: Ports, retailer: str) -> None:
    with pytest.raises(Unknown) as refusal:
        receive_webhook(ports, {}, b"{}", retailer)
    assert refusal.value.code == "unknown-retailer"


def test_a_retailer_without_a_secret_is_told_so(ports: Ports) -> None:
    config = b"{retailer: new-shop, name: New, country: US, currency: USD, feeds: {}}"
    ports.objects.replace("config", "retailers/new-shop.yaml", config)
    with pytest.raises(Unauthenticated) as refusal:
        receive_webhook(ports, {}, b"{}", "new-shop")
    assert refusal.value.code == "no-secret"


@pytest.mark.parametrize(
    "changes",
    [{"type": "order.checked_out"}, {"stated_at": "2017-06-15T13:00:01Z"}, {"currency": "XYZ"}, {"unknown": 1}],
)
def test_a_signed_webhook_with_a_bad_body_is_refused(
    ports: Ports, published: Published, changes: dict[str, object]
) -> None:
    with pytest.raises(Malformed):
        send(ports, **changes)
    assert published("order-received") == []


def test_a_fault_never_repeats_the_shoppers_id(ports: Ports) -> None:
    with pytest.raises(Fault) as refusal:
        send(ports, store_id=None, lines=[{}])
    assert "1364" not in json.dumps(refusal.value.as_problem())
