"""Writing objects: small ones by one request, larger ones piece by piece in an upload that can be taken up again.

Either way the object appears whole, at the last request, with the checksum that was sent beside it compared.
"""

import base64
import json
import mimetypes
import uuid
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tombola.adapters.google.errors import object_of
from tombola.adapters.google.http import Api
from tombola.ports.errors import NotFound, PortError, PreconditionFailed, Refused, Unavailable
from tombola.ports.objects import ObjectRef

if TYPE_CHECKING:
    from requests import Response

PIECE = 8 * 1024 * 1024
"""Bytes sent at once, and kept until acknowledged. Cloud Storage wants multiples of 256 KiB and advises this many."""
_RESUME = 308
"""Cloud Storage's answer to a piece that is not the last."""


class Upload:
    """An object being written: invisible until its `with` block ends without an error."""

    def __init__(self, api: Api, physical: str, bucket: str, name: str) -> None:
        """Write to `name` in the bucket that is called `physical` there and `bucket` here."""
        self._api, self._physical, self._bucket, self._name = api, physical, bucket, name
        self._asked = f"{bucket}/{name}"
        self._pending = bytearray()
        self._sent = 0
        self._checksum = 0
        self._address = ""
        self._ref: ObjectRef | None = None

    def write(self, data: bytes, /) -> int:
        """Append bytes. Raises `PreconditionFailed` when the name exists already."""
        self._pending += data
        while len(self._pending) > PIECE:  # the last piece is never empty
            self._send_piece()
        return len(data)

    @property
    def ref(self) -> ObjectRef:
        """The object written. Only readable after the block has ended."""
        if self._ref is None:
            msg = f"{self._asked} is not written yet"
            raise Refused(msg)
        return self._ref

    def __enter__(self) -> Self:
        """Start writing."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Publish what was written, or cancel the upload after an error."""
        if kind is not None:
            self._cancel()
            return
        try:
            self._ref = ObjectRef(self._bucket, self._name, self._finish())
        except PreconditionFailed:
            raise self._exists() from None

    def _finish(self) -> int:
        if not self._address:
            return insert(self._api, self._physical, self._name, bytes(self._pending), self._asked, 0)
        while True:
            piece = bytes(self._pending)
            answer = self._put(piece, self._sent + len(piece))
            if answer.status_code != _RESUME:
                return int(object_of(self._asked, answer)["generation"])
            self._forget_kept(piece, answer)

    def _send_piece(self) -> None:
        if not self._address:
            self._begin()
        with memoryview(self._pending) as pending:
            piece = bytes(pending[:PIECE])
        self._forget_kept(piece, self._put(piece, None))

    def _begin(self) -> None:
        params = {"uploadType": "resumable", "name": self._name, "ifGenerationMatch": 0}
        path = f"/upload/storage/v1/b/{self._physical}/o"
        try:
            answer = _ask(self._api, "POST", path, self._asked, params=params, json=_metadata(self._name))
        except PreconditionFailed:
            raise self._exists() from None
        self._address = answer.headers["Location"]

    def _put(self, piece: bytes, total: int | None) -> "Response":
        """Send a piece, the last one when the total is known; to send it twice does no harm, says Cloud Storage."""
        span = f"{self._sent}-{self._sent + len(piece) - 1}" if piece else "*"
        headers = {"Content-Range": f"bytes {span}/{'*' if total is None else total}"}
        if total is not None:
            headers["X-Goog-Hash"] = f"crc32c={_base64(_extended(self._checksum, piece))}"
        return _ask(
            self._api, "PUT", self._address, self._asked, data=piece, headers=headers, allow_redirects=False
        )  # fmt: skip

    def _forget_kept(self, piece: bytes, answer: "Response") -> None:
        """Drop from memory what Cloud Storage says it has; it may have taken less than was sent."""
        kept = int(answer.headers.get("Range", "bytes=0--1").rpartition("=0-")[2]) + 1
        fresh = kept - self._sent
        if not 0 < fresh <= len(piece):
            msg = f"{self._asked}: {len(piece)} bytes were sent from {self._sent} on, and now {kept} are kept"
            raise Unavailable(msg)
        self._checksum = _extended(self._checksum, piece[:fresh])
        del self._pending[:fresh]
        self._sent = kept

    def _cancel(self) -> None:
        """Drop an upload that was begun. Cloud Storage drops by itself, after a week, what cannot be cancelled now."""
        if self._address:
            with suppress(PortError):  # 499 is its answer to a cancelled upload
                self._api.send("DELETE", self._address, self._asked)

    def _exists(self) -> PreconditionFailed:
        return PreconditionFailed(f"{self._asked} exists already")


def insert(api: Api, physical: str, name: str, data: bytes, asked: str, if_generation: int | None) -> int:
    """Write an object by one request; return its generation. Raises `PreconditionFailed`."""
    boundary = uuid.uuid4().hex
    metadata = json.dumps({**_metadata(name), "crc32c": _base64(_extended(0, data))})
    head = f"--{boundary}\r\nContent-Type: application/json\r\n\r\n{metadata}\r\n--{boundary}\r\n"
    body = f"{head}Content-Type: {_content_type(name)}\r\n\r\n".encode() + data + f"\r\n--{boundary}--\r\n".encode()
    params: dict[str, Any] = {"uploadType": "multipart", "name": name}
    if if_generation is not None:
        params["ifGenerationMatch"] = if_generation
    headers = {"Content-Type": f"multipart/related; boundary={boundary}"}
    path = f"/upload/storage/v1/b/{physical}/o"
    answer = _ask(api, "POST", path, asked, params=params, headers=headers, data=body)
    return int(object_of(asked, answer)["generation"])


def _ask(api: Api, method: str, path: str, asked: str, **options: Any) -> "Response":  # noqa: ANN401 (those of requests)
    """Ask as `Api.ask` does. A bucket or an upload that is not there is an outage: nobody asked for an object."""
    try:
        return api.ask(method, path, asked, **options)
    except NotFound as error:
        msg = f"{error} (the bucket, or the upload that was begun, is not there)"
        raise Unavailable(msg) from error


def _metadata(name: str) -> dict[str, str]:
    return {"name": name, "contentType": _content_type(name)}


def _content_type(name: str) -> str:
    """Return what a browser is told of an object that is read by a signed address."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _extended(checksum: int, data: bytes) -> int:
    """Return the CRC32C of what gave `checksum` and of `data` behind it."""
    import google_crc32c  # noqa: PLC0415 (importing this module costs a cold start nothing)

    extended: int = google_crc32c.extend(checksum, data)
    return extended


def _base64(checksum: int) -> str:
    return base64.b64encode(checksum.to_bytes(4)).decode()
