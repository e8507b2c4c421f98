"""The functions of the games, each by its own main.py: from a signed check-out to a receipt that anyone can verify."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import yaml

from tombola.adapters.embedded.topics import EmbeddedTopics
from tombola.campaigns.usecases import commit_campaign, end_campaign, launch_campaign
from tombola.events import Event
from tombola.games.tokens import SIGNING_KEY
from tombola.games.usecases import check_out, issue_tokens
from tombola.orders.doors import parse_message, statement_of
from tombola.orders.events import OrderRecorded
from tombola.orders.signatures import sign
from tombola.orders.usecases import record_order
from tombola.ports.documents import Where
from tombola.ports.errors import Unavailable
from tombola.runtime import outbox
from tombola.runtime.manifests import read_manifests
from tombola.runtime.races import decide_again
from tombola.settling.usecases import reconcile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tombola.games.answers import CheckOutAnswer
    from tombola.ports import Ports
    from tombola.ports.documents import OutboundEvent, Snapshot, Write

    Client = Callable[[str], FlaskClient]
    Published = Callable[[str], list[dict[str, Any]]]

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "functions"
FILE = ROOT / "tests" / "unit" / "campaigns" / "files" / "wheel.yaml"
SECRET = b"webhook-corner-shop, 32 bytes or more of it"
PSEUDONYM = b"pseudonym-corner-shop, 32 bytes or more of it"
RULES: dict[str, Any] = {
    **yaml.safe_load(FILE.read_text(encoding="utf-8")),
    "window": {"opens": "2017-06-15T00:00:00", "closes": "2017-06-22T00:00:00", "time_zone": "UTC"},
    "reveal_by": "2017-09-30T00:00:00Z",
    "criteria": {"all": [{"minimum_quantity": 2}]},
    "control": {"share": "0", "mode": "invitation"},
}
LAUNCHED_AT = datetime(2017, 6, 20, 16, tzinfo=UTC)
ORDERED_AT = "2017-06-20T16:30:00Z"


@pytest.fixture
def launch(ports: Ports) -> Callable[..., None]:
    """Launch the campaign with these parts of its file changed."""

    def build(**changed: object) -> None:
        ports.keys.create(SIGNING_KEY, bytes(32))
        ports.clock.set(LAUNCHED_AT)
        commit_campaign(ports, yaml.safe_dump({**RULES, **changed}), id_key=bytes(range(32)), seed=bytes(32))
        launch_campaign(ports, "spring-wheel", "a witness")
        ports.clock.advance(timedelta(hours=1))

    return build


def message(order_id: str = "o-1", type_: str = "order.checked_out", **more: object) -> bytes:
    """Return a body: an order of 2 units for 12.00, unless more is said."""
    bought = {"quantity": more.pop("quantity", 2), "value": more.pop("value", "12.00")}
    body = {
        "type": type_,
        "order_id": order_id,
        "scope": "whole",
        "stated_at": ORDERED_AT,
        "shopper_id": "1042",
        "store_id": "317",
        "ordered_at": ORDERED_AT,
        "currency": "USD",
        "lines": [{"line_id": "1", "product_id": "milk", **bought}],
        **more,
    }
    return json.dumps(body).encode()


def signed(ports: Ports, body: bytes, secret: bytes = SECRET, message_id: str = "msg-1") -> dict[str, str]:
    return sign(secret, message_id, ports.clock.now(), body)


def ask(client: Client, ports: Ports, body: bytes) -> TestResponse:
    return client("check_out").post(
        "/corner-shop", data=body, headers=signed(ports, body), content_type="application/json"
    )


def offer(client: Client, ports: Ports, body: bytes) -> dict[str, Any]:
    answer = ask(client, ports, body)
    assert answer.status_code == 200, answer.data
    (offered,) = answer.json["campaigns"]
    return offered


def record(ports: Ports, body: bytes, door: str) -> OrderRecorded:
    """State the order at another door and return the event that tells of it."""
    statement = statement_of(parse_message(body), "corner-shop", "webhook", PSEUDONYM)
    order = record_order(ports, statement.model_copy(update={"door": door}), lane="live")
    assert order is not None
    return OrderRecorded(event_id=f"{order.order_id}-{order.revision}", order=order)


def push(client: Client, event: Event) -> int:
    outbound = event.outbound()
    data = base64.b64encode(outbound.message.data).decode()
    body = {
        "message": {"data": data, "messageId": "1", "attributes": dict(outbound.message.attributes)},
        "subscription": "projects/local/subscriptions/issue-token",
    }
    return client("issue_token").post("/", json=body).status_code


def play(client: Client, token: object) -> TestResponse:
    return client("play_game").post("/", json={"token": token})


def test_an_order_through_any_door_is_the_same_one_token(
    client: Client, ports: Ports, launch: Callable[..., None]
) -> None:
    launch()
    first = offer(client, ports, message())
    assert (first["reason"], first["play_url"]) == ("qualifies", "/play-game")
    assert push(client, record(ports, message(type_="order.stated"), "webhook")) == 204
    assert push(client, record(ports, message(type_="order.stated"), "feed")) == 204
    again = offer(client, ports, message())
    assert again["token"] == first["token"]
    books = reconcile(ports, "spring-wheel", 1)
    assert (books.tokens, books.entries, books.problems) == (1, 1, ())


def test_the_token_is_the_same_whichever_door_speaks_first(
    client: Client, ports: Ports, launch: Callable[..., None], published: Published
) -> None:
    launch()
    push(client, record(ports, message(type_="order.stated"), "feed"))
    (issued,) = published("play-changed")
    token = offer(client, ports, message())["token"]
    assert jwt.decode(token, options={"verify_signature": False})["jti"] == issued["token_id"]


def test_asked_again_the_answer_is_the_same_and_nothing_is_told_twice(
    client: Client, ports: Ports, launch: Callable[..., None], published: Published
) -> None:
    launch()
    first = ask(client, ports, message()).data
    told = [len(published(topic)) for topic in ("order-recorded", "play-changed")]
    assert told == [1, 1]
    ports.clock.advance(timedelta(hours=1))
    assert ask(client, ports, message()).data == first
    assert [len(published(topic)) for topic in ("order-recorded", "play-changed")] == told


def test_a_played_token_is_still_the_answer_and_a_revoked_one_is_not(
    client: Client, ports: Ports, launch: Callable[..., None]
) -> None:
    launch()
    token = offer(client, ports, message())["token"]
    play(client, token)
    assert offer(client, ports, message())["token"] == token
    offer(client, ports, message("o-2"))
    cancelled = {"cancelled_at": ORDERED_AT, "stated_at": "2017-06-20T16:40:00Z"}
    push(client, record(ports, message("o-2", "order.stated", **cancelled), "webhook"))
    answer = offer(client, ports, message("o-2"))
    assert (answer["token"], answer["reason"], answer["play_url"]) == (None, "cancelled", None)


def test_a_basket_that_misses_something_is_told_what(client: Client, ports: Ports, launch: Callable[..., None]) -> None:
    launch()
    answer = offer(client, ports, message(quantity=1))
    assert (answer["token"], answer["reason"]) == (None, "criteria-not-met")
    assert "1" in answer["words"][0]


def test_words_come_in_the_language_that_was_asked_for_and_data_in_none(
    client: Client, ports: Ports, launch: Callable[..., None]
) -> None:
    launch()
    answer = offer(client, ports, message(quantity=1, language="fr"))
    assert answer["words"][0].startswith("Pour participer")
    (condition,) = answer["trace"]["conditions"]
    assert condition["bounds"] == [{"bound": "minimum_quantity", "wanted": 2, "found": 1}]
    assert answer["trace"]["qualifies"] is False


def test_a_refusal_that_is_not_about_the_basket_says_so_though_the_basket_qualifies(
    client: Client, ports: Ports, launch: Callable[..., None]
) -> None:
    launch(limits={"per_shopper": 1})
    offer(client, ports, message("o-1"))
    answer = offer(client, ports, message("o-2"))
    assert (answer["reason"], answer["trace"]["qualifies"]) == ("limit-reached", True)
    assert answer["words"] == ["You have taken part as often as the rules allow."]


def test_a_free_entry_is_taken_by_its_own_function(client: Client, ports: Ports, launch: Callable[..., None]) -> None:
    launch(free_entry={"amount": "5.00", "how": "by letter"})
    body = json.dumps(
        {
            "type": "entry.free", "campaign": "spring-wheel", "entry_id": "1", "shopper_id": "1042",
            "entered_at": ORDERED_AT,
        }
    ).encode()  # fmt: skip
    post = client("enter_free").post
    answer = post("/corner-shop", data=body, headers=signed(ports, body), content_type="application/json")
    assert (answer.status_code, answer.json["reason"]) == (200, "qualifies")
    assert play(client, answer.json["token"]).status_code == 200


def test_the_control_group_is_told_that_it_is_not_invited_and_no_more(
    client: Client, ports: Ports, launch: Callable[..., None]
) -> None:
    launch(control={"share": "0.999999", "mode": "invitation"})
    answer = offer(client, ports, message())
    assert answer == {
        "campaign": "spring-wheel", "tier": 1, "token": None, "reason": "not-invited", "trace": None,
        "words": ["The game is by invitation."],
        "play_url": None,
    }  # fmt: skip


def test_an_order_without_a_campaign_is_recorded_and_earns_nothing(
    client: Client, ports: Ports, published: Published
) -> None:
    ports.clock.set(LAUNCHED_AT)
    answer = ask(client, ports, message())
    assert answer.json == {"order_id": "o-1", "campaigns": []}
    assert len(published("order-recorded")) == 1


def test_a_part_of_an_order_without_its_head_is_kept_and_earns_nothing_yet(
    client: Client, ports: Ports, launch: Callable[..., None], published: Published
) -> None:
    launch()
    body = {"type": "order.checked_out", "order_id": "o-1", "scope": "some", "stated_at": ORDERED_AT}
    assert ask(client, ports, json.dumps(body).encode()).json == {"order_id": "o-1", "campaigns": []}
    assert published("order-recorded") == []


def test_a_prize_promised_at_the_check_out_is_paid_at_the_lower_value_of_the_retailers_own_word(
    client: Client, ports: Ports, launch: Callable[..., None], published: Published
) -> None:
    launch()
    offer(client, ports, message(value="30.00"))
    push(client, record(ports, message(type_="order.stated", value="12.00"), "webhook"))
    play(client, offer(client, ports, message(value="30.00"))["token"])
    assert published("play-changed")[-1]["reserved_minor"] == 1200


def test_a_check_out_that_nobody_signed_mints_nothing(
    client: Client, ports: Ports, launch: Callable[..., None], published: Published
) -> None:
    launch()
    body, post = message(), client("check_out").post
    stale = sign(SECRET, "msg-1", ports.clock.now() - timedelta(minutes=6), body)
    stated = message(type_="order.stated")
    broken = b'{"type": "order.checked_out", "surprise": 1}'
    answers = {
        "unsigned": post("/corner-shop", data=body),
        "bad-signature": post("/corner-shop", data=body, headers=signed(ports, body, b"forged")),
        "stale-signature": post("/corner-shop", data=body, headers=stale),
        "malformed-order": post("/corner-shop", data=stated, headers=signed(ports, stated)),
        "unknown-retailer": post("/nobody", data=body, headers=signed(ports, body)),
        "too-large": post("/corner-shop", data=b" " * 1_000_001),
    }
    for code, answer in answers.items():
        assert answer.json["type"] == f"urn:tombola:problem:{code}"
        assert answer.content_type == "application/problem+json"
    assert [answer.status_code for answer in answers.values()] == [401, 401, 401, 422, 404, 413]
    several = post("/corner-shop", data=broken, headers=signed(ports, broken))
    assert {"order_id", "scope", "stated_at", "surprise"} <= {each["where"] for each in several.json["problems"]}
    assert published("order-recorded") == published("play-changed") == []


def test_a_crash_after_the_commit_leaves_the_events_in_the_outbox(
    ports: Ports, launch: Callable[..., None], published: Published
) -> None:
    launch()

    class Deaf:
        def publish(self, _topic: str, _messages: object) -> None:
            msg = "no connection"
            raise Unavailable(msg)

    parts = {name: getattr(ports, name) for name in type(ports).__slots__}
    deaf = type(ports)(**{**parts, "documents": outbox.PublishingDocuments(ports.documents.documents, Deaf())})
    body = message()
    answer = check_out(deaf, "corner-shop", signed(ports, body), body)
    assert answer.campaigns[0].token is not None
    assert published("order-recorded") == published("play-changed") == []
    ports.clock.advance(timedelta(minutes=2))
    assert outbox.relay(ports) == 2
    assert (len(published("order-recorded")), len(published("play-changed"))) == (1, 1)


def test_a_check_out_that_dies_before_it_looks_again_leaves_no_token_to_an_order_since_cancelled(
    client: Client, ports: Ports, launch: Callable[..., None]
) -> None:
    """The order is cancelled, and that is handled, after the decision to issue and before its commit."""
    launch(limits={"per_shopper": 1})
    offer(client, ports, message("o-1"))
    assert offer(client, ports, message("o-2"))["reason"] == "limit-reached"
    back = {"cancelled_at": ORDERED_AT, "stated_at": "2017-06-20T16:40:00Z"}
    push(client, record(ports, message("o-1", "order.stated", **back), "webhook"))

    class Dies:
        def __init__(self) -> None:
            self.get, self.query = ports.documents.get, ports.documents.query

        def commit(self, writes: Sequence[Write], events: Sequence[OutboundEvent] = ()) -> None:
            push(client, record(ports, message("o-2", "order.stated", **back), "webhook"))
            ports.documents.documents.commit(writes, events)
            msg = "killed"
            raise SystemExit(msg)

    body = message("o-2")
    with pytest.raises(SystemExit):
        check_out(replace(ports, documents=Dies()), "corner-shop", signed(ports, body), body)
    assert [entry.fields["outcome"] for entry in entries_of(ports, "o-2")] == ["issued"]
    ports.clock.advance(timedelta(minutes=2))
    for event in relayed(ports):
        push(client, event)
    assert [entry.fields["outcome"] for entry in entries_of(ports, "o-2")] == ["revoked"]
    assert reconcile(ports, "spring-wheel", 1).problems == ()


def entries_of(ports: Ports, order_id: str) -> list[Snapshot]:
    return list(ports.documents.query("entries", [Where("order", "==", f"corner-shop/{order_id}")]))


def relayed(ports: Ports) -> list[OrderRecorded]:
    """Relay the outbox and return what it told of orders."""
    assert isinstance(ports.topics, EmbeddedTopics)
    before = len(ports.topics.recent("order-recorded", 1000))
    assert outbox.relay(ports) > 0
    told = ports.topics.recent("order-recorded", 1000)[before:]
    return [OrderRecorded.model_validate_json(kept.data) for kept in told]


def test_plays_are_settled_by_the_clock_in_live_and_in_ended_campaigns(
    client: Client, ports: Ports, launch: Callable[..., None], published: Published
) -> None:
    launch()
    token = offer(client, ports, message("o-1"))["token"]
    offer(client, ports, message("o-2"))
    play(client, token)
    push(client, record(ports, message("o-1", "order.stated"), "webhook"))
    end_campaign(ports, "spring-wheel")
    ports.clock.advance(timedelta(days=30))
    for _ in range(2):
        assert client("settle_plays").post("/", data=b"{}").status_code == 204
        told = [(event["state"], event["prize_state"], event["payable_minor"]) for event in published("play-changed")]
        assert sorted(told[-2:]) == [("expired", "none", 0), ("played", "matured", 1200)]
    assert reconcile(ports, "spring-wheel", 1).problems == ()


def test_a_prize_is_claimed_with_its_token_and_paid_by_the_retailers_word(
    client: Client, ports: Ports, launch: Callable[..., None]
) -> None:
    launch()
    token = offer(client, ports, message("o-1"))["token"]
    play(client, token)
    push(client, record(ports, message("o-1", "order.stated"), "webhook"))
    ports.clock.advance(timedelta(days=30))
    claim = {"token": token, "country": "US", "age_confirmed": "seen at the till"}
    refused = client("claim_prize").post("/", json={**claim, "country": "FR"})
    assert (refused.status_code, refused.json["type"]) == (403, "urn:tombola:problem:not-eligible")
    assert client("claim_prize").post("/", json=claim).json["prize"]["amount"] == "12.00"
    (entry,) = entries_of(ports, "o-1")
    told = {"type": "prize.paid", "payment_id": "p-1", "token_id": entry.fields["token_id"]}
    body = json.dumps({**told, "amount": "12.00", "currency": "USD"}).encode()
    for _ in range(2):
        answer = client("record_payment").post("/corner-shop", data=body, headers=signed(ports, body))
        assert (answer.json["prize_state"], answer.json["counted"]) == ("paid", "12.00")
    assert reconcile(ports, "spring-wheel", 1).accounts_balances["paid"] == 1200


def test_draws_are_sealed_by_the_clock_and_the_head_is_told(
    client: Client, ports: Ports, launch: Callable[..., None], published: Published
) -> None:
    launch()
    play(client, offer(client, ports, message("o-1"))["token"])
    offer(client, ports, message("o-2"))
    ports.clock.advance(timedelta(hours=1))
    for _ in range(2):
        assert client("seal_draws").post("/", data=b"{}").status_code == 204
    (head,) = published("draws-sealed")
    assert (head["number"], head["count"], head["totals"]["played"], head["totals"]["open"]) == (1, 3, 1, 1)


def test_check_out_and_the_webhook_racing_for_one_order_make_one_token(
    ports: Ports, launch: Callable[..., None], published: Published
) -> None:
    launch(limits={})

    def by_check_out(body: bytes) -> CheckOutAnswer:
        return decide_again(lambda: check_out(ports, "corner-shop", signed(ports, body), body))

    def by_webhook(body: bytes) -> None:
        event = decide_again(lambda: record(ports, body, "webhook"))
        decide_again(lambda: issue_tokens(ports, event.order, lane="live"))

    with ThreadPoolExecutor(2) as threads:
        for number in range(8):
            asked = threads.submit(by_check_out, message(f"o-{number}"))
            threads.submit(by_webhook, message(f"o-{number}", "order.stated")).result()
            assert asked.result().campaigns[0].token is not None
            (entry,) = ports.documents.query("entries", [Where("order", "==", f"corner-shop/o-{number}")])
            assert entry.fields["outcome"] == "issued"
    assert reconcile(ports, "spring-wheel", 1).problems == ()
    assert {event["order"]["revision"] for event in published("order-recorded")} == {1, 2}


def test_a_play_answers_with_a_receipt_that_the_listed_keys_verify(
    client: Client, ports: Ports, launch: Callable[..., None], published: Published
) -> None:
    launch()
    answer = play(client, offer(client, ports, message())["token"])
    assert answer.status_code == 200
    assert set(answer.json) == {"campaign", "result", "prize", "accepted_at", "receipt"}
    listed = client("list_keys").get("/")
    assert listed.headers["cache-control"] == "public, max-age=60"
    receipt = answer.json["receipt"]
    key = jwt.PyJWKSet.from_dict(listed.json)[jwt.get_unverified_header(receipt)["kid"]]
    claims = jwt.decode(receipt, key, algorithms=["EdDSA"], audience="tombola-receipt")
    assert (claims["result"], claims["prize"]["amount"]) == ("won", "12.00")
    assert published("play-changed")[-1]["token_id"] == claims["jti"]


def test_a_token_that_cannot_be_played_is_answered_as_a_problem(
    client: Client, ports: Ports, launch: Callable[..., None]
) -> None:
    launch()
    token = offer(client, ports, message())["token"]
    forged = token[:-8] + ("A" * 8)
    assert [play(client, text).status_code for text in (forged, "nonsense")] == [401, 401]
    assert play(client, forged).json["title"] == "Forged token"
    assert [play(client, text).status_code for text in (1, None, "", "x" * 2001)] == [422] * 4
    assert client("play_game").post("/", json={"token": token, "prize": 5}).status_code == 422
    assert client("play_game").post("/", data=b"{" * 9_000).status_code == 413
    assert client("play_game").get("/").status_code == 405
    ports.clock.advance(timedelta(days=14))
    over = play(client, token)
    assert (over.status_code, over.json["type"]) == (410, "urn:tombola:problem:expired-token")


def test_every_sample_event_is_taken(client: Client, launch: Callable[..., None], published: Published) -> None:
    launch()
    for path in sorted((FUNCTIONS / "issue_token" / "events").glob("*.json")):
        answer = client("issue_token").post("/", data=path.read_bytes(), content_type="application/json")
        assert answer.status_code == 204, path
    assert published("dead-letters") == []


def test_the_sample_check_out_is_a_message_a_retailer_may_sign(client: Client, ports: Ports) -> None:
    body = (FUNCTIONS / "check_out" / "events" / "order.json").read_bytes()
    ports.clock.set(datetime(2017, 6, 15, 16, 5, tzinfo=UTC))
    assert ask(client, ports, body).status_code == 200


def test_no_function_holds_both_keys_of_a_campaign() -> None:
    for name, manifest in read_manifests(FUNCTIONS).items():
        holds_id = "campaign-*-id" in manifest.secrets
        holds_seed = "campaign-*-seed" in manifest.secrets
        assert not (holds_id and holds_seed), name
        assert holds_id == (name in {"issue_token", "check_out", "enter_free"})
        assert holds_seed == (name == "play_game")
