"""The same POST under the same key: one effect, one answer, whatever happens in between."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tombola.adapters.embedded.clock import ReplayClock
from tombola.adapters.embedded.topics import EmbeddedTopics
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, Documents, OutboundEvent, Snapshot, Where, Write
from tombola.ports.errors import PreconditionFailed
from tombola.runtime import wiring
from tombola.runtime.idempotency import KeyMalformed, KeyMissing, key_of, scope

Load = Callable[[str, str], FlaskClient]
TIMEOUT = timedelta(seconds=540)

SOURCE = """
    import os, signal, time
    from tombola.errors import Conflict, Unauthenticated
    from tombola.ports.errors import Unavailable
    from tombola.ports.topics import Message
    from tombola.runtime import Answer, HttpRequest, on_http, ports
    from tombola.runtime.idempotency import Idempotency

    NAPS = [0.3]  # the first is slow, whoever comes after it is not

    class Killed(BaseException):
        pass

    def sender(request: HttpRequest) -> str:
        if request.headers.get("x-password") != "open":
            raise Unauthenticated("nobody knows you")
        return request.path

    @on_http(methods=("POST", "GET"), idempotency=Idempotency(caller=sender))
    def send_letter(request: HttpRequest) -> Answer:
        if request.body == b"kill":
            os.kill(os.getpid(), signal.SIGKILL)
        ports().topics.publish("draws-sealed", [Message(request.body, {"path": request.path})])
        match request.body:
            case b"refuse": raise Conflict("it is recorded otherwise")
            case b"outage": raise Unavailable("down")
            case b"bug": raise ZeroDivisionError
            case b"crash": raise Killed
            case b"large": return Answer({"letter": "x" * 300_000})
            case b"no json": return Answer({"letter": object()})
            case b"later": return Answer({"try": "later"}, 503)
            case b"slow": time.sleep(NAPS.pop() if NAPS else 0)
            case b"empty": return Answer(status=204)
        return Answer({"letter": request.body.decode(), "é": 1.0, "at": time.monotonic_ns()}, 201, {"X-Sent": "yes"})

    @on_http(idempotency=Idempotency(caller=lambda request: "all", required=False))
    def ring_bell(request: HttpRequest) -> Answer:
        ports().topics.publish("draws-sealed", [Message(request.body)])
        return Answer({"rung": True})
"""


@pytest.fixture
def effects(ports: Ports) -> Callable[[], int]:
    """Return a counter of how often work was really done."""

    def count() -> int:
        assert isinstance(ports.topics, EmbeddedTopics)
        return len(ports.topics.recent("draws-sealed", 100_000))

    return count


def post(client: FlaskClient, body: bytes = b"hello", key: str | None = '"k1"', path: str = "/shop") -> TestResponse:
    headers = {"X-Password": "open"} | ({} if key is None else {"Idempotency-Key": key})
    return client.post(path, data=body, headers=headers)


def seen(answer: TestResponse) -> tuple[Any, ...]:
    """Return all of an answer but whether it was given before."""
    return answer.status_code, answer.data, answer.headers.get("Content-Type"), answer.headers.get("X-Sent")


def replayed(answer: TestResponse) -> bool:
    return answer.headers.get("Idempotent-Replayed") == "true"


@pytest.mark.parametrize(("body", "status"), [(b"hello", 201), (b"empty", 204), (b"refuse", 409)])
def test_the_same_request_is_done_once_and_answered_alike(
    load: Load, effects: Callable[[], int], body: bytes, status: int
) -> None:
    client = load("send_letter", SOURCE)
    first, second = post(client, body), post(client, body)
    assert (first.status_code, effects()) == (status, 1)
    assert seen(first) == seen(second)
    assert (replayed(first), replayed(second)) == (False, True)


def test_another_key_is_another_request(load: Load, effects: Callable[[], int]) -> None:
    client = load("send_letter", SOURCE)
    assert [replayed(post(client, key=key)) for key in ('"a"', '"b"', r'"a\""')] == [False] * 3
    assert effects() == 3


def test_a_key_of_one_caller_never_answers_another(load: Load, effects: Callable[[], int]) -> None:
    client = load("send_letter", SOURCE)
    assert [replayed(post(client, path=path)) for path in ("/shop", "/rival", "/shop")] == [False, False, True]
    assert effects() == 2


def test_whoever_is_not_known_is_refused_before_anything_is_looked_up(load: Load, effects: Callable[[], int]) -> None:
    client = load("send_letter", SOURCE)
    post(client)
    stranger = client.post("/shop", data=b"hello", headers={"Idempotency-Key": '"k1"'})
    assert (stranger.status_code, replayed(stranger), effects()) == (401, False, 1)


def test_another_payload_under_the_same_key_is_422_and_is_not_done(load: Load, effects: Callable[[], int]) -> None:
    client = load("send_letter", SOURCE)
    post(client)
    for other in (post(client, b"bye"), client.post("/shop?to=you", data=b"hello", headers=post_headers())):
        assert (other.status_code, other.json["type"]) == (422, "urn:tombola:problem:idempotency-key-reused")
    assert effects() == 1


def post_headers() -> dict[str, str]:
    return {"X-Password": "open", "Idempotency-Key": '"k1"'}


@pytest.mark.parametrize(("body", "status"), [(b"outage", 503), (b"bug", 500), (b"no json", 500), (b"later", 503)])
def test_what_may_go_well_another_time_is_not_kept(
    load: Load, effects: Callable[[], int], body: bytes, status: int
) -> None:
    client = load("send_letter", SOURCE)
    answers = [post(client, body), post(client, body)]
    assert [(one.status_code, replayed(one)) for one in answers] == [(status, False)] * 2
    assert effects() == 2


def test_an_answer_too_large_to_keep_is_said_so_and_the_work_is_not_done_again(
    load: Load, effects: Callable[[], int]
) -> None:
    client = load("send_letter", SOURCE)
    first, second = post(client, b"large"), post(client, b"large")
    assert (first.status_code, len(first.data) > 300_000) == (200, True)
    assert (second.status_code, second.json["type"]) == (409, "urn:tombola:problem:idempotency-answer-not-kept")
    assert effects() == 1


@pytest.mark.parametrize(
    "key",
    ["k1", '""', "'a'", '"a"; x=1', '"a", "b"', '"é"', f'"{"x" * 256}"', '"a\\b"', '"a', '"\\"'],
)  # fmt: skip
def test_a_malformed_key_is_400_and_the_word_says_what_was_expected(
    load: Load, effects: Callable[[], int], key: str
) -> None:
    answer = post(load("ring_bell", SOURCE), key=key)
    assert (answer.status_code, answer.json["type"]) == (400, "urn:tombola:problem:idempotency-key-malformed")
    assert "one quoted string" in answer.json["problems"][0]["expected"]
    assert effects() == 0


def test_a_missing_key_is_400_where_one_is_required_and_nothing_elsewhere(
    load: Load, effects: Callable[[], int]
) -> None:
    refused = post(load("send_letter", SOURCE), key=None)
    assert (refused.status_code, refused.json["type"]) == (400, "urn:tombola:problem:idempotency-key-missing")
    client = load("ring_bell", SOURCE)
    assert [post(client, key=None).status_code for _ in range(2)] == [200, 200]
    assert effects() == 2


def test_methods_that_are_idempotent_anyway_take_no_key(load: Load, effects: Callable[[], int]) -> None:
    client = load("send_letter", SOURCE)
    assert [client.get("/shop").status_code for _ in range(2)] == [201, 201]
    assert effects() == 2


@settings(max_examples=50)
@given(st.text(alphabet='"\\ aé\t~,;', max_size=6))
def test_a_header_is_one_key_or_is_refused(value: str) -> None:
    try:
        key = key_of({"idempotency-key": value}, required=True)
    except KeyMalformed:
        return
    assert key is not None
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    assert (value.strip(" "), len(key) <= 255) == (f'"{escaped}"', True)


def test_no_header_is_no_key() -> None:
    assert key_of({}, required=False) is None
    with pytest.raises(KeyMissing):
        key_of({}, required=True)


def test_the_names_of_keys_cannot_run_into_one_another() -> None:
    assert len({scope("f", "ab", "c"), scope("f", "a", "bc"), scope("fa", "b", "c")}) == 3


def test_what_is_stored_names_neither_the_caller_nor_the_key(load: Load, ports: Ports, tmp_path: Path) -> None:
    post(load("send_letter", SOURCE), b"empty", key='"ann@example.com"', path="/ann")
    (found,) = ports.documents.get([DocumentKey("idempotency", (scope("send_letter", "/ann", "ann@example.com"),))])
    assert found is not None
    assert "ann" not in repr(found)
    assert all(b"ann@" not in file.read_bytes() for file in (tmp_path / "home").glob("documents.sqlite*"))


def test_sixteen_at_once_do_the_work_once(load: Load, effects: Callable[[], int]) -> None:
    application = load("send_letter", SOURCE).application
    start = threading.Barrier(16)

    def call(_: int) -> TestResponse:
        start.wait()
        return post(application.test_client(), b"slow")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(call, range(16)))
    assert effects() == 1
    first = [one for one in answers if one.status_code == 201 and not replayed(one)]
    waiting = [one for one in answers if one.status_code == 409]
    assert len(first) == 1
    assert len(first) + len(waiting) + sum(map(replayed, answers)) == 16
    assert all(one.headers["Retry-After"] == "2" for one in waiting)
    assert waiting
    assert replayed(post(application.test_client(), b"slow"))


def test_a_process_killed_at_work_lets_the_next_one_do_it_once_its_time_is_over(
    load: Load, ports: Ports, clock: ReplayClock, effects: Callable[[], int], tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_text(textwrap.dedent(SOURCE), encoding="utf-8")
    script = (
        "import functions_framework\n"
        "client = functions_framework.create_app('send_letter', 'main.py', 'http').test_client()\n"
        "client.post('/shop', data=b'kill', headers={'X-Password': 'open', 'Idempotency-Key': '\"k1\"'})\n"
    )
    home = {"TOMBOLA_HOME": str(tmp_path / "home"), "TOMBOLA_REPLAY_FROM": ports.clock.now().isoformat()}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env={**os.environ, **home}, check=False)
    assert done.returncode == -signal.SIGKILL
    client = load("send_letter", SOURCE.replace('b"kill"', 'b"never"'))
    assert post(client, b"kill").status_code == 409
    assert post(client, b"other").status_code == 422
    clock.advance(TIMEOUT)
    assert (post(client, b"kill").status_code, effects()) == (201, 1)
    assert (replayed(post(client, b"kill")), effects()) == (True, 1)


class LosesOneAnswer:
    """Documents whose first commit happens, is sent again, and so is told as a lost race; as on Firestore."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.lost = False

    def get(self, keys: Sequence[DocumentKey]) -> list[Snapshot | None]:
        return self.documents.get(keys)

    def query(
        self, collection: str, where: Sequence[Where], *, order_by: str | None = None, limit: int | None = None
    ) -> Iterator[Snapshot]:
        return self.documents.query(collection, where, order_by=order_by, limit=limit)

    def commit(self, writes: Sequence[Write], events: Sequence[OutboundEvent] = ()) -> None:
        self.documents.commit(writes, events)
        if not self.lost:
            self.lost = True
            msg = "it exists already"
            raise PreconditionFailed(msg)


def test_a_lease_whose_commit_was_not_heard_of_is_known_again_and_keeps_nobody_out(
    load: Load, ports: Ports, effects: Callable[[], int]
) -> None:
    client = load("send_letter", SOURCE)
    wiring.install(replace(ports, documents=LosesOneAnswer(ports.documents)))
    assert [(one.status_code, replayed(one)) for one in (post(client), post(client))] == [(201, False), (201, True)]
    assert effects() == 1


def test_whoever_comes_back_after_its_time_leaves_the_next_ones_answer_alone(
    load: Load, clock: ReplayClock, effects: Callable[[], int]
) -> None:
    application = load("send_letter", SOURCE).application
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(lambda: post(application.test_client(), b"slow"))
        while effects() == 0:
            pass
        clock.advance(TIMEOUT)
        second = post(application.test_client(), b"slow")
        assert not slow.done()
        assert (slow.result().status_code, second.status_code, effects()) == (201, 201, 2)
        assert seen(slow.result()) != seen(second)
    third = post(application.test_client(), b"slow")
    assert (replayed(third), seen(third)) == (True, seen(second))


@dataclass
class Model:
    """What should be known of one key."""

    payload: bytes | None = None
    answer: tuple[Any, ...] | None = None
    leased_until: datetime | None = None
    expires: datetime | None = None


@dataclass
class World:
    client: FlaskClient
    clock: ReplayClock
    effects: Callable[[], int]
    path: str = field(default_factory=lambda: f"/{uuid.uuid4().hex}")
    keys: dict[str, Model] = field(default_factory=dict)

    def call(self, key: str, body: bytes) -> None:
        now, before, known = self.clock.now(), self.effects(), self.keys.setdefault(key, Model())
        if known.expires is None or known.expires <= now:
            known = self.keys[key] = Model()
        answer = self.answer(key, body)
        done = self.effects() - before
        if known.payload not in {None, body}:
            assert (done, answer and answer.status_code) == (0, 422)
        elif known.answer is not None:
            assert answer is not None
            assert (done, replayed(answer), seen(answer)) == (0, True, known.answer)
        elif known.leased_until is not None and now < known.leased_until:
            assert (done, answer and answer.status_code) == (0, 409)
        else:
            self.worked(key, body, done, answer)

    def answer(self, key: str, body: bytes) -> TestResponse | None:
        try:
            return post(self.client, body, key=f'"{key}"', path=self.path)
        except BaseException as error:
            if type(error).__name__ != "Killed":
                raise
            return None

    def worked(self, key: str, body: bytes, done: int, answer: TestResponse | None) -> None:
        now = self.clock.now()
        assert (done, answer is None) == (1, body == b"crash")
        kept = answer is not None and answer.status_code < 500
        self.keys[key] = Model(
            body,
            seen(answer) if answer and kept else None,
            None if answer else now + TIMEOUT,
            now + timedelta(hours=24),
        )


@pytest.fixture
def letters(load: Load) -> FlaskClient:
    """Return a client of a function, loaded once for all examples."""
    return load("send_letter", SOURCE)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.sampled_from([b"hello", b"outage", b"refuse", b"crash"]))
        | st.sampled_from([timedelta(minutes=1), TIMEOUT, timedelta(hours=25)]),
        max_size=12,
    )
)
def test_any_sequence_of_calls_crashes_and_pauses_keeps_the_promise(
    letters: FlaskClient, clock: ReplayClock, effects: Callable[[], int], steps: list[Any]
) -> None:
    world = World(letters, clock, effects)
    for step in steps:
        if isinstance(step, timedelta):
            clock.advance(step)
        else:
            world.call(*step)
