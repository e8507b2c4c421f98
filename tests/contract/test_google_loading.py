"""Loading into BigQuery when the line is bad and jobs fail: each row is stored once all the same.

BigQuery refuses a job's name that is taken; its stand-in runs the job again. So a gate stands before it here, which has
that one rule, and can lose answers on their way back.
"""

import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.api_core.exceptions import GoogleAPIError

from tombola.adapters.google.warehouse import GoogleWarehouse, _job_name
from tombola.adapters.google.warehouse_clients import EMULATOR
from tombola.local.emulators.running import Running
from tombola.ports.objects import ObjectRef, Objects
from tombola.ports.warehouse import Warehouse

TABLES = {"feed_lines": pa.schema([("line", pa.int64())])}
Made = Callable[..., tuple[Objects, GoogleWarehouse]]


class Gate:
    """What the gate has seen, and how many answers to new load jobs it still loses."""

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.jobs: list[str] = []
        self.to_lose = 0
        self.lock = threading.Lock()

    def admits(self, job: str) -> bool:
        """Note a load job, and tell whether its name is free."""
        with self.lock:
            self.jobs.append(job)
            return self.jobs.count(job) == 1

    def loses(self) -> bool:
        with self.lock:
            self.to_lose -= 1
            return self.to_lose >= 0


def _handler(gate: Gate) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass(None)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            job = json.loads(body)
            is_load = "load" in job.get("configuration", {})
            if is_load and not gate.admits(job["jobReference"]["jobId"]):
                taken = {"error": {"code": 409, "errors": [{"reason": "duplicate"}], "message": "Already Exists: Job"}}
                self._send(409, json.dumps(taken).encode())
                return
            self._pass(body, lost=is_load and gate.loses())

        def _pass(self, body: bytes | None, *, lost: bool = False) -> None:
            asked = Request(  # noqa: S310 (http)
                gate.behind + self.path, body, {"Content-Type": "application/json"}, method=self.command
            )
            try:
                with urlopen(asked, timeout=60) as answer:  # noqa: S310 (http)
                    status, told = answer.status, answer.read()
            except HTTPError as error:
                status, told = error.code, error.read()
            if lost:
                self.close_connection = True
                return
            self._send(status, told)

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture
def gate(bigquery_emulator: Running, google_warehouse: Made, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Stand before BigQuery's stand-in."""
    assert google_warehouse
    gate = Gate(bigquery_emulator.address)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(gate))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv(EMULATOR, f"http://127.0.0.1:{server.server_port}")
    yield gate
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def both(google_warehouse: Made, gate: Gate) -> tuple[Objects, GoogleWarehouse]:
    assert not gate.jobs
    return google_warehouse(TABLES, {})


def lines(objects: Objects, name: str, *numbers: int) -> ObjectRef:
    stream = io.BytesIO()
    pq.write_table(pa.table({"line": pa.array(numbers, pa.int64())}), stream)
    return objects.replace("staging", name, stream.getvalue())


def count(warehouse: Warehouse) -> int:
    return int(warehouse.query("SELECT count(*) AS n FROM feed_lines")["n"][0].as_py())


def stored(warehouse: GoogleWarehouse) -> int:
    """Return how many rows lie behind the view."""
    return int(warehouse._run("test", "SELECT COUNT(*) AS n FROM feed_lines_rows", {})["n"][0].as_py())


def run(warehouse: GoogleWarehouse, refs: list[ObjectRef]) -> None:
    """Load as a call does that dies before it notes what it loaded."""
    warehouse._load_once("feed_lines", _job_name("feed_lines", refs), warehouse._carry("feed_lines", refs))


def test_an_answer_lost_on_the_way_stores_nothing_twice(both: tuple[Objects, GoogleWarehouse], gate: Gate) -> None:
    objects, warehouse = both
    gate.to_lose = 1
    warehouse.load("feed_lines", [lines(objects, "a", 1, 2)])
    assert len(gate.jobs) == 2
    assert len(set(gate.jobs)) == 1
    assert (count(warehouse), stored(warehouse)) == (2, 2)


def test_a_load_that_died_before_it_was_noted_is_adopted(both: tuple[Objects, GoogleWarehouse], gate: Gate) -> None:
    objects, warehouse = both
    refs = [lines(objects, "a", 1, 2), lines(objects, "b", 3)]
    run(warehouse, refs)
    assert warehouse.loaded("feed_lines") == set()
    warehouse.load("feed_lines", refs)
    assert len(gate.jobs) == 2
    assert (count(warehouse), stored(warehouse)) == (3, 3)
    assert warehouse.loaded("feed_lines") == {(ref.name, ref.generation) for ref in refs}


def test_rows_of_a_load_that_was_never_noted_show_once_beside_those_of_the_next(
    both: tuple[Objects, GoogleWarehouse],
) -> None:
    objects, warehouse = both
    first, second = lines(objects, "a", 1, 2), lines(objects, "b", 3)
    run(warehouse, [first])
    warehouse.load("feed_lines", [first, second])
    assert (count(warehouse), stored(warehouse)) == (3, 5)


def test_after_a_job_that_failed_the_next_call_runs_another(both: tuple[Objects, GoogleWarehouse], gate: Gate) -> None:
    objects, warehouse = both
    ref = lines(objects, "a", 1)
    (uri,) = warehouse._carry("feed_lines", [ref])
    carried = objects.stat("staging", uri.partition("staging/")[2]).ref
    name = _job_name("feed_lines", [ref])
    objects.delete(carried)
    with pytest.raises(GoogleAPIError, match="No files found"):
        warehouse._load_once("feed_lines", name, [uri])
    warehouse.load("feed_lines", [ref])
    assert gate.jobs == [f"{name}_1", f"{name}_1", f"{name}_2"]
    assert (count(warehouse), stored(warehouse)) == (1, 1)
