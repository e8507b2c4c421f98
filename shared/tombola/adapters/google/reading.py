"""Reading one generation of an object: ranges, each streamed as it comes, so a reader needs no memory for them."""

import base64
import io
from typing import TYPE_CHECKING

from tombola.adapters.google.errors import check_response, translated
from tombola.adapters.google.http import Api
from tombola.ports.errors import NotFound, Unavailable
from tombola.ports.objects import ObjectRef

if TYPE_CHECKING:
    from requests import Response

FIRST_RANGE = 256 * 1024
"""Bytes asked for at the start and after a jump: who looks at a footer needs no more."""
GROWTH = 4
LARGEST_RANGE = 64 * 1024 * 1024
"""Who reads on and on gets longer ranges, so that their beginnings cost no time that counts."""
TRIES_AGAIN = 5
"""How often in a row a range may break off without a byte."""
_NOTHING = (412, 416)
"""Answers to a range of what is not the live generation, or ends before the range (an empty object has no ranges)."""


class Generation(io.RawIOBase):
    """One generation being read. Not safe under threads; `io.BufferedReader` around it is."""

    def __init__(self, api: Api, path: str, ref: ObjectRef) -> None:
        """Ask for the first bytes. Raises `NotFound` when this generation is not the live one, or is empty."""
        self._api, self._path, self._ref = api, path, ref
        self._asked = f"{ref.bucket}/{ref.name}"
        self._position = 0
        self._range = FIRST_RANGE
        self._response: Response | None = None
        self._left = 0  # bytes of the range under way that have not been read
        told = self._begin(ifGenerationMatch=ref.generation).headers
        self._size = int(told["Content-Range"].rpartition("/")[2])
        self._checksum = Checksum(told.get("X-Goog-Hash", ""))

    def readable(self) -> bool:
        """Tell that there is something to read."""
        return True

    def seekable(self) -> bool:
        """Tell that one may jump."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place, also behind the end, where there is nothing to read."""
        target = (0, self._position, self._size)[whence] + offset
        if target < 0:
            msg = f"{self._asked}: cannot seek to {target}"
            raise ValueError(msg)
        if target != self._position:
            self._leave_range()
            self._position, self._range = target, FIRST_RANGE
        return target

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._position

    def readinto(self, buffer: "bytearray | memoryview[int]", /) -> int:  # type: ignore[override]  # what comes in
        """Read some bytes; 0 only at the end."""
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Read all that is left."""
        return b"".join(iter(lambda: self._next(LARGEST_RANGE), b""))

    def close(self) -> None:
        """Let go of the connection."""
        if not self.closed:
            self._leave_range()
        super().close()

    def _next(self, most: int) -> bytes:
        wanted = min(most, self._size - self._position)
        if wanted <= 0:
            return b""
        data = self._receive(wanted)
        self._checksum.add(self._position, data)
        self._position += len(data)
        if self._position == self._size and self._checksum.differs(self._size):
            msg = f"{self._asked}: what arrived is not what is kept, by its checksum; read it again"
            raise Unavailable(msg)
        return data

    def _receive(self, wanted: int) -> bytes:
        """Return some of the next bytes, from a new range where the one under way has ended or broken off."""
        for _ in range(TRIES_AGAIN):
            response = self._response or self._begin(generation=self._ref.generation)
            if data := self._from_range(response, wanted):
                return data
        msg = f"{self._asked}: the connection broke off {TRIES_AGAIN} times at byte {self._position}"
        raise Unavailable(msg)

    def _from_range(self, response: "Response", wanted: int) -> bytes:
        """Return some bytes of the range under way, none when it has broken off."""
        try:
            with translated(self._asked):
                # As it is stored: what was uploaded with a content encoding is not decoded on the way.
                data: bytes = response.raw.read(min(wanted, self._left), decode_content=False)
        except Unavailable:
            data = b""
        self._left -= len(data)
        if not data or not self._left:
            self._leave_range()
        return data

    def _begin(self, **which: int) -> "Response":
        """Begin a range at our place. Raises `NotFound` where nothing of our generation is."""
        wanted = {"Range": f"bytes={self._position}-{self._position + self._range - 1}", "Accept-Encoding": "gzip"}
        params = {"alt": "media", **which}
        response = self._api.send("GET", self._path, self._asked, params=params, headers=wanted, stream=True)
        if response.status_code not in _NOTHING:
            with translated(self._asked):  # what it says is still to be read
                check_response(self._asked, response)
        if response.headers.get("X-Goog-Generation") != str(self._ref.generation) or response.status_code in _NOTHING:
            response.close()
            msg = f"{self._asked}: nothing is at byte {self._position} of generation {self._ref.generation}"
            raise NotFound(msg)
        self._response, self._left = response, int(response.headers["Content-Length"])
        self._range = min(self._range * GROWTH, LARGEST_RANGE)
        return response

    def _leave_range(self) -> None:
        """Let go of the range under way; its connection is kept where little is left to read of it."""
        if self._response is None:
            return
        response, self._response = self._response, None
        if self._left <= FIRST_RANGE:
            response.raw.drain_conn()
        response.close()


class Checksum:
    """The CRC32C of what was read from the beginning without a gap, beside the one that is kept of the whole."""

    def __init__(self, kept: str) -> None:
        """Take the header `X-Goog-Hash`: `crc32c=<base64>,md5=<base64>`."""
        import google_crc32c  # noqa: PLC0415 (importing this module costs a cold start nothing)

        self._extend = google_crc32c.extend
        sums = dict(part.strip().split("=", 1) for part in kept.split(",") if "=" in part)
        self._kept = int.from_bytes(base64.b64decode(sums["crc32c"])) if "crc32c" in sums else None
        self._read = self._sum = 0

    def add(self, position: int, data: bytes) -> None:
        """Take bytes that were read at a place, if they are those that come next."""
        if position == self._read:
            self._sum = self._extend(self._sum, data)
            self._read += len(data)

    def differs(self, size: int) -> bool:
        """Tell whether all bytes were read and are not those that are kept."""
        return self._read == size and self._kept is not None and self._sum != self._kept
