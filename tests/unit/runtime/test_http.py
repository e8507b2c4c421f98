"""Functions that are called by HTTP, and what they say to a client at fault."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tombola.errors import Malformed
from tombola.json_text import check_json
from tombola.runtime import Answer, HttpRequest
from tombola.runtime.http import Headers

Load = Callable[[str, str], FlaskClient]
Lines = Callable[[], list[dict[str, Any]]]

SHOP = """
    from decimal import Decimal
    from pydantic import BaseModel
    from tombola.errors import Forbidden, Problem, Unauthenticated
    from tombola.ports.errors import PreconditionFailed, Refused, Unavailable
    from tombola.runtime import Answer, HttpRequest, on_http

    class Line(BaseModel):
        product: str
        quantity: int

    class Basket(BaseModel):
        shopper: str
        lines: list[Line] = []

    class Receipt(BaseModel):
        lines: int
        total: Decimal = Decimal("1.50")

    @on_http(methods=("POST",), max_bytes=1000)
    def check_basket(request: HttpRequest) -> Answer:
        match request.path:
            case "/forbidden": raise Forbidden("not you", [Problem("shopper", "'a'", "'b'")])
            case "/refused": raise Refused("plays/secretword of 600000 bytes")
            case "/race": raise PreconditionFailed("secretword")
            case "/outage": raise Unavailable("secretword")
            case "/bug": raise ZeroDivisionError("secretword")
            case "/none": return None
            case "/no-json": return Answer({"secretword": object()})
            case "/echo": return Answer({"query": dict(request.query), "bytes": len(request.body),
                                         "agent": request.headers["User-Agent"]}, 201, {"X-Mine": "1"})
            case "/empty": return Answer(status=202)
        return Answer(Receipt(lines=len(request.parse(Basket).lines)))

    @on_http(methods=("GET",))
    def list_things(request: HttpRequest) -> Answer:
        return Answer({"things": [1]}, headers={"cache-control": "max-age=60"})
"""


def test_an_answer_is_json(load: Load) -> None:
    answer = load("check_basket", SHOP).post("/", json={"shopper": "a", "lines": [{"product": "p", "quantity": 1}]})
    assert (answer.status_code, answer.json) == (200, {"lines": 1, "total": "1.50"})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"


def test_path_query_headers_and_body_arrive(load: Load) -> None:
    answer = load("check_basket", SHOP).post("/echo?a=1&b=%C3%A9", data=b"12345", headers={"user-agent": "till/1"})
    assert answer.json == {"query": {"a": "1", "b": "é"}, "bytes": 5, "agent": "till/1"}
    assert (answer.status_code, answer.headers["X-Mine"]) == (201, "1")


def test_an_answer_may_be_empty(load: Load) -> None:
    answer = load("check_basket", SHOP).post("/empty")
    assert (answer.status_code, answer.data, answer.headers.get("Content-Type")) == (202, b"", None)


def test_every_field_at_fault_is_named_at_once(load: Load) -> None:
    answer = load("check_basket", SHOP).post(
        "/", json={"lines": [{"product": 5, "quantity": "many", "colour": "red"}, {"product": "p"}], "coupon": "x"}
    )
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert {name: answer.json[name] for name in ("type", "title", "status")} == {
        "type": "urn:tombola:problem:malformed", "title": "Malformed", "status": 422,
    }  # fmt: skip
    assert answer.json["detail"] == "the body does not have the declared form"
    assert {problem["where"]: problem["found"] for problem in answer.json["problems"]} == {
        "shopper": "nothing",
        "lines.0.product": "5",
        "lines.0.quantity": "'many'",
        "lines.0.colour": "a field that is not known here",
        "lines.1.quantity": "nothing",
        "coupon": "a field that is not known here",
    }


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "no JSON at line 1, column 1"),
        (b'{"shopper":\n "a",}', "no JSON at line 2"),
        (b"\xff\xfe{}", "a byte that is not UTF-8 at offset 0"),
        (b'{"shopper": "a", "shopper": "b"}', "the name 'shopper' twice in one object"),
        (b'{"shopper": NaN}', "the number NaN"),
        (b'{"shopper": -Infinity}', "the number -Infinity"),
        (b'{"shopper": 1e999}', "a number beyond"),
        (b'{"shopper": ' + b"[" * 900, "no JSON"),
        (b'{"shopper": ' + b"9" * 900 + b"}", "9999"),
        (b'{"shopper": "\\ud800"}', "no JSON at line 1, column 20"),
        (b"null", "nothing"),
        (b"[1]", "a list of 1"),
    ],
)
def test_a_body_that_cannot_be_read_in_one_way_only_is_the_clients_fault(load: Load, body: bytes, found: str) -> None:
    answer = load("check_basket", SHOP).post("/", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert found in answer.json["problems"][0]["found"]


@pytest.mark.parametrize("nested", [b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000])
def test_a_body_nested_too_deep_is_malformed(nested: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        check_json(nested)
    assert caught.value.problems[0].found == "too many levels of nesting"


def test_a_number_of_five_thousand_digits_is_malformed() -> None:
    with pytest.raises(Malformed) as caught:
        check_json(b"9" * 5000)
    assert caught.value.problems[0].found == "a number that is too long"


class Anything(BaseModel):
    x: int = 0


@given(st.binary(max_size=100) | st.text(alphabet='{}[]":,0123456789eE+-.ntfux\\ ', max_size=40).map(str.encode))
def test_parsing_ends_in_a_model_or_in_malformed(body: bytes) -> None:
    request = HttpRequest("POST", "/", headers=Headers({"Content-Type": "application/json"}), body=body)
    try:
        assert isinstance(request.parse(Anything), Anything)
    except Malformed as fault:
        json.dumps(fault.as_problem())


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
)
def test_a_body_not_declared_as_json_is_415(load: Load, content_type: str) -> None:
    answer = load("check_basket", SHOP).post("/", data=b'{"shopper": "a"}', headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json["problems"][0]["where"]) == (415, "content-type")


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_json_may_name_its_charset(load: Load, content_type: str) -> None:
    answer = load("check_basket", SHOP).post("/", data=b'{"shopper": "a"}', headers={"Content-Type": content_type})
    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options"])
def test_another_method_is_405_and_says_which_is_allowed(load: Load, method: str) -> None:
    answer = getattr(load("check_basket", SHOP), method)("/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_get_may_be_asked_for_its_head(load: Load) -> None:
    client = load("list_things", SHOP)
    assert client.get("/").json == {"things": [1]}
    assert client.get("/").headers.getlist("Cache-Control") == ["max-age=60"]
    head = client.head("/")
    assert (head.status_code, head.data) == (200, b"")
    assert client.post("/", json={}).status_code == 405


class Endless(io.RawIOBase):
    """A body that never ends, and counts what was read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.read_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        self.read_bytes += len(buffer)
        buffer[:] = b"x" * len(buffer)
        return len(buffer)


def test_a_chunked_body_is_refused_after_the_limit_without_being_read_whole(load: Load) -> None:
    body = Endless()
    answer = load("check_basket", SHOP).post(
        "/",
        content_type="application/json",
        environ_overrides={"wsgi.input": body, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )  # fmt: skip
    assert (answer.status_code, answer.json["type"]) == (413, "urn:tombola:problem:too-large")
    assert 0 < body.read_bytes <= 100_000


def test_a_declared_length_over_the_limit_is_refused_unread(load: Load) -> None:
    body = Endless()
    answer = load("check_basket", SHOP).post("/", environ_overrides={"wsgi.input": body, "CONTENT_LENGTH": "1001"})
    assert (answer.status_code, body.read_bytes) == (413, 0)


def test_a_body_of_exactly_the_limit_is_taken(load: Load) -> None:
    assert load("check_basket", SHOP).post("/echo", data=b"x" * 1000).json["bytes"] == 1000


class Trickle(io.BytesIO):
    """A body that arrives a few bytes at a time, as from a slow network."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size, 7) if size and size > 0 else 7)

    def readinto(self, buffer: bytearray) -> int:
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)


def test_a_body_that_arrives_in_pieces_is_read_whole(load: Load) -> None:
    answer = load("check_basket", SHOP).post(
        "/echo", environ_overrides={"wsgi.input": Trickle(b"x" * 500), "CONTENT_LENGTH": "500"}
    )
    assert answer.json["bytes"] == 500


def test_a_body_that_ends_before_its_declared_length_is_the_clients_fault(load: Load) -> None:
    answer = load("check_basket", SHOP).post(
        "/", environ_overrides={"wsgi.input": io.BytesIO(b"{"), "CONTENT_LENGTH": "10"}
    )
    assert (answer.status_code, answer.json["type"]) == (422, "urn:tombola:problem:incomplete-body")


@pytest.mark.usefixtures("fast_retries")
@pytest.mark.parametrize(
    ("path", "status", "type_"),
    [
        ("/forbidden", 403, "forbidden"),
        ("/refused", 422, "beyond-limits"),
        ("/race", 503, "lost-race"),
        ("/outage", 503, "unavailable"),
        ("/bug", 500, "internal-error"),
        ("/none", 500, "internal-error"),
        ("/no-json", 500, "internal-error"),
    ],
)
def test_a_failure_says_what_happened_and_nothing_of_the_inside(
    load: Load, lines: Lines, path: str, status: int, type_: str
) -> None:
    answer = load("check_basket", SHOP).post(path)
    assert (answer.status_code, answer.json["type"]) == (status, f"urn:tombola:problem:{type_}")
    assert b"secretword" not in answer.data
    assert (answer.headers.get("Retry-After") is not None) == (status == 503)
    assert lines()[-1]["status"] == status


def test_header_names_are_read_in_any_case() -> None:
    headers = Headers({"Webhook-Id": "1", "X-A": "2"})
    assert (headers["webhook-id"], headers.get("x-b"), dict(headers)) == ("1", None, {"webhook-id": "1", "x-a": "2"})
    assert len(headers) == 2
    assert Answer().status == 200
