"""Turn the bytes of a file into UTF-8, up to what is no text in its encoding."""

import codecs
from dataclasses import dataclass

from tombola.feeds.sniffing import ONE_BYTE, contradiction, marked, one_byte_contradiction, utf_16
from tombola.feeds.unpacking import Unpacked
from tombola.feeds.unusable import Unusable
from tombola.retailers.model import Dialect

_LOOKED_AT = 64 * 1024
"""Bytes."""
READ_BYTES = 3 * 1024 * 1024
"""Read at a time. A third less takes a twentieth of the time more, a third more takes 25 MiB of memory more."""
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
        self.mark, self.codec = self._encoding(dialect)
        source.read(len(self.mark))
        self._one_byte = self.codec in ONE_BYTE
        self._decoder = codecs.getincrementaldecoder(self.codec)("strict")

    def read(self) -> Text:
        """Return the next piece, up to what is no text."""
        try:
            data = self._source.read(self._piece)
        except Unusable as broken:
            return Text(b"", broken)
        found, fault = self._decoded(data)
        if fault is None and b"\0" in found:
            found = found[: found.index(b"\0")]
            fault = Unusable("a NUL byte; expected text", code="nul-bytes")
        return Text(found, fault, last=not data, located=True)

    def encoded(self, text: str) -> bytes:
        """Return text in the file's own encoding: the very bytes that were read."""
        return text.encode(self.codec)

    @property
    def begins_with_object(self) -> bool:
        """Whether the first character that is no blank opens a JSON object."""
        first = self._source.peek(_LOOKED_AT).decode(self.codec, "ignore")
        return first.lstrip().startswith("{")

    def _encoding(self, dialect: Dialect) -> tuple[bytes, str]:
        """Return the mark and the codec. What is stated and contradicted by the bytes is a fault."""
        first = self._source.peek(_LOOKED_AT)
        stated = dialect.encoding if "encoding" in dialect.model_fields_set else ""
        mark, found = marked(first)
        if stated and mark and not found.startswith(stated.removesuffix("-sig")):
            raise _wrong(found, stated)
        if stated and not mark and (other := contradiction(first, stated)):
            raise _wrong(other, stated)
        codec = found or utf_16(first) or _CODECS.get(dialect.encoding, dialect.encoding)
        return mark, codec

    def _decoded(self, data: bytes) -> tuple[bytes, Unusable | None]:
        """Return UTF-8 up to what is no text in the file's encoding, and what that is."""
        if self.codec == "utf-8" and data.isascii() and not self._decoder.getstate()[0]:
            return data, None
        if self._one_byte and not data.isascii():
            self._one_byte = False
            if other := one_byte_contradiction(data, self.codec):
                return b"", _wrong(other, self.codec)
        try:
            return self._decoder.decode(data, final=not data).encode(), None
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(self.codec, "replace").encode()
            found = error.object[error.start : error.end].hex(" ")
            message = f"the bytes {found} are no {self.codec}; another encoding has to be stated"
            return before, Unusable(message, code="undecodable", value=found)


def _wrong(found: str, stated: str) -> Unusable:
    message = f"the file is {found} by its bytes; the dialect states {stated}"
    return Unusable(message, code="wrong-encoding", line=1, value=found)
