"""Spans and metrics on their way to Google Cloud, from a function served as the platform serves it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TOKEN = "token-of-the-service-account"
SOURCE = """
from tombola.ports.topics import Message
from tombola.runtime import Answer, on_http, ports


@on_http()
def tell_all(request):
    if request.path == "/fail":
        raise ValueError
    ports().topics.publish("order-recorded", [Message(b"{}")] * 3)
    return Answer({})
"""


@dataclass
class Collector:
    """What speaks the part of Google's Telemetry API and of its token server that is used."""

    traces: list[Span] = field(default_factory=list)
    metrics: dict[str, int] = field(default_factory=dict)
    resources: set[tuple[str, str]] = field(default_factory=set)
    authorized: set[str | None] = field(default_factory=set)
    address: str = ""

    def take(self, path: str, body: bytes) -> None:
        """Keep what was exported to a path."""
        if path == "/v1/traces":
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources |= {(one.key, one.value.string_value) for one in group.resource.attributes}
                self.traces += [span for scope in group.scope_spans for span in scope.spans]
        elif path == "/v1/metrics":
            for measured in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for metric in (one for scope in measured.scope_metrics for one in scope.metrics):
                    self.metrics[metric.name] = sum(point.as_double or point.as_int for point in metric.sum.data_points)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Listen on a free port of this machine."""
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/token":
                answer = json.dumps({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}).encode()
            else:
                made.authorized.add(self.headers["Authorization"])
                made.take(self.path, body)
                answer = b""
            self.send_response(200)
            self.send_header("Content-Type", "application/json" if answer else "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def account(tmp_path: Path, collector: Collector) -> Path:
    """Return the key file of a service account whose token server is the collector."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path / "account.json"
    told = {
        "type": "service_account", "project_id": "some-project", "private_key_id": "1",
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "client_email": "tell-all@some-project.iam.gserviceaccount.com", "token_uri": f"{collector.address}/token",
    }  # fmt: skip
    file.write_text(json.dumps(told), encoding="utf-8")
    return file


@pytest.fixture
def served(tmp_path: Path, collector: Collector, account: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Serve one function as the platform does; yield its process and its address."""
    (tmp_path / "main.py").write_text(SOURCE, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    wanted = {
        "TOMBOLA_TELEMETRY": "google", "TOMBOLA_TELEMETRY_ENDPOINT": collector.address, "TOMBOLA_TRACE_SAMPLING": "0",
        "TOMBOLA_PROJECT": "some-project", "TOMBOLA_HOME": str(tmp_path / "home"),
        "TOMBOLA_FUNCTIONS": str(FUNCTIONS), "GOOGLE_APPLICATION_CREDENTIALS": str(account), "K_SERVICE": "tell-all",
        "OTEL_RESOURCE_ATTRIBUTES": "cloud.region=europe-west1", "PORT": str(port),
    }  # fmt: skip
    command = "from functions_framework._cli import _cli; _cli()"
    with subprocess.Popen(
        [sys.executable, "-c", command, "--target", "tell_all", "--source", str(tmp_path / "main.py")],
        env={**os.environ, **wanted}, stdout=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def call(address: str, traceparent: str) -> int:
    """Return the status of a call, made again until the server listens."""
    request = urllib.request.Request(address, b"{}", {"traceparent": traceparent})  # noqa: S310 (our own server)
    give_up = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def test_a_function_that_is_told_to_stop_exports_what_it_holds_as_its_account(
    served: tuple[subprocess.Popen[bytes], str], collector: Collector
) -> None:
    process, address = served
    assert call(address, f"00-{TRACE}-{SPAN}-01") == 200
    assert call(f"{address}/fail", f"00-{TRACE}-{SPAN}-01") == 500
    assert call(address, f"00-{'9' * 32}-{SPAN}-00") == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    sent, served_span, failed = sorted(
        collector.traces, key=lambda span: (span.name != "send order-recorded", span.status.code)
    )
    assert (sent.kind, served_span.kind) == (Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_SERVER)
    assert {span.trace_id.hex() for span in collector.traces} == {TRACE}
    assert (sent.parent_span_id, served_span.parent_span_id.hex()) == (served_span.span_id, SPAN)
    assert (served_span.status.code, failed.status.code) == (Status.STATUS_CODE_UNSET, Status.STATUS_CODE_ERROR)
    attributes = {one.key: one.value for one in failed.attributes}
    assert attributes["faas.name"].string_value == "tell_all"
    assert attributes["http.response.status_code"].int_value == 500
    assert collector.metrics["faas.invocations"] == 3
    assert collector.metrics["messaging.client.sent.messages"] == 6
    assert {("service.name", "tell-all"), ("gcp.project_id", "some-project"), ("cloud.region", "europe-west1")} <= (
        collector.resources
    )
    assert collector.authorized == {f"Bearer {TOKEN}"}
