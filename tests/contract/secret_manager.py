"""A server that speaks Secret Manager's REST interface, as far as keys are kept by it: there is no emulator.

It knows nothing of who asks. What is sent and answered are the messages that Google publishes, by Google's own
generated types: a field that they do not have is refused, as the service does. The rules are those of
https://cloud.google.com/secret-manager/docs/reference/rest.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import google_crc32c
from google.cloud.secretmanager_v1 import types
from google.protobuf.json_format import ParseError

State = types.SecretVersion.State
PARENT = r"/v1/(?P<parent>projects/[^/]+)/secrets"
SECRET = PARENT + r"/(?P<secret>[A-Za-z0-9_-]{1,255})"
VERSION = SECRET + r"/versions/(?P<version>\d+|latest)"
INVALID_ARGUMENT, FAILED_PRECONDITION = "INVALID_ARGUMENT", "FAILED_PRECONDITION"
NOT_FOUND, ALREADY_EXISTS = "NOT_FOUND", "ALREADY_EXISTS"
CODES = {INVALID_ARGUMENT: 400, FAILED_PRECONDITION: 400, NOT_FOUND: 404, ALREADY_EXISTS: 409}
LARGEST = 65_536


class Refusal(Exception):
    """An answer that says no, by its canonical status."""


class Secrets:
    """What is stored, in memory. Everything happens one after the other."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.secrets: dict[str, types.Secret] = {}
        self.versions: dict[str, list[types.SecretVersion]] = {}
        self.payloads: dict[str, bytes] = {}
        self.asked: list[str] = []

    def create_secret(self, asked: dict[str, str], body: str) -> Any:  # noqa: ANN401 (a message)
        secret = types.Secret.from_json(body)
        if not types.Secret.pb(secret).replication.WhichOneof("replication") or not re.fullmatch(
            r"[A-Za-z0-9_-]{1,255}", asked.get("secretId", "")
        ):
            raise Refusal(INVALID_ARGUMENT)
        secret.name = f"{asked['parent']}/secrets/{asked['secretId']}"
        if secret.name in self.secrets:
            raise Refusal(ALREADY_EXISTS)
        secret.create_time = datetime.now(UTC)
        self.secrets[secret.name], self.versions[secret.name] = secret, []
        return secret

    def get_secret(self, asked: dict[str, str], _: str) -> Any:  # noqa: ANN401
        return self.secrets[self._secret(asked)]

    def add_version(self, asked: dict[str, str], body: str) -> Any:  # noqa: ANN401
        name = self._secret(asked)
        payload = types.AddSecretVersionRequest.from_json(body).payload
        if not 1 <= len(payload.data) <= LARGEST:
            raise Refusal(INVALID_ARGUMENT)
        if payload.data_crc32c and payload.data_crc32c != google_crc32c.value(payload.data):
            raise Refusal(INVALID_ARGUMENT)
        version = types.SecretVersion(
            name=f"{name}/versions/{len(self.versions[name]) + 1}", create_time=datetime.now(UTC), state=State.ENABLED
        )
        self.versions[name].append(version)
        self.payloads[version.name] = payload.data
        return version

    def access_version(self, asked: dict[str, str], _: str) -> Any:  # noqa: ANN401
        version = self._version(asked)
        if version.state != State.ENABLED:
            raise Refusal(FAILED_PRECONDITION)
        data = self.payloads[version.name]
        payload = types.SecretPayload(data=data, data_crc32c=google_crc32c.value(data))
        return types.AccessSecretVersionResponse(name=version.name, payload=payload)

    def list_versions(self, asked: dict[str, str], _: str) -> Any:  # noqa: ANN401
        wanted = asked.get("filter", "").removeprefix("state:")
        found = [one for one in reversed(self.versions[self._secret(asked)]) if wanted in ("", one.state.name)]
        first, size = int(asked.get("pageToken", "0")), int(asked.get("pageSize", "0")) or 25_000
        token = str(first + size) if first + size < len(found) else ""
        return types.ListSecretVersionsResponse(
            versions=found[first : first + size], next_page_token=token, total_size=len(found)
        )

    def change_state(self, state: Any) -> Callable[[dict[str, str], str], Any]:  # noqa: ANN401
        def change(asked: dict[str, str], _: str) -> Any:  # noqa: ANN401
            version = self._version(asked)
            if version.state == State.DESTROYED:
                raise Refusal(FAILED_PRECONDITION)
            version.state = state
            return version

        return change

    def _secret(self, asked: dict[str, str]) -> str:
        name = f"{asked['parent']}/secrets/{asked['secret']}"
        if name not in self.secrets:
            raise Refusal(NOT_FOUND)
        return name

    def _version(self, asked: dict[str, str]) -> types.SecretVersion:
        versions = self.versions[self._secret(asked)]
        number = len(versions) if asked["version"] == "latest" else int(asked["version"])
        if not 1 <= number <= len(versions):
            raise Refusal(NOT_FOUND)
        return versions[number - 1]


@contextmanager
def secret_manager() -> Iterator[tuple[str, Secrets]]:
    """Run the server while the block runs; give its address and what it holds."""
    secrets = Secrets()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(secrets))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", secrets
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(secrets: Secrets) -> type[BaseHTTPRequestHandler]:
    routes = {
        f"POST {PARENT}": secrets.create_secret,
        f"GET {SECRET}": secrets.get_secret,
        f"POST {SECRET}:addVersion": secrets.add_version,
        f"GET {SECRET}/versions": secrets.list_versions,
        f"GET {VERSION}:access": secrets.access_version,
        f"POST {VERSION}:disable": secrets.change_state(State.DISABLED),
        f"POST {VERSION}:enable": secrets.change_state(State.ENABLED),
        f"POST {VERSION}:destroy": secrets.change_state(State.DESTROYED),
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

        def _answer(self, body: str) -> None:
            try:
                with secrets.lock:
                    secrets.asked.append(f"{self.command} {self.path}")
                    told = type(answer := self._act(body)).to_json(answer, use_integers_for_enums=False).encode()
                self._send(200, told)
            except (Refusal, ParseError) as error:
                status = str(error) if isinstance(error, Refusal) else INVALID_ARGUMENT
                told = {"error": {"code": CODES[status], "status": status, "message": f"{self.command} {self.path}"}}
                self._send(CODES[status], json.dumps(told).encode())

        def _act(self, body: str) -> Any:  # noqa: ANN401
            url = urlsplit(self.path)
            for route, act in routes.items():
                if found := re.fullmatch(route, f"{self.command} {url.path}"):
                    query = {name: values[0] for name, values in parse_qs(url.query).items()}
                    return act(query | found.groupdict(), body)
            raise Refusal(NOT_FOUND)

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
