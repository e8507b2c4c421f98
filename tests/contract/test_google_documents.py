"""Documents on Firestore: on a bad line, from broken answers, before and after a fork, and as others read them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from tests.contract.bad_line import CUT, LOST, UNAVAILABLE, BadLine, bad_line

from tombola.adapters.embedded.clock import SystemClock
from tombola.adapters.google.documents import FIRESTORE, GoogleDocuments
from tombola.ports.clock import Clock
from tombola.ports.documents import Create, DocumentKey, OutboundEvent, Replace, Where
from tombola.ports.errors import PreconditionFailed, Unavailable
from tombola.ports.topics import Message
from tombola.runtime.races import decide_again

Maker = Callable[[Clock], GoogleDocuments]
KEY = DocumentKey("plays", ("shop", "1"))
EVENT = OutboundEvent("e1", "order-recorded", Message(b"{}"))
OUTBOX = DocumentKey("outbox", ("e1",))
HOST = "FIRESTORE_EMULATOR_HOST"


@pytest.fixture
def documents(google_documents: Maker) -> GoogleDocuments:
    return google_documents(SystemClock())


@pytest.fixture
def line(documents: GoogleDocuments, monkeypatch: pytest.MonkeyPatch) -> Iterator[BadLine]:
    """Put a bad line between the adapter and the emulator."""
    assert documents.get([KEY]) == [None]
    with bad_line(FIRESTORE.base.removeprefix("http://")) as made:
        monkeypatch.setenv(HOST, made.address)
        yield made


def test_a_bad_moment_is_waited_out(documents: GoogleDocuments, line: BadLine) -> None:
    line.troubles.extend([UNAVAILABLE, UNAVAILABLE])
    documents.commit([Create(KEY, {"n": 1})], [EVENT])
    line.troubles.append(LOST)
    assert all(documents.get([KEY, OUTBOX]))


def test_a_commit_whose_answer_is_lost_is_a_lost_race_to_who_decides_again_and_finds_it_done(
    documents: GoogleDocuments, line: BadLine
) -> None:
    outcomes = []

    def decide() -> object:
        (read,) = documents.get([KEY])
        if read is not None:
            return read.fields["n"]
        line.troubles.append(LOST)
        try:
            documents.commit([Create(KEY, {"n": 1})], [EVENT])
        except PreconditionFailed as lost:
            outcomes.append(lost)
            raise
        return "committed, and told so"

    assert decide_again(decide) == 1
    assert len(outcomes) == 1
    assert documents.get([OUTBOX]) != [None]


def test_events_alone_are_put_into_the_outbox_even_if_the_answer_is_lost(
    documents: GoogleDocuments, line: BadLine
) -> None:
    line.troubles.append(LOST)
    documents.commit([], [EVENT])
    assert documents.get([OUTBOX]) != [None]


def test_half_an_answer_is_an_outage(documents: GoogleDocuments, line: BadLine) -> None:
    documents.commit([Create(KEY, {"campaign": "c"})])
    for read in (lambda: documents.get([KEY]), lambda: list(documents.query("plays", [Where("campaign", "==", "c")]))):
        line.troubles.append(CUT)
        with pytest.raises(Unavailable):
            read()


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Run a service that answers everything alike while the block runs; give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: object) -> None:
            """Write nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b'[{"error": {"code": 500, "message": "went wrong on the way"}}]', "went wrong on the way"),
        (200, b'[{"readTime": "2017-06-15T12:00:00Z"}]', "1 of 1 documents were neither found nor missing"),
        (200, b'[{"readTime": ', "1 documents of plays"),
        (404, b'{"error": {"status": "NOT_FOUND", "message": "no such database"}}', "no such database"),
        (400, b'{"error": {"status": "FAILED_PRECONDITION", "message": "needs an index"}}', "needs an index"),
        (400, b'[{"error": {"status": "FAILED_PRECONDITION", "message": "needs an index"}}]', "needs an index"),
    ],
)
def test_a_read_that_is_not_answered_whole_is_an_outage(
    documents: GoogleDocuments, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, said: str
) -> None:
    with answering(status, body) as address:
        monkeypatch.setenv(HOST, address)
        with pytest.raises(Unavailable, match=said):
            documents.get([KEY])


def test_a_document_names_its_key_to_whoever_reads_it(documents: GoogleDocuments) -> None:
    documents.commit([Create(KEY, {"campaign": "c"})])
    stored = FIRESTORE.ask("GET", f"/v1/{documents._name(KEY)}", "a play").json()["fields"]
    assert set(stored) == {"campaign", "key"}
    parts = stored["key"]["mapValue"]["fields"]["parts"]["arrayValue"]["values"]
    assert parts == [{"stringValue": "shop"}, {"stringValue": "1"}]


def test_databases_of_one_project_are_kept_apart(documents: GoogleDocuments) -> None:
    documents.commit([Create(KEY, {"n": 1})])
    project = documents._root.split("/")[1]
    second = GoogleDocuments(project, SystemClock(), database="second")
    assert second.get([KEY]) == [None]
    second.commit([Create(KEY, {"n": 2})])
    (read,) = second.get([KEY])
    assert read
    second.commit([Replace(KEY, {"n": 3}, read.version)])
    assert [each and each.fields for each in documents.get([KEY])] == [{"n": 1}]


def test_importing_and_constructing_loads_no_client(run: Callable[[str], str]) -> None:
    text = """
import sys
from tombola.adapters.embedded.clock import SystemClock
from tombola.adapters.google.documents import GoogleDocuments
GoogleDocuments("project", SystemClock())
print(sorted({"google.auth", "grpc", "requests", "urllib3"} & set(sys.modules)))
"""
    assert run(text) == "[]\n"


def test_processes_that_are_forked_before_the_first_use_have_a_session_each(
    documents: GoogleDocuments, run: Callable[[str], str]
) -> None:
    text = f"""
import os
from tombola.adapters.embedded.clock import SystemClock
from tombola.adapters.google.documents import GoogleDocuments
from tombola.ports.documents import *
documents = GoogleDocuments({documents._root.split("/")[1]!r}, SystemClock())
child = os.fork()
name = "parent" if child else "child"
for number in range(10):
    documents.commit([Create(DocumentKey("plays", (name, str(number))), {{"campaign": name}})])
if child:
    print(os.waitpid(child, 0)[1])
"""
    assert run(text) == "0\n"
    found = [len(list(documents.query("plays", [Where("campaign", "==", name)]))) for name in ("parent", "child")]
    assert found == [10, 10]
