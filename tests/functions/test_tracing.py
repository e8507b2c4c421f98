"""One order through all functions on one machine: one trace, in every span and in every line of the log."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tombola.adapters.embedded.clock import ReplayClock
from tombola.campaigns.usecases import commit_campaign, launch_campaign
from tombola.games.tokens import SIGNING_KEY
from tombola.local.console import Console
from tombola.local.console_traces import traces_of_order, waterfall
from tombola.local.development import prepare, traced
from tombola.local.host import answer_of
from tombola.local.laptop import Laptop, assemble
from tombola.local.runner import Tally
from tombola.local.traces import Traces
from tombola.orders.signatures import sign
from tombola.runtime import logs, wiring
from tombola.runtime.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
CAMPAIGN = ROOT / "tests" / "unit" / "campaigns" / "files" / "wheel.yaml"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ORDER = {
    "type": "order.stated", "order_id": "o-1", "scope": "whole", "stated_at": NOW.isoformat(), "shopper_id": "1042",
    "store_id": "317", "ordered_at": NOW.isoformat(), "currency": "USD",
    "lines": [{"line_id": "1", "product_id": "milk", "quantity": 2, "value": "12.00"}],
}  # fmt: skip
RULES = {
    "window": {"opens": "2026-05-04T00:00:00", "closes": "2026-05-11T00:00:00", "time_zone": "UTC"},
    "reveal_by": "2026-09-30T00:00:00Z",
    "criteria": {"all": [{"minimum_quantity": 2}]},
    "control": {"share": "0", "mode": "invitation"},
}


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    """Return every function of this checkout on one machine, where a campaign runs that the order qualifies for."""
    home = tmp_path / "home"
    ports = wiring.build(Settings(home=home, functions=ROOT / "functions", replay_from=NOW - timedelta(days=1)))
    prepare(ports)
    rules = {**yaml.safe_load(CAMPAIGN.read_text(encoding="utf-8")), **RULES}
    commit_campaign(ports, yaml.safe_dump(rules), id_key=bytes(range(32)), seed=bytes(32))
    launch_campaign(ports, "spring-wheel", "a witness")
    assert ports.keys.versions(SIGNING_KEY)
    assert isinstance(ports.clock, ReplayClock)
    ports.clock.set(NOW)
    yield assemble(home, ports, ROOT / "functions")
    wiring.install(None)


@pytest.fixture
def traces(laptop: Laptop, tmp_path: Path) -> Iterator[Traces]:
    """Return the traces of that machine."""
    assert laptop.ports
    with traced(tmp_path / "home") as kept:
        yield kept


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return a reader of what was logged."""
    stream = io.StringIO()
    logs.configure(stream, project="some-project")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logs.configure()


def send(laptop: Laptop, body: bytes, **headers: str) -> None:
    secret = laptop.ports.keys.get("webhook-corner-shop", 1).material
    signed = {**sign(secret, "msg-1", laptop.ports.clock.now(), body), "Content-Type": "application/json", **headers}
    reply = laptop.host.call("receive_webhook", body, path="/corner-shop", headers=list(signed.items()))
    assert reply.status == 202, reply.body
    laptop.runner.drain()


def test_a_webhooks_trace_leads_to_the_token(
    laptop: Laptop, traces: Traces, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    send(laptop, json.dumps(ORDER).encode(), traceparent=f"00-{TRACE}-{SPAN}-00")
    (found,) = traces_of_order(laptop.ports, traces, "corner-shop", "o-1")
    assert (found["trace_id"], found["begins_with"], found["failed"]) == (TRACE, "receive_webhook", 0)
    spans: Any = waterfall(traces, TRACE)["spans"]
    assert [(span["depth"], span["name"]) for span in spans[:4]] == [
        (0, "receive_webhook"),
        (1, "send order-received"),
        (2, "record_order"),
        (3, "send order-recorded"),
    ]
    assert {(4, "update_profile"), (4, "issue_token"), (5, "send play-changed")} == {
        (span["depth"], span["name"]) for span in spans[4:]
    }
    requests = [line for line in lines() if line["message"] == "request"]
    assert {line["function"] for line in requests} == {
        "receive_webhook", "record_order", "update_profile", "issue_token",
    }  # fmt: skip
    assert {line["logging.googleapis.com/trace"] for line in requests} == {f"projects/some-project/traces/{TRACE}"}
    spans_of_functions = {one["span_id"] for one in traces.of_trace(TRACE) if one["kind"] != "producer"}
    assert {line["logging.googleapis.com/spanId"] for line in requests} == spans_of_functions
    assert len(list(laptop.ports.documents.query("plays", []))) == 1


def test_no_word_of_the_order_stands_in_its_trace(laptop: Laptop, traces: Traces) -> None:
    send(laptop, json.dumps({**ORDER, "order_id": "secret-order", "shopper_id": "secret-ann"}).encode())
    (found,) = traces_of_order(laptop.ports, traces, "corner-shop", "secret-order")
    told = json.dumps(traces.of_trace(str(found["trace_id"])))
    assert "secret" not in told
    assert "corner" not in told


def test_the_console_shows_the_traces_of_an_order_and_says_which_are_not_kept(
    laptop: Laptop, traces: Traces, tmp_path: Path
) -> None:
    send(laptop, json.dumps(ORDER).encode(), traceparent=f"00-{TRACE}-{SPAN}-00")
    console = Console(laptop.ports, laptop.queue, laptop.lanes, tmp_path / "home", Tally, traces)

    def ask(path: str, body: object = None) -> tuple[int, Any]:
        sent = json.dumps(body).encode()
        reply = answer_of(console, {
            "REQUEST_METHOD": "POST" if body else "GET", "PATH_INFO": path, "wsgi.input": io.BytesIO(sent),
            "CONTENT_LENGTH": str(len(sent)), "HTTP_HOST": "h", "HTTP_TOMBOLA_CONSOLE": "1",
            "SERVER_NAME": "h", "SERVER_PORT": "80", "wsgi.url_scheme": "http",
        })  # fmt: skip
        return reply.status, json.loads(reply.body)

    status, found = ask("/console/traces", {"retailer": "corner-shop", "order_id": "o-1"})
    assert (status, [one["trace_id"] for one in found]) == (200, [TRACE])
    assert [one["trace_id"] for one in ask("/console/state")[1]["traces"]] == [TRACE]
    assert len(ask(f"/console/traces/{TRACE}")[1]["spans"]) == 7
    assert ask(f"/console/traces/{SPAN}")[0] == 404
    assert ask("/console/traces", {"retailer": "corner-shop", "order_id": "o-2"})[0] == 404
