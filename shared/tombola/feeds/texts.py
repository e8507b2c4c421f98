"""Turn the bytes of a file into UTF-8, up to what is no text in its encoding."""

import codecs
from dataclasses import dataclass

from tombola.feeds.unpacking import Unpacked
from tombola.feeds.unusable import Unusable
from tombola.retailers.model import Dialect

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODECS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "utf-16": "utf-16-le"}


@dataclass(frozen=True, slots=True)
class Text:
    """UTF-8 that was read; `fault` is what follows it, `last` says whether the file ends with it.

    A fault that has no line of its own stands on the line that follows the text, if `located`.
    """

    data: bytes
    fault: Unusable | None = None
    last: bool = False
    located: bool = False


class Texts:
    """The text of one file: `mark` is what stands before it, `codec` what it was written by."""

    def __init__(self, source: Unpacked, dialect: Dialect, piece: int) -> None:
        """Find out the encoding, and read `piece` bytes at a time. Raises `Unusable`."""
        self._source = source
        self._piece = piece
        self.mark, self.codec, self._pending = self._encoding(dialect)
        self._decoder = codecs.getincrementaldecoder(self.codec)("strict")

    def read(self) -> Text:
        """Return the next piece, up to what is no text."""
        try:
            data = self._pending or self._source.read(self._piece)  # the first piece may have been the mark alone
        except Unusable as broken:
            return Text(b"", broken)
        self._pending = b""
        found, fault = self._decoded(data)
        if fault is None and b"\0" in found:
            found = found[: found.index(b"\0")]
            fault = Unusable("a NUL byte; expected text", code="nul-bytes")
        return Text(found, fault, last=not data, located=True)

    def encoded(self, text: str) -> bytes:
        """Return text in the file's own encoding: the very bytes that were read."""
        return text.encode(self.codec)

    def _encoding(self, dialect: Dialect) -> tuple[bytes, str, bytes]:
        first = self._source.read(self._piece)
        codec = _CODECS.get(dialect.encoding, dialect.encoding)
        mark, marked = next(((mark, name) for mark, name in _MARKS if first.startswith(mark)), (b"", codec))
        if mark and not marked.startswith(dialect.encoding.removesuffix("-sig")):
            message = f"the file begins with the mark of {marked}; expected {dialect.encoding}"
            raise Unusable(message, code="wrong-encoding", line=1)
        return mark, marked, first[len(mark) :]

    def _decoded(self, data: bytes) -> tuple[bytes, Unusable | None]:
        """Return UTF-8 up to what is no text in the file's encoding, and what that is."""
        if self.codec == "utf-8" and data.isascii() and not self._decoder.getstate()[0]:
            return data, None
        try:
            return self._decoder.decode(data, final=not data).encode(), None
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(self.codec, "replace").encode()
            found = error.object[error.start : error.end].hex(" ")
            message = f"the bytes {found} are no {self.codec}"
            return before, Unusable(message, code="undecodable", value=found)
