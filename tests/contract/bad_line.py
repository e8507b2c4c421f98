"""A bad line before an emulator: it passes requests on, and does to each answer what it was told to do."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

UNAVAILABLE = "answer 503 and pass nothing on"
LOST = "pass the request on, and lose the answer"
CUT = "break off in the middle of the answer"
CHANGED = "change a byte of the answer"


@dataclass
class BadLine:
    """The line's address, and the troubles it will make, one a request; then none."""

    address: str
    troubles: deque[str] = field(default_factory=deque)
    requests: list[str] = field(default_factory=list)


@contextmanager
def bad_line(to: str) -> Iterator[BadLine]:
    """Lead to an emulator (`host:port`) while the block runs."""

    class Handler(_Handler):
        line = BadLine("")
        target = to

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Handler.line.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield Handler.line
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    line: ClassVar[BadLine]
    target: ClassVar[str]

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        trouble = self.line.troubles.popleft() if self.line.troubles else ""
        self.line.requests.append(f"{self.command} {self.headers.get('Range', '')}".strip())
        if trouble == UNAVAILABLE:
            self._answer(503, [], b"")
            return
        connection = HTTPConnection(self.target)
        kept = {name: text for name, text in self.headers.items() if name.lower() not in {"host", "connection"}}
        connection.request(self.command, self.path, body, kept)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if trouble == LOST:
            self.close_connection = True
            return
        if trouble == CHANGED:
            said = bytes([said[0] ^ 1]) + said[1:]
        self._answer(answer.status, answer.getheaders(), said, cut=trouble == CUT)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        for name, text in headers:
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = cut

    def log_message(self, *_said: object) -> None:
        """Write nothing."""

    do_GET = do_POST = do_PUT = do_DELETE = pass_on  # noqa: N815 (as http.server calls them)
