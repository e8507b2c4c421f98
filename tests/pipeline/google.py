"""A server that speaks as much of Google's REST interfaces as deployments ask for, over plain dictionaries."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

VARIABLES = (
    "ARTIFACT_REGISTRY_EMULATOR_HOST", "CLOUD_BUILD_EMULATOR_HOST", "MONITORING_EMULATOR_HOST", "RUN_EMULATOR_HOST",
    "STORAGE_EMULATOR_HOST",
)  # fmt: skip


@dataclass
class Google:
    """What there is: images and objects by name, services, builds that were asked for, and what revisions answered."""

    images: set[str] = field(default_factory=set)
    objects: dict[str, bytes] = field(default_factory=dict)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    builds: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, dict[str, int]] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)

    def answer(self, method: str, url: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Return status and body of an answer."""
        parts, asked = urlsplit(url), parse_qs(urlsplit(url).query)
        if tag := re.search(r"/packages/([\w-]+)/tags/(\w+)$", parts.path):
            return (200, {}) if f"{tag[1]}:{tag[2]}" in self.images else (404, {})
        if parts.path.startswith("/upload/"):
            return self._upload(asked["name"][0], body)
        if parts.path.endswith("/builds"):
            return self._build(json.loads(body))
        if operation := re.search(r"/operations/(\d+)$", parts.path):
            return self._operation(int(operation[1]))
        if parts.path.endswith("/timeSeries"):
            return 200, {"timeSeries": self._series(asked["filter"][0])}
        return self._service(method, parts.path.rpartition("/")[2], body)

    def _upload(self, name: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if name in self.objects:
            return 412, {}
        self.objects[name] = body
        return 200, {}

    def _build(self, build: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.builds.append(build)
        return 200, {"name": f"operations/{len(self.builds) - 1}"}

    def _operation(self, number: int) -> tuple[int, dict[str, Any]]:
        image = self.builds[number]["images"][0].rpartition("/")[2]
        if image.partition(":")[0] in self.failing:
            return 200, {"done": True, "error": {"message": "no"}, "metadata": {"build": {"logUrl": "https://logs"}}}
        self.images.add(image)
        return 200, {"done": True}

    def _service(self, method: str, name: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if name not in self.services:
            return 404, {}
        if method == "PATCH":
            self.services[name]["traffic"] = json.loads(body)["traffic"]
        return 200, self.services[name]

    def _series(self, asked: str) -> list[dict[str, Any]]:
        revision = re.search(r'revision_name = "([\w-]+)"', asked)
        return [
            {"metric": {"labels": {"response_code_class": kind}}, "points": [{"value": {"int64Value": str(count)}}]}
            for kind, count in self.answers.get(revision[1] if revision else "", {}).items()
        ]


@contextmanager
def served(google: Google) -> Iterator[str]:
    """Serve it on a free port while the block runs; give its address."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, told = google.answer(self.command, self.path, body)
            text = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _any  # noqa: N815 (names of http.server)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
