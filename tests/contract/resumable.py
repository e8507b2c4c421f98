"""Resumable uploads of one object as Cloud Storage documents them, which its stand-in follows less closely.

https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload
"""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import google_crc32c

SPAN = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
GRAIN = 256 * 1024


class Uploads:
    """What the server keeps, and what it answered."""

    def __init__(self, *, taken: float = 1.0, exists: bool = False) -> None:
        """Take this share of every piece but the last, in whole grains; find in the end that the name `exists`."""
        self.taken, self.exists = taken, exists
        self.address = ""
        self.kept = bytearray()
        self.finished = self.cancelled = False
        self.answers: list[int] = []

    def put(self, span: str, checksum: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Take a piece."""
        found = SPAN.fullmatch(span)
        assert found is not None
        start, end, total = int(found[1]), int(found[2]), found[3]
        assert end - start + 1 == len(body)
        assert start <= len(self.kept)
        fresh = body[len(self.kept) - start :]  # what is kept already is ignored
        if total == "*":
            assert len(body) % GRAIN == 0
            self.kept += fresh[: int(len(fresh) * self.taken) // GRAIN * GRAIN]
        else:
            self.kept += fresh
            assert len(self.kept) == int(total)
            wanted = base64.b64encode(google_crc32c.value(bytes(self.kept)).to_bytes(4)).decode()
            if self.exists or checksum != f"crc32c={wanted}":
                return 412 if self.exists else 400, {}, b""
            self.finished = True
            return 200, {}, json.dumps({"generation": "7"}).encode()
        return 308, {"Range": f"bytes=0-{len(self.kept) - 1}"} if self.kept else {}, b""


@contextmanager
def resumable(uploads: Uploads) -> Iterator[None]:
    """Serve while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._body()
            assert "uploadType=resumable" in self.path
            assert "ifGenerationMatch=0" in self.path
            self._answer(200, {"Location": f"{uploads.address}/session"}, b"{}")

        def do_PUT(self) -> None:
            headers = self.headers
            self._answer(*uploads.put(headers["Content-Range"], headers.get("X-Goog-Hash", ""), self._body()))

        def do_DELETE(self) -> None:
            uploads.cancelled = True
            self._answer(499, {}, b"")

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            uploads.answers.append(status)
            self.send_response(status)
            for name, text in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: object) -> None:
            """Write nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        uploads.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()
