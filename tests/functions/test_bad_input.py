"""What comes in from outside and is bad: one test per kind, through the functions themselves.

Each is told what was found and what was expected, costs nobody else anything, and leaves no trace in the log.
"""

import base64
import gzip
import io
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from typer.testing import CliRunner
from werkzeug.test import TestResponse

from tombola import cli_campaign
from tombola.adapters.embedded.clock import ReplayClock
from tombola.adapters.embedded.topics import EmbeddedTopics, Kept
from tombola.campaigns.usecases import commit_campaign, launch_campaign, list_versions
from tombola.feeds.receipts import Receipt
from tombola.games.tokens import SIGNING_KEY, Signer, sign_token
from tombola.orders.signatures import sign
from tombola.ports import Ports
from tombola.ports.objects import ObjectRef
from tombola.runtime import logs
from tombola.runtime.manifests import HttpTrigger, read_manifests

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "functions"
CAMPAIGN = ROOT / "tests" / "unit" / "campaigns" / "files" / "wheel.yaml"
RULES = {
    **yaml.safe_load(CAMPAIGN.read_bytes()),
    "window": {"opens": "2017-06-15T18:00:00", "closes": "2017-06-22T00:00:00", "time_zone": "UTC"},
    "reveal_by": "2017-09-30T00:00:00Z",
    "criteria": {"all": [{"minimum_quantity": 1}]},
    "control": {"share": "0", "mode": "invitation"},
}
SECRET = b"webhook-corner-shop, 32 bytes or more of it"
SHOPPER = "shopper-4711"
HEADER = "order_id,line_id,shopper_id,store_id,ordered_at,product_id,quantity,value"
HTTP = sorted(name for name, one in read_manifests(FUNCTIONS).items() if isinstance(one.trigger, HttpTrigger))
Client = Callable[[str], FlaskClient]
Deliver = Callable[..., Receipt | None]
Letters = Callable[[], list[Kept]]
Published = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def deliver(client: Client, ports: Ports) -> Deliver:
    """Put a file into the inbox, notify `validate_feed` of it, and return its receipt, if it gets one."""

    def put(data: bytes | str, name: str = "corner-shop/orders/june.csv", *, there: bool = True) -> Receipt | None:
        content = data.encode() if isinstance(data, str) else data
        ref = ports.objects.replace("inbox", name, content) if there else ObjectRef("inbox", name, 1)
        attributes = {"eventType": "OBJECT_FINALIZE", "bucketId": ref.bucket, "objectId": ref.name}
        message = {"messageId": "1", "attributes": {**attributes, "objectGeneration": str(ref.generation)}}
        push = {"message": message, "subscription": "projects/local/subscriptions/validate-feed"}
        assert client("validate_feed").post("/", json=push).status_code == 204
        return _receipt(ports, ref)

    return put


def _receipt(ports: Ports, ref: ObjectRef) -> Receipt | None:
    for info in ports.objects.list("receipts"):
        if info.ref.name.endswith("receipt.json"):
            with ports.objects.open(info.ref) as stream:
                receipt = Receipt.model_validate_json(stream.read())
            if (receipt.object, receipt.generation) == (ref.name, ref.generation):
                return receipt
    return None


@pytest.fixture
def letters(ports: Ports) -> Letters:
    """Return a reader of the dead letters."""

    def read() -> list[Kept]:
        assert isinstance(ports.topics, EmbeddedTopics)
        return ports.topics.recent("dead-letters", 100)

    return read


@pytest.fixture
def launched(ports: Ports, clock: ReplayClock) -> None:
    """A campaign runs in which one unit is enough."""
    ports.keys.create(SIGNING_KEY, bytes(32))
    commit_campaign(ports, yaml.safe_dump(RULES), id_key=bytes(range(32)), seed=bytes(32))
    launch_campaign(ports, "spring-wheel", "a witness")
    clock.advance(timedelta(hours=7))


@pytest.fixture(autouse=True)
def everything_else_works_and_the_log_says_nothing(
    client: Client, ports: Ports, deliver: Deliver, published: Published
) -> Iterator[None]:
    """Hold after every test: a good file and a good webhook are taken, and no line names a shopper or a secret."""
    written = io.StringIO()
    logs.configure(written)
    yield
    logs.configure(written)
    good = deliver(f"{HEADER}\nlast,1,{SHOPPER},s,2017-06-01T10:00:00,milk,1,2.50\n", "corner-shop/orders/last.csv")
    assert good is not None
    assert (good.verdict, good.accepted) == ("accepted", 1)
    before = len(published("order-received"))
    assert webhook(client, ports, order(ports)).status_code == 202
    assert len(published("order-received")) == before + 1
    said = written.getvalue()
    logs.configure(level="critical")
    assert '"receive_webhook"' in said
    assert not [word for word in (SHOPPER, "whsec_", SECRET.decode(), "eyJ") if word in said]


_numbers = itertools.count()


def order(ports: Ports, type_: str = "order.stated", **more: object) -> bytes:
    at = ports.clock.now().isoformat()
    head = {"store_id": "s", "ordered_at": at, "currency": "USD", "shopper_id": SHOPPER}
    lines = [{"line_id": "1", "product_id": "milk", "quantity": 1, "value": "2.50"}]
    said = {"type": type_, "order_id": "o-1", "scope": "whole", "stated_at": at, **head, "lines": lines, **more}
    return json.dumps(said).encode()


def webhook(client: Client, ports: Ports, body: bytes, headers: dict[str, str] | None = None) -> TestResponse:
    signed = sign(SECRET, f"m-{next(_numbers)}", ports.clock.now(), body) if headers is None else headers
    return client("receive_webhook").post("/corner-shop", data=body, headers=signed, content_type="application/json")


def check_out(client: Client, ports: Ports, body: bytes) -> TestResponse:
    signed = sign(SECRET, f"m-{next(_numbers)}", ports.clock.now(), body)
    return client("check_out").post("/corner-shop", data=body, headers=signed, content_type="application/json")


def play(client: Client, token: str) -> TestResponse:
    return client("play_game").post("/", json={"token": token})


def refusal(answer: TestResponse, status: int, code: str) -> list[dict[str, str]]:
    """Return the problems of an answer that must be a refusal of this kind."""
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json["type"] == f"urn:tombola:problem:{code}"
    problems: list[dict[str, str]] = answer.json["problems"]
    return problems


# --- the kinds that are promised, one test each --------------------------------------------------------------


def test_a_missing_column(deliver: Deliver) -> None:
    receipt = deliver("order_id,line_id,store_id,ordered_at,product_id,quantity,valeu\n1,1,s,2017-06-01,milk,1,2.50\n")
    assert receipt is not None
    assert (receipt.verdict, receipt.rows, receipt.files) == ("quarantined", 0, ())
    (error,) = receipt.errors
    assert error.code == "missing-columns"
    assert "no column 'value'; found 'order_id'" in error.examples[0].message
    assert "is 'valeu' the column 'value'?" in error.examples[0].message


def test_a_broken_row(deliver: Deliver, ports: Ports) -> None:
    good = [f"{number},1,,s,2017-06-01T10:00:00,milk,1,2.50" for number in range(20)]
    receipt = deliver("\n".join([HEADER, *good, f"x,1,{SHOPPER},s,yesterday,milk,1,2.50", ""]))
    assert receipt is not None
    assert (receipt.verdict, receipt.rows, receipt.accepted, receipt.rejected) == ("partial", 21, 20, 1)
    (error,) = receipt.errors
    assert (error.code, error.field, error.examples[0].line, error.examples[0].value) == (
        "not-a-time", "ordered_at", 22, "yesterday",
    )  # fmt: skip
    assert "ISO 8601" in error.examples[0].message
    assert receipt.rejected_file is not None
    with ports.objects.open(ports.objects.stat("rejects", receipt.rejected_file.name).ref) as stream:
        assert stream.read().decode().splitlines()[0] == HEADER


def test_an_unknown_retailer(client: Client, ports: Ports, deliver: Deliver, letters: Letters) -> None:
    for door in ("receive_webhook", "check_out", "choose_offer"):
        body = json.dumps({"shopper_id": SHOPPER, "channel": "web", "placement": "home"}).encode()
        headers = sign(SECRET, "m-1", ports.clock.now(), body)
        answer = client(door).post("/nobody", data=body, headers=headers, content_type="application/json")
        (problem,) = refusal(answer, 404, "unknown-retailer")
        assert problem["found"] == "'nobody'"
    assert deliver(HEADER, "nobody/orders/june.csv") is None
    assert [letter.attributes["reason"] for letter in letters()] == ["unknown-retailer"]


def test_an_unsigned_webhook(client: Client, ports: Ports, published: Published) -> None:
    problems = refusal(webhook(client, ports, order(ports), {}), 401, "unsigned")
    assert [problem["where"] for problem in problems] == ["webhook-id", "webhook-timestamp", "webhook-signature"]
    assert {problem["found"] for problem in problems[:2]} == {"nothing"}
    assert published("order-received") == []


def test_a_stale_webhook(client: Client, ports: Ports, published: Published) -> None:
    body = order(ports)
    for off in (timedelta(minutes=-6), timedelta(minutes=6)):
        headers = sign(SECRET, "m-1", ports.clock.now() + off, body)
        (problem,) = refusal(webhook(client, ports, body, headers), 401, "stale-signature")
        assert problem["expected"] == "at most 0:05:00 away"
    assert published("order-received") == []


@pytest.mark.usefixtures("launched")
def test_an_expired_token(client: Client, ports: Ports, clock: ReplayClock) -> None:
    (offered,) = check_out(client, ports, order(ports, "order.checked_out")).json["campaigns"]
    clock.advance(timedelta(days=60))
    (problem,) = refusal(play(client, offered["token"]), 410, "expired-token")
    assert problem["found"].startswith("expired at 2017-")


@pytest.mark.usefixtures("launched")
def test_a_forged_token(client: Client, ports: Ports) -> None:
    (offered,) = check_out(client, ports, order(ports, "order.checked_out")).json["campaigns"]
    head, claims, signature = offered["token"].split(".")
    for forged in (f"{head}.{claims}.{signature[::-1]}", f"{head}.{claims[:-2]}AA.{signature}", "not a token"):
        problems = refusal(play(client, forged), 401, "forged-token")
        assert all(problem["expected"] for problem in problems)
    assert play(client, offered["token"]).status_code == 200


@pytest.mark.usefixtures("launched")
def test_a_foreign_token(client: Client, clock: ReplayClock) -> None:
    later = clock.now() + timedelta(days=1)
    of_another_house = sign_token(Signer(9, bytes(range(32))), "0" * 64, "spring-wheel/v1", later)
    for_something_else = Signer(1, bytes(32)).sign({"aud": "tombola-receipt", "jti": "0" * 64, "exp": 2**31})
    for token, where in ((of_another_house, "kid"), (for_something_else, "claims")):
        (problem,) = refusal(play(client, token), 401, "foreign-token")
        assert problem["where"] == where


@pytest.mark.usefixtures("client")
def test_a_malformed_campaign_file(ports: Ports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, file = tmp_path / "home", tmp_path / "wheel.yaml"
    monkeypatch.setenv("TOMBOLA_HOME", str(home))
    commit_campaign(ports, yaml.safe_dump(RULES), id_key=bytes(range(32)), seed=bytes(32))
    file.write_text(CAMPAIGN.read_text(encoding="utf-8").replace("game: wheel", "game: roulette\ncolour: red"))
    for command in ("check", "commit"):
        result = CliRunner().invoke(cli_campaign.app, [command, str(file)])
        assert result.exit_code == 1
        said = result.stdout.splitlines()
        assert [line.split(": ")[1] for line in said] == ["game", "colour"]
        assert all(line.startswith("line ") and "found " in line and "; expected " in line for line in said)
    assert len(list_versions(ports, "spring-wheel")) == 1


@pytest.mark.parametrize("name", HTTP)
def test_a_body_of_10_mb(client: Client, name: str) -> None:
    answer = client(name).open(
        "/corner-shop", method="GET" if name == "list_keys" else "POST", data=b" " * 10_000_000
    )  # fmt: skip
    assert refusal(answer, 413, "too-large") == []
    assert " bytes" in answer.json["detail"]


@pytest.mark.parametrize("name", ["../keys/x", "corner-shop/../../keys/x", "corner-shop/orders/..", "/etc/passwd"])
def test_an_object_name_with_dots(deliver: Deliver, letters: Letters, name: str) -> None:
    assert deliver(b"", name, there=False) is None
    (letter,) = letters()
    assert letter.attributes["reason"] == "bad-object-name"
    assert "expected " in letter.attributes["detail"]


# --- and what else senders come up with ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("1900-01-01", "not-a-time"),
        ("1969-12-31T18:59:59", "not-a-time"),
        ("2199-12-31T23:59:59", "not-a-time"),
        ("9999-12-31", "not-a-time"),
        ("2099-01-01", "in-the-future"),
    ],
)
def test_a_date_that_no_order_can_have_costs_its_own_row_only(
    client: Client, deliver: Deliver, published: Published, at: str, code: str
) -> None:
    good = [f"{number},1,,s,2017-06-01T10:00:00,milk,1,2.50" for number in range(20)]
    receipt = deliver("\n".join([HEADER, *good, f"x,1,,s,{at},milk,1,2.50"]))
    assert receipt is not None
    assert (receipt.accepted, receipt.rejected, receipt.errors[0].code) == (20, 1, code)
    (event,) = published("feed-validated")
    message = {"data": base64.b64encode(json.dumps(event).encode()).decode(), "messageId": "1"}
    assert client("publish_orders").post("/", json={"message": message}).status_code == 204
    assert len(published("order-received-bulk")) == 20


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty-file"),
        (b"\n\n", "empty-file"),
        (bytes(100_000), "nul-bytes"),
        (bytes(range(128, 256)) * 100, "undecodable"),
        (f"{HEADER}\n".encode("utf-16-le")[:-1], "undecodable"),
        (f"{HEADER}\n\0".encode(), "nul-bytes"),
        (f"{HEADER}\n".encode() + b"x" * 3_000_000, "record-too-long"),
        (f'{HEADER}\n"1,1\n'.encode(), "unclosed-quote"),
        (gzip.compress(f"{HEADER}\n".encode(), mtime=0)[:-9], "packing-broken"),
        (gzip.compress(f"{HEADER}\n".encode() + b"\n" * 60_000_000, 9, mtime=0), "packing-bomb"),
        (b"<html>Sign in</html>", "missing-columns"),
    ],
)
def test_a_file_that_is_no_feed_has_a_receipt_that_says_why(deliver: Deliver, data: bytes, code: str) -> None:
    receipt = deliver(data)
    assert receipt is not None
    assert (receipt.verdict, [error.code for error in receipt.errors], receipt.files) == ("quarantined", [code], ())


def test_a_file_of_a_header_and_no_row_is_accepted(deliver: Deliver) -> None:
    receipt = deliver(HEADER)
    assert receipt is not None
    assert (receipt.verdict, receipt.rows) == ("accepted", 0)


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"lines": [{"line_id": "1", "product_id": "p", "quantity": 1, "value": "999999999999.99"}]}, "lines.0.value"),
        ({"lines": [{"line_id": "1", "product_id": "p", "quantity": 10**30, "value": "1"}]}, "lines.0.quantity"),
        ({"order_id": "o\x001"}, "order_id"),
        ({"order_id": "o\r\n1"}, "order_id"),
        ({"order_id": ""}, "order_id"),
        ({"ordered_at": "0001-01-01T00:00:00+14:00"}, "ordered_at"),
        ({"ordered_at": 1e300}, "ordered_at"),
    ],
)
@pytest.mark.parametrize(("door", "type_"), [("receive_webhook", "order.stated"), ("check_out", "order.checked_out")])
def test_a_value_that_no_order_can_hold_is_named(
    client: Client, ports: Ports, door: str, type_: str, changed: dict[str, object], where: str
) -> None:
    body = order(ports, type_, **changed)
    headers = sign(SECRET, "m-1", ports.clock.now(), body)
    answer = client(door).post("/corner-shop", data=body, headers=headers, content_type="application/json")
    (problem,) = refusal(answer, 422, "malformed-order")
    assert problem["where"] == where
    assert len(problem["found"]) <= 200


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda body: body[:-1] + b',"order_id":"o-2"}', "the name 'order_id' twice in one object"),
        (lambda body: body.replace(b'"quantity": 1', b'"quantity": NaN'), "the number NaN"),
        (lambda body: body.replace(b'"quantity": 1', b'"quantity": ' + b"9" * 100_000), "a number that is too long"),
        (lambda body: b"[" * len(body) * 100, "too many levels of nesting"),
        (lambda _: b"", "no JSON at line 1, column 1"),
        (lambda body: b"\xef\xbb\xbf" + body, "no JSON at line 1, column 1"),
    ],
)
def test_a_signed_body_that_readers_would_read_differently_is_refused(
    client: Client, ports: Ports, published: Published, change: Callable[[bytes], bytes], found: str
) -> None:
    (problem,) = refusal(webhook(client, ports, change(order(ports))), 422, "malformed")
    assert problem["found"] == found
    assert published("order-received") == []


def test_a_body_in_another_encoding_is_told_so(client: Client, ports: Ports) -> None:
    body = order(ports).decode().encode("utf-16")
    (problem,) = refusal(
        webhook(client, ports, body, sign(SECRET, "m-1", ports.clock.now(), b"")), 401, "bad-signature"
    )
    assert (problem["where"], problem["expected"]) == ("body", "text in UTF-8, which alone is signed")


@pytest.mark.parametrize("name", ["../corner-shop", "a/b", "corner%00shop", "%ff", "Corner-Shop", "x" * 100_000])
def test_a_path_that_names_no_retailer_is_a_short_404(client: Client, ports: Ports, name: str) -> None:
    body = order(ports)
    answer = client("receive_webhook").post(f"/{name}", data=body, headers=sign(SECRET, "m-1", ports.clock.now(), body))
    (problem,) = refusal(answer, 404, "unknown-retailer")
    assert problem["expected"] == "an id with a file retailers/<id>.yaml in the config bucket"
    assert len(answer.data) < 1_000


@pytest.mark.parametrize(
    "text",
    [b"retailer: [", b"\xff\xfe", b"- a list", b"retailer: corner-shop", b"a: !!python/object:os.system {}"],
)
def test_a_broken_retailer_file_makes_senders_wait_and_loses_nothing(
    client: Client,
    ports: Ports,
    clock: ReplayClock,
    deliver: Deliver,
    letters: Letters,
    published: Published,
    text: bytes,
) -> None:
    with ports.objects.open(ports.objects.stat("config", "retailers/corner-shop.yaml").ref) as stream:
        right = stream.read()
    ports.objects.replace("config", "retailers/corner-shop.yaml", text)
    body = order(ports)
    answer = webhook(client, ports, body)
    assert refusal(answer, 503, "malformed-retailer")
    assert int(answer.headers["Retry-After"]) > 0
    assert deliver(HEADER) is None
    assert [letter.attributes["reason"] for letter in letters()] == ["malformed-retailer"]
    ports.objects.replace("config", "retailers/corner-shop.yaml", right)
    clock.advance(timedelta(seconds=31))
    assert webhook(client, ports, body).status_code == 202
    assert len(published("order-received")) == 1


def test_a_retailer_file_of_another_name_is_not_that_retailer(client: Client, ports: Ports) -> None:
    text = b"{retailer: corner-shop, name: Other, country: US, currency: USD, feeds: {}}"
    ports.objects.replace("config", "retailers/other-shop.yaml", text)
    body = order(ports)
    headers = sign(SECRET, "m-1", ports.clock.now(), body)
    (problem,) = refusal(
        client("receive_webhook").post("/other-shop", data=body, headers=headers), 503, "malformed-retailer"
    )
    assert problem["expected"] == "'other-shop', as the file is named"


def test_a_missing_pseudonym_key_is_one_error_through_every_door(
    client: Client, ports: Ports, deliver: Deliver, letters: Letters
) -> None:
    text = b"{retailer: new-shop, name: New, country: US, currency: USD, feeds: {orders: {}}}"
    ports.objects.replace("config", "retailers/new-shop.yaml", text)
    ports.keys.create("webhook-new-shop", SECRET)
    offer = json.dumps({"shopper_id": SHOPPER, "channel": "web", "placement": "home"}).encode()
    for door, body in (
        ("receive_webhook", order(ports)),
        ("check_out", order(ports, "order.checked_out")),
        ("choose_offer", offer),
    ):
        headers = sign(SECRET, "m-1", ports.clock.now(), body)
        answer = client(door).post("/new-shop", data=body, headers=headers, content_type="application/json")
        (problem,) = refusal(answer, 503, "unknown-key")
        assert problem["expected"] == "a key named pseudonym-new-shop"
    assert deliver(HEADER, "new-shop/orders/june.csv") is None
    assert [letter.attributes["reason"] for letter in letters()] == ["unknown-key"]
