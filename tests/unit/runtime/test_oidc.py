"""Identity tokens: where the platform does not ask who calls, the runtime does. Keys are minted and served here."""

import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from flask.testing import FlaskClient
from jwt.algorithms import RSAAlgorithm

from tombola.adapters.embedded.topics import Kept
from tombola.ports.errors import Unavailable
from tombola.runtime import wiring
from tombola.runtime.faults import UnknownCaller
from tombola.runtime.oidc import Verifier

Load = Callable[[str, str], FlaskClient]
Push = Callable[..., dict[str, Any]]
Letters = Callable[[], list[Kept]]

AUDIENCE, ACCOUNT = "https://ring-bell.example", "pusher@some-project.iam.gserviceaccount.com"
FUNCTIONS = """
    from typing import ClassVar
    from tombola.events import Event
    from tombola.runtime import on_event, on_schedule

    class BellRung(Event):
        TYPE: ClassVar[str] = "bell-rung"

    @on_event(BellRung)
    def ring_bell(event, delivery):
        print("rung")

    @on_schedule
    def wind_up():
        print("wound")
"""


class Certificates(ThreadingHTTPServer):
    """Serves a set of public keys, as Google does; counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.keys: dict[str, RSAPrivateKey] = {}
        self.asked = 0
        self.instead: bytes | None = None
        self._path = secrets.token_hex(8)

    @property
    def address(self) -> str:
        """Where the keys are: not where another set was, though a port may come again, for keys are kept by address."""
        return f"http://127.0.0.1:{self.server_port}/{self._path}"

    def body(self) -> bytes:
        self.asked += 1
        if self.instead is not None:
            return self.instead
        public = [
            {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig", "alg": "RS256"}
            for name, key in self.keys.items()
        ]
        return json.dumps({"keys": public}).encode()


class _Answers(BaseHTTPRequestHandler):
    server: Certificates

    def do_GET(self) -> None:
        body = self.server.body()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def minted() -> list[RSAPrivateKey]:
    """Return three keys, which take a while to make."""
    return [generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3)]


@pytest.fixture
def certificates(minted: list[RSAPrivateKey]) -> Iterator[Certificates]:
    with Certificates() as server:
        server.keys["first"] = minted[0]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def client(load: Load, certificates: Certificates) -> Iterator[FlaskClient]:
    """Return a client of a function whose settings ask for tokens."""
    before = dict(os.environ)
    os.environ.update(
        TOMBOLA_PUSH_AUDIENCE=AUDIENCE, TOMBOLA_PUSH_ACCOUNT=ACCOUNT, TOMBOLA_PUSH_KEYS=certificates.address
    )
    yield load("ring_bell", FUNCTIONS)
    os.environ.clear()
    os.environ.update(before)
    wiring.install(None)


def token(key: RSAPrivateKey | str, kid: str | None = "first", algorithm: str = "RS256", **other: object) -> str:
    now = int(time.time())
    claims = {
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "email": ACCOUNT, "email_verified": True,
        "sub": "113774264463038321964", "iat": now, "exp": now + 3600,
    }  # fmt: skip
    stated = {name: value for name, value in {**claims, **other}.items() if value is not None}
    return jwt.encode(stated, key, algorithm, {"kid": kid} if kid else None)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_the_platform_is_let_in(
    client: FlaskClient, push: Push, minted: list[RSAPrivateKey], capsys: pytest.CaptureFixture[str]
) -> None:
    for issuer in ("https://accounts.google.com", "accounts.google.com"):
        sent = client.post("/", json=push(b'{"event_id": "0a1b"}'), headers=bearer(token(minted[0], iss=issuer)))
        assert sent.status_code == 204
    assert capsys.readouterr().out == "rung\nrung\n"


REFUSED: dict[str, tuple[int, Callable[[list[RSAPrivateKey]], dict[str, str]]]] = {
    "no token": (401, lambda _: {}),
    "another scheme": (401, lambda keys: {"Authorization": f"Basic {token(keys[0])}"}),
    "an empty token": (401, lambda _: bearer("")),
    "no token at all in it": (401, lambda _: bearer("a.b.c")),
    "another audience": (401, lambda keys: bearer(token(keys[0], aud="https://play-game.example"))),
    "many audiences": (401, lambda keys: bearer(token(keys[0], aud=[AUDIENCE, "https://play-game.example"]))),
    "another issuer": (401, lambda keys: bearer(token(keys[0], iss="https://accounts.example"))),
    "another account": (403, lambda keys: bearer(token(keys[0], email="stranger@some-project.example"))),
    "no account": (403, lambda keys: bearer(token(keys[0], email=None))),
    "an account nobody verified": (403, lambda keys: bearer(token(keys[0], email_verified=False))),
    "verified as text": (403, lambda keys: bearer(token(keys[0], email_verified="true"))),
    "expired": (401, lambda keys: bearer(token(keys[0], exp=int(time.time()) - 60))),
    "no expiry": (401, lambda keys: bearer(token(keys[0], exp=None))),
    "made in the future": (401, lambda keys: bearer(token(keys[0], iat=int(time.time()) + 600))),
    "not signed": (401, lambda _: bearer(token("", algorithm="none"))),
    "signed with a key of the caller's own": (401, lambda keys: bearer(token(keys[1]))),
    "signed with a key nobody knows": (401, lambda keys: bearer(token(keys[1], kid="second"))),
    "signed without saying with which key": (401, lambda keys: bearer(token(keys[0], kid=None))),
    "signed with a secret": (401, lambda _: bearer(token("0" * 64, algorithm="HS256"))),
}


@pytest.mark.parametrize("why", REFUSED)
def test_anybody_else_is_refused_and_leaves_no_dead_letter(
    why: str,
    client: FlaskClient,
    push: Push,
    minted: list[RSAPrivateKey],
    letters: Letters,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, headers = REFUSED[why]
    sent = client.post("/", json=push(b'{"event_id": "0a1b"}'), headers=headers(minted))
    assert (sent.status_code, sent.content_type) == (status, "application/problem+json")
    assert sent.get_json()["problems"][0]["where"] == "authorization"
    assert "eyJ" not in sent.text
    assert letters() == []
    assert capsys.readouterr().out == ""


def test_a_clock_shows_its_token_too(
    load: Load, client: FlaskClient, minted: list[RSAPrivateKey], capsys: pytest.CaptureFixture[str]
) -> None:
    assert client.post("/").status_code == 401
    clock = load("wind_up", FUNCTIONS)
    assert clock.post("/").status_code == 401
    assert clock.post("/", headers=bearer(token(minted[0], email="stranger@x.example"))).status_code == 403
    assert clock.post("/", headers=bearer(token(minted[0]))).status_code == 204
    assert capsys.readouterr().out == "wound\n"


def test_keys_that_cannot_be_had_are_an_outage(
    client: FlaskClient, push: Push, minted: list[RSAPrivateKey], certificates: Certificates, letters: Letters
) -> None:
    certificates.shutdown()
    certificates.server_close()
    sent = client.post("/", json=push(b'{"event_id": "0a1b"}'), headers=bearer(token(minted[0])))
    assert sent.status_code == 503
    assert letters() == []


@pytest.mark.parametrize(
    "instead", [b"<html>", b"\xff\xfe\xff", b"[]", b'{"keys": []}', b'{"keys": [{"kid": "first"}]}']
)
def test_anything_else_than_keys_is_an_outage_too(
    client: FlaskClient, push: Push, minted: list[RSAPrivateKey], certificates: Certificates, instead: bytes
) -> None:
    certificates.instead = instead
    sent = client.post("/", json=push(b'{"event_id": "0a1b"}'), headers=bearer(token(minted[0])))
    assert sent.status_code == 503
    certificates.instead = None
    sent = client.post("/", json=push(b'{"event_id": "0a1b"}'), headers=bearer(token(minted[0])))
    assert sent.status_code == 204


def test_keys_are_fetched_once_for_many_calls(
    client: FlaskClient, push: Push, minted: list[RSAPrivateKey], certificates: Certificates
) -> None:
    for _ in range(5):
        client.post("/", json=push(b'{"event_id": "0a1b"}'), headers=bearer(token(minted[0])))
        client.post("/", json=push(b'{"event_id": "0a1b"}'), headers=bearer(token(minted[1], kid="of-my-own")))
    assert certificates.asked == 1


def test_a_new_key_is_believed_and_one_that_is_gone_is_not(
    minted: list[RSAPrivateKey], certificates: Certificates
) -> None:
    verifier = Verifier(AUDIENCE, ACCOUNT, jwt.PyJWKClient(certificates.address, cooldown_duration=0))
    verifier.check({"authorization": f"Bearer {token(minted[0])}"})
    certificates.keys = {"second": minted[1]}
    verifier.check({"authorization": f"Bearer {token(minted[1], kid='second')}"})
    with pytest.raises(UnknownCaller):
        verifier.check({"authorization": f"Bearer {token(minted[0])}"})
    certificates.shutdown()
    certificates.server_close()
    verifier.check({"authorization": f"Bearer {token(minted[1], kid='second')}"})
    with pytest.raises(Unavailable):
        verifier.check({"authorization": f"Bearer {token(minted[2], kid='third')}"})


def test_one_setting_without_the_other_lets_nobody_in(client: FlaskClient, push: Push) -> None:
    del os.environ["TOMBOLA_PUSH_AUDIENCE"]
    assert client.post("/", json=push(b'{"event_id": "0a1b"}')).status_code == 500


def test_nothing_is_asked_where_the_platform_verifies(load: Load, push: Push) -> None:
    sent = load("ring_bell", FUNCTIONS).post(
        "/", json=push(b'{"event_id": "0a1b"}'), headers=bearer("eyJ.eyJ.SIGNATURE_REMOVED_BY_GOOGLE")
    )
    assert sent.status_code == 204
