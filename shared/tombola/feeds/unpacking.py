"""Take a packed file apart as a stream. What packed it is told by its first bytes, never by its name.

gzip and zstd may hold several members one after the other, as `cat` makes them; a zip holds exactly one file.
"""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from tombola.feeds.first_bytes import GZIP, ZIP, ZSTD
from tombola.feeds.measuring import Measured
from tombola.feeds.unusable import Unusable
from tombola.feeds.zipping import is_workbook, only_member

UNPACKED_FREELY = 8 * 1024 * 1024
MAX_RATIO = 200
"""Feeds shrink by 5 to 50; what unpacks to more than 200 times its size is no feed."""
LARGEST_WINDOW = 32 * 1024 * 1024
"""Bytes that unpacking zstd may have to remember; `zstd -19` asks for 8 MiB."""
_Raw: TypeAlias = "io.BufferedReader[Measured]"
_MOST = 1024 * 1024
"""Bytes unpacked at a time."""
_GIVEN = 128 * 1024
_GIVEN_ZSTD = 2 * 1024
"""Bytes given to zstd at a time: they can unpack to 32 thousand times as many, all at once."""


class _Pieces(NamedTuple):
    """What a packing holds, piece by piece, and how many bytes were read for it so far."""

    pieces: Iterator[bytes]
    packed: Callable[[], int]


class Unpacked:
    """The bytes of a file without its packing."""

    def __init__(self, source: Measured) -> None:
        """Look at the first bytes. Raises `Unusable` for a packing that cannot be opened."""
        self._source = source
        raw = io.BufferedReader(source, io.DEFAULT_BUFFER_SIZE)
        first = raw.peek(4)[:4]
        self.plain = True
        self._raw: _Raw | None = None
        self._found = self._open(raw, first)
        self._waiting = b""
        self._unpacked = 0
        self._fault: Unusable | None = None

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end or before a fault. Raises `Unusable` once all before it is read."""
        data = self.peek(size)
        self._waiting = self._waiting[size:]
        return data

    def peek(self, size: int) -> bytes:
        """Return so many of the next bytes, and leave them. Raises `Unusable` like `read`."""
        found = [self._waiting] if self._waiting else []
        missing = size - len(self._waiting)
        while missing > 0 and (more := self._next_or_none(missing, wanted=missing == size)):
            found.append(more)
            missing -= len(more)
        self._waiting = found[0] if len(found) == 1 else b"".join(found)
        return self._waiting[:size]

    def _next_or_none(self, size: int, *, wanted: bool) -> bytes:
        """Return the next bytes; a fault only if nothing came before it."""
        try:
            return self._next(size)
        except Unusable:
            if wanted:
                raise
            return b""

    def _open(self, raw: _Raw, first: bytes) -> _Pieces | None:
        """Return what takes a packing apart, or None for a file that has none."""
        if first.startswith(GZIP):
            found = _Pieces(_gzip(raw), lambda: self._source.size)
        elif first.startswith(ZSTD):
            found = _Pieces(_zstd(raw), lambda: self._source.size)
        elif first.startswith(ZIP) and not is_workbook(self._source.aside()):
            found = self._zip()
        else:
            self._raw = raw
            return None
        self.plain = False
        return found

    def _zip(self) -> _Pieces:
        member, size = only_member(self._source.aside())
        return _Pieces(iter(lambda: member.read(_MOST), b""), lambda: size)

    def _next(self, size: int) -> bytes:
        if self._raw is not None:
            return self._raw.read(size) or b""
        if self._fault is not None:
            raise self._fault
        assert self._found is not None  # noqa: S101 (a file is packed or it is not)
        try:
            data = next(self._found.pieces, b"")
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
            message = f"the file cannot be unpacked: {error}"
            self._fault = Unusable(message, code="packing-broken")
            raise self._fault from error
        self._unpacked += len(data)
        packed = self._found.packed()
        if self._unpacked > max(UNPACKED_FREELY, MAX_RATIO * packed):
            message = f"{packed} bytes unpack to over {self._unpacked}"
            self._fault = Unusable(message, code="packing-bomb")
            raise self._fault
        return data


def _gzip(raw: _Raw) -> Iterator[bytes]:
    """Yield what the members of a gzip file hold. Raises `zlib.error` or `EOFError`. Zeros may follow the last."""
    from isal import isal_zlib  # noqa: PLC0415 (only for such files)

    data = raw.read(_GIVEN)
    while data:
        member = isal_zlib.decompressobj(wbits=31)
        piece = b""
        while not member.eof:
            if not data and len(piece) < _MOST and not (data := raw.read(_GIVEN)):
                msg = "it ends before the gzip data does"
                raise EOFError(msg)
            try:
                piece = member.decompress(data, _MOST)
            except isal_zlib.error as error:  # type: ignore[misc]  # an exception, though its stub does not say so
                msg = f"gzip: {error}"
                raise ValueError(msg) from error
            data = member.unconsumed_tail
            if piece:
                yield piece
        data = member.unused_data.lstrip(b"\0")
        while not data and (more := raw.read(_GIVEN)):
            data = more.lstrip(b"\0")


def _zstd(raw: _Raw) -> Iterator[bytes]:
    """Yield what the frames of a zstd file hold. Raises `ValueError` or `EOFError`."""
    import zstandard  # noqa: PLC0415 (only for such files)

    unpacker = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW)
    data = raw.read(_GIVEN_ZSTD)
    while data:
        frame = unpacker.decompressobj()
        while not frame.eof:
            if not data and not (data := raw.read(_GIVEN_ZSTD)):
                msg = "it ends before the zstd data does"
                raise EOFError(msg)
            try:
                piece = frame.decompress(data)
            except zstandard.ZstdError as error:
                msg = f"zstd: {error}"
                raise ValueError(msg) from error
            data = frame.unused_data if frame.eof else b""
            if piece:
                yield piece
        data = data or raw.read(_GIVEN_ZSTD)
