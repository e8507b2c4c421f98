"""What telemetry costs: an event function that publishes one message, called without a socket, recorder by recorder.

`python -m tests.bench.telemetry [--calls N] [--rounds N]`. Recorders take turns, so that what else the machine does
meets all alike; CPU seconds of the process count, and the least of all rounds.
"""

import argparse
import base64
import json
import os
import platform
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from tombola.local.host import Host
from tombola.local.traces import Traces
from tombola.runtime import logs, wiring
from tombola.runtime.settings import Settings
from tombola.runtime.tracing import recording
from tombola.runtime.tracing.console import ConsoleRecorder
from tombola.runtime.tracing.otlp import otlp_recorder

if TYPE_CHECKING:
    from tombola.runtime.tracing.recording import Recorder

SOURCE = """
from tombola.events import Event
from tombola.ports.topics import Message
from tombola.runtime import Delivery, on_event, ports


class Ping(Event):
    TYPE = "order-received"


@on_event(Ping)
def pass_on(event: Ping, delivery: Delivery) -> None:
    ports().topics.publish("feed-validated", [Message(b"{}", {"event_id": event.event_id})])
"""
MANIFEST = "summary: Passes pings on.\ntrigger: {topic: order-received, lanes: [live, bulk]}\n"
DEFAULTS = Path(__file__).parents[2] / "functions" / "defaults.yaml"
MEMORY_DISK = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0"
NOBODY_LISTENS = "http://127.0.0.1:9"


def main() -> None:
    """Measure every recorder in turn, and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=1_000)
    options.add_argument("--rounds", type=int, default=7)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=MEMORY_DISK if MEMORY_DISK.is_dir() else None) as folder:
        host = _host(Path(folder))
        with closing(Traces(Path(folder))) as traces:
            best = _measured(host, _recorders(traces), given.calls, given.rounds)
    least = best["none"]
    say = Console(highlight=False).print
    machine = f"{os.cpu_count()} cores {platform.machine()}, load {os.getloadavg()[0]:.1f}"
    say(f"{machine}, Python {platform.python_version()}")
    for name, seconds in best.items():
        say(f"{name:18} {seconds * 1e6:7.1f} us of CPU a call, {seconds / least:5.2f} x none")


def _recorders(traces: Traces) -> "Mapping[str, Recorder | None]":
    """Return what is compared. Nobody listens to the exporter, so what is exported is batched and encoded, not sent."""
    otlp = otlp_recorder(Settings(telemetry="otlp", telemetry_endpoint=NOBODY_LISTENS))
    return {"none": None, "console": ConsoleRecorder(), "home": traces, "otlp, not sampled": otlp, "otlp": otlp}


def _measured(host: Host, recorders: "Mapping[str, Recorder | None]", calls: int, rounds: int) -> dict[str, float]:
    """Return the least CPU seconds of a call, by recorder."""
    best = dict.fromkeys(recorders, float("inf"))
    for _ in range(rounds):
        for name, recorder in recorders.items():
            recording.install(recorder)
            best[name] = min(best[name], _round(host, calls, sampled=name != "otlp, not sampled"))
    recording.install(None)
    return best


def _round(host: Host, calls: int, *, sampled: bool) -> float:
    body = _push(sampled=sampled)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        started = time.process_time()
        for _ in range(calls):
            host.call("pass_on", body)
        return (time.process_time() - started) / calls


def _push(*, sampled: bool) -> bytes:
    """Return the body of a push whose message carries a trace."""
    attributes = {"event_id": "0a" * 16, "traceparent": f"{TRACEPARENT}{int(sampled)}"}
    data = base64.b64encode(b'{"event_id": "0a"}').decode()
    message = {"data": data, "messageId": "1", "attributes": attributes}
    return json.dumps({"message": message, "subscription": "projects/local/subscriptions/pass-on"}).encode()


def _host(folder: Path) -> Host:
    """Return a host of one function, over a home in the folder."""
    functions = folder / "functions"
    (functions / "pass_on" / "events").mkdir(parents=True)
    (functions / "defaults.yaml").write_bytes(DEFAULTS.read_bytes())
    (functions / "pass_on" / "function.yaml").write_text(MANIFEST, encoding="utf-8")
    (functions / "pass_on" / "main.py").write_text(SOURCE, encoding="utf-8")
    (functions / "pass_on" / "events" / "sample.json").write_text("{}", encoding="utf-8")
    logs.configure(level="critical")
    return Host(functions, wiring.build(Settings(home=folder / "home", functions=functions)))


if __name__ == "__main__":
    main()
