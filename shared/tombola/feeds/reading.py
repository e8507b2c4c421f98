"""Read a delimited file once, as a stream: records, the line an editor shows for each, and their own bytes.

Whatever makes the rest of a file unreadable is `Unusable`: a value for the receipt, not a crash.
"""

import codecs
import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from tombola.retailers.model import Dialect

READ_BYTES = 256 * 1024
BLOCK_RECORDS = 16 * 1024
MAX_RECORD = 1024 * 1024
"""Characters; a quote that is never closed would otherwise swallow the whole file."""
UNPACKED_FREELY = 8 * 1024 * 1024
MAX_RATIO = 200
"""Feeds shrink by 5 to 50; what unpacks to more than 200 times its size is no feed."""
_GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODECS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "utf-16": "utf-16-le"}


class Unusable(Exception):
    """The file cannot be read (any further). `code` is one of `tombola.feeds.codes` of level `file`."""

    def __init__(self, message: str, *, code: str, line: int | None = None, value: str = "") -> None:
        """Say what was found and what was expected, and on which line."""
        super().__init__(message)
        self.code, self.message, self.line, self.value = code, message, line, value


class Measured(io.RawIOBase):
    """A stream that counts and digests what is read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read `stream` from where it stands."""
        super().__init__()
        self._stream = stream
        self._digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]  # the buffer is always ours
        """Read as `io.RawIOBase` says."""
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def finish(self) -> str:
        """Read what is left and return the SHA-256 of everything, in hex."""
        while self.read(READ_BYTES):
            pass
        return self._digest.hexdigest()


@dataclass(slots=True)
class Block:
    """Some records in a row. `starts` and `ends` are their first and last lines, `broken` those not parsed."""

    records: list[list[str]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    base: int = 0

    def text(self, index: int) -> str:
        """Return a record exactly as it was sent, with its line ending."""
        return "".join(self.lines[self.starts[index] - 1 - self.base : self.ends[index] - self.base])


class Reader:
    """One file, read once. Raises `Unusable` from the constructor (no header) and from `blocks`."""

    def __init__(self, source: Measured, dialect: Dialect, piece: int = READ_BYTES) -> None:
        """Read the header: `header` holds the column names, `preamble` the text that stands before the records.

        The file is read `piece` bytes at a time.
        """
        self._source = source
        self._piece = piece
        self._raw = io.BufferedReader(source, READ_BYTES)
        packed = self._raw.peek(2)[:2] == _GZIP
        self._bytes: io.BufferedIOBase = gzip.GzipFile(fileobj=self._raw) if packed else self._raw
        self._unpacked = 0
        self._kept: list[str] = []
        self._base = 0
        self._next = 1
        self._fault: Unusable | None = None
        self.mark, self.codec, self._first = self._encoding(dialect)
        self._records = csv.reader(
            self._lines(), delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True, doublequote=True
        )
        self.header = self._header()
        self.preamble = "".join(self._kept[: self._next - 1])

    def encoded(self, text: str) -> bytes:
        """Return text in the sender's own encoding: the very bytes that were read."""
        return text.encode(self.codec)

    def blocks(self) -> Iterator[Block]:
        """Yield all records after the header, also those before a fault. Blank lines are no records."""
        while (block := self._block()).records:
            yield block
        if self._fault is not None:
            raise self._fault

    def _header(self) -> list[str]:
        block = self._block(1)
        if self._fault is not None:
            raise self._fault
        if not block.records or not block.records[0]:
            message = "no header; expected a first line that names the columns"
            raise Unusable(message, code="empty-file", line=1)
        return [name.strip() for name in block.records[0]]

    def _block(self, size: int = BLOCK_RECORDS) -> Block:
        self._kept = self._kept[self._next - 1 - self._base :]
        self._base = self._next - 1
        block = Block(lines=self._kept, base=self._base)
        while self._fault is None and len(block.records) < size:
            before = self._next
            try:
                for record in islice(self._records, size - len(block.records)):
                    start, self._next = self._next, self._records.line_num + 1
                    if record:
                        block.records.append(record)
                        block.starts.append(start)
                        block.ends.append(self._next - 1)
            except csv.Error as error:
                self._broken(block, str(error))
            except Unusable as fault:
                self._fault = fault
            if self._next == before:
                break
        return block

    def _broken(self, block: Block, reason: str) -> None:
        """Note a record the parser gave up on: it starts afresh with the next line. Two reasons end the file."""
        if reason.startswith("unexpected end"):
            message = "the file ends inside a quoted field that begins in this record"
            self._fault = Unusable(message, code="unclosed-quote", line=self._next)
        elif reason.startswith("field larger"):
            self._fault = self._too_long()
        else:
            block.broken[len(block.records)] = reason
            block.records.append([""])
            block.starts.append(self._next)
            block.ends.append(self._records.line_num)
            self._next = self._records.line_num + 1

    def _too_long(self) -> Unusable:
        message = f"a record is over {MAX_RECORD} characters, or a field over {csv.field_size_limit()}"
        return Unusable(message, code="record-too-long", line=self._next)

    def _encoding(self, dialect: Dialect) -> tuple[bytes, str, bytes]:
        first = self._read()
        codec = _CODECS.get(dialect.encoding, dialect.encoding)
        mark, marked = next(((mark, name) for mark, name in _MARKS if first.startswith(mark)), (b"", codec))
        if mark and not marked.startswith(dialect.encoding.removesuffix("-sig")):
            message = f"the file begins with the mark of {marked}; expected {dialect.encoding}"
            raise Unusable(message, code="wrong-encoding", line=1)
        return mark, marked, first[len(mark) :]

    def _read(self) -> bytes:
        try:
            data = self._bytes.read(self._piece)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            message = f"the gzip data cannot be unpacked: {error}"
            raise Unusable(message, code="gzip-broken") from error
        self._unpacked += len(data)
        if self._unpacked > max(UNPACKED_FREELY, MAX_RATIO * self._source.size):
            message = f"{self._source.size} bytes unpack to over {self._unpacked}"
            raise Unusable(message, code="gzip-bomb")
        return data

    def _lines(self) -> Iterator[str]:
        """Yield lines with their endings (LF, CR LF or CR, as editors count them), keeping them for `text`."""
        for text in self._texts():
            open_lines = self._kept[self._next - 1 - self._base :]
            if sum(map(len, open_lines)) > MAX_RECORD:
                raise self._too_long()
            lines = io.StringIO(text, newline="").readlines()
            self._kept.extend(lines)
            yield from lines

    def _texts(self) -> Iterator[str]:
        """Yield decoded text in pieces that end where a line does."""
        decoder = codecs.getincrementaldecoder(self.codec)("strict")
        rest, data = "", self._first or self._read()  # the first piece may have been the mark alone
        while True:
            text, fault = self._decoded(decoder, data)
            rest += text
            cut = max(rest.rfind("\n"), rest.rfind("\r", 0, -1)) + 1 if data or fault else len(rest)
            if cut:
                yield rest[:cut]
                rest = rest[cut:]
            elif len(rest) > MAX_RECORD:
                raise self._too_long()
            if fault is not None:
                raise fault
            if not data:
                return
            data = self._read()

    def _decoded(self, decoder: codecs.IncrementalDecoder, data: bytes) -> tuple[str, Unusable | None]:
        """Return the text up to what is no text, and what that is."""
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(self.codec, "replace")
            found = error.object[error.start : error.end].hex(" ")
            message = f"the bytes {found} are no {self.codec}"
            return before, Unusable(message, code="undecodable", line=self._line_after(before), value=found)
        if "\0" in text:
            before = text[: text.index("\0")]
            return before, Unusable("a NUL byte; expected text", code="nul-bytes", line=self._line_after(before))
        return text, None

    def _line_after(self, text: str) -> int:
        return self._base + len(self._kept) + max(text.count("\n"), text.count("\r")) + 1
