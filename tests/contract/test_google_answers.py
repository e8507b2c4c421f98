"""What comes instead of an answer, from whatever stands between, is an outage: never a bug, never taken for done."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tombola.adapters.embedded.clock import SystemClock
from tombola.adapters.google.documents import GoogleDocuments
from tombola.adapters.google.keys import GoogleKeys
from tombola.adapters.google.objects import GoogleObjects
from tombola.adapters.google.topics import GoogleTopics
from tombola.ports.documents import Create, DocumentKey
from tombola.ports.errors import Unavailable
from tombola.ports.objects import ObjectRef
from tombola.ports.topics import Message

EMULATED = ("FIRESTORE", "PUBSUB", "SECRET_MANAGER", "STORAGE")
DOCUMENTS, KEYS = GoogleDocuments("project", SystemClock()), GoogleKeys("project", "tombola-")
OBJECTS, TOPICS = GoogleObjects("project", "tombola-"), GoogleTopics("project")
ASKED: dict[str, Callable[[], object]] = {
    "documents": lambda: DOCUMENTS.get([DocumentKey("plays", ("shop", "1"))]),
    "a commit": lambda: DOCUMENTS.commit([Create(DocumentKey("plays", ("shop", "1")), {})]),
    "a query": lambda: list(DOCUMENTS.query("plays", [])),
    "a key": lambda: KEYS.get("receipt-signing"),
    "versions": lambda: KEYS.versions("receipt-signing"),
    "a stat": lambda: OBJECTS.stat("config", "a"),
    "an opening": lambda: OBJECTS.open(ObjectRef("config", "a", 1)),
    "a list": lambda: list(OBJECTS.list("config")),
    "a write": lambda: OBJECTS.replace("config", "a", b""),
    "a publishing": lambda: TOPICS.publish("order-recorded", [Message(b"{}")]),
}


class Between(ThreadingHTTPServer):
    """Answers everything alike."""

    status, body = 200, b""


class _Answers(BaseHTTPRequestHandler):
    server: Between

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Iterator[Between]:
    with Between(("127.0.0.1", 0), _Answers) as server:
        for name in EMULATED:
            monkeypatch.setenv(f"{name}_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("body", [b"", b"<html>sign in", b"[]", b"null"])
def test_what_is_no_answer_is_an_outage(between: Between, asked: str, body: bytes) -> None:
    between.body = body
    with pytest.raises(Unavailable):
        ASKED[asked]()


def test_messages_that_got_no_number_were_not_accepted(between: Between) -> None:
    between.body = b'{"messageIds": ["1"]}'
    ASKED["a publishing"]()
    with pytest.raises(Unavailable, match="1 of 2 messages"):
        TOPICS.publish("order-recorded", [Message(b"{}"), Message(b"{}")])


def test_a_bucket_that_is_not_there_is_an_outage_to_who_lists(between: Between) -> None:
    between.status = 404
    with pytest.raises(Unavailable, match="the bucket is not there"):
        ASKED["a list"]()
