"""Read a delimited file as a stream: blocks of records, the line an editor shows for each, and their own bytes.

Whatever makes the rest of a file unreadable is `Unusable`: a value for the receipt, not a crash.
"""

import codecs
import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import BinaryIO, NamedTuple

import numpy as np

from tombola.feeds.splitting import NO_LINES, Block, cut_at_line, line_ends, split
from tombola.retailers.model import Dialect

READ_BYTES = 3 * 1024 * 1024
WIDEST_SPLIT = 1_000
"""Columns; wider files are parsed by the csv module."""
LONGEST_SPLIT = 128 * 1024
"""Bytes of a record; longer ones are parsed by the csv module, which knows its limits."""
MAX_RECORD = 1024 * 1024
"""Bytes of UTF-8; a quote that is never closed would otherwise swallow the whole file."""
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
        self._begin = stream.tell() if stream.seekable() else None
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

    def again(self) -> "Measured":
        """Return the same stream from where it stood at first. This one is read no further."""
        if self._begin is None:
            msg = "a stream that cannot be read twice; expected one that can seek"
            raise OSError(msg)
        self._stream.seek(self._begin)
        return Measured(self._stream)

    def finish(self) -> str:
        """Read what is left and return the SHA-256 of everything, in hex."""
        while self.read(READ_BYTES):
            pass
        return self._digest.hexdigest()


class _Text(NamedTuple):
    """UTF-8 that was read; `fault` is what follows it, `last` says whether the file ends with it."""

    data: bytes
    fault: Unusable | None
    last: bool


class Reader:
    """One file, read once. Raises `Unusable` from the constructor (no header) and from `blocks`."""

    def __init__(self, source: Measured, dialect: Dialect, piece: int = READ_BYTES) -> None:
        """Read the header: `header` holds the column names, `preamble` the text that stands before the records.

        The file is read `piece` bytes at a time.
        """
        self._source = source
        self._piece = piece
        self._dialect = dialect
        self._raw = io.BufferedReader(source, io.DEFAULT_BUFFER_SIZE)
        packed = self._raw.peek(2)[:2] == _GZIP
        self._bytes: io.BufferedIOBase = gzip.GzipFile(fileobj=self._raw) if packed else self._raw
        self._unpacked = 0
        self._next = 1
        self._rest = b""
        self._fault: Unusable | None = None
        self._last = False
        self.mark, self.codec, first = self._encoding(dialect)
        self._decoder = codecs.getincrementaldecoder(self.codec)("strict")
        self._pending = first
        self.preamble, self.header = self._header()

    def encoded(self, text: str) -> bytes:
        """Return text in the sender's own encoding: the very bytes that were read."""
        return text.encode(self.codec)

    def blocks(self) -> Iterator[Block]:
        """Yield all records after the header, also those before a fault. Blank lines are no records."""
        while self._rest or not self._ended:
            block = self._block()
            if block is not None and len(block):
                yield block
        if self._fault is not None:
            raise self._fault

    def records(self, block: Block, indices: Sequence[int] | None = None) -> list[list[str]]:
        """Return the fields of a block's records, or of some of them."""
        wanted = range(len(block)) if indices is None else indices
        if block.records is not None:
            return [block.records[index] for index in wanted]
        texts = [block.text(index) for index in wanted]
        if not block.quoted:
            return [text.rstrip("\r\n").split(self._dialect.delimiter) for text in texts]
        dialect = self._dialect
        found = csv.reader(texts, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True, doublequote=True)
        return list(found)

    @property
    def _ended(self) -> bool:
        return self._last or self._fault is not None

    def _header(self) -> tuple[str, list[str]]:
        while True:
            whole = self._whole()
            block, used, fault = self._parsed(self._rest[:whole], limit=1)
            if fault is not None and (self._ended or fault.code != "unclosed-quote"):
                raise self._fault if self._fault is not None and fault.code == "unclosed-quote" else fault
            if len(block) or self._ended:
                break
            self._read_on()
        if not len(block) or block.records is None or not block.records[0]:
            message = "no header; expected a first line that names the columns"
            raise self._fault or Unusable(message, code="empty-file", line=1)
        preamble = self._take(used)
        return preamble.decode(), [name.strip() for name in block.records[0]]

    def _block(self) -> Block | None:
        """Return the next records, or None if nothing is whole yet."""
        whole = self._whole()
        if not whole:
            self._read_on()
            return None
        data = self._rest[:whole]
        block = self._split(data)
        if block is not None and block.data:
            self._rest = self._rest[len(block.data) :]
            self._next += block.line_count
            return block
        block, used, fault = self._parsed(data)
        if fault is not None and (self._ended or fault.code != "unclosed-quote"):
            self._fault = self._fault if self._fault is not None and fault.code == "unclosed-quote" else fault
            self._rest = b""
        else:
            self._take(used)
        if not used and not self._ended:
            self._read_on()
        return block

    def _split(self, data: bytes) -> Block | None:
        """Return records that need no csv module: of one byte's delimiter and quote, and not too long."""
        delimiter, quote = self._dialect.delimiter, self._dialect.quote
        if not (delimiter + quote).isascii() or len(self.header) > WIDEST_SPLIT:
            return None
        block = split(data, self._next, len(self.header), ord(delimiter), ord(quote))
        if block is not None and len(block) and (block.ends - block.starts).max() > LONGEST_SPLIT:
            return None
        return block

    def _whole(self) -> int:
        """Return how much of what was read ends where a line does."""
        return len(self._rest) if self._last and self._fault is None else cut_at_line(self._rest)

    def _take(self, size: int) -> bytes:
        """Leave text behind, and count its lines."""
        taken, self._rest = self._rest[:size], self._rest[size:]
        self._next += len(line_ends(taken))
        return taken

    def _read_on(self) -> None:
        """Read another piece; nothing that follows a fault or the end."""
        if len(self._rest) > MAX_RECORD:
            self._fault, self._rest = self._too_long(self._next), b""
        if self._ended:
            self._rest = self._rest[: self._whole()]
            return
        text = self._texts()
        self._rest += text.data
        self._last = text.last
        self._fault = text.fault
        if self._fault is not None:
            self._rest = self._rest[: cut_at_line(self._rest)]

    def _parsed(self, data: bytes, limit: int | None = None) -> tuple[Block, int, Unusable | None]:
        """Parse records by the csv module; return them, how many bytes they are, and what ended them."""
        lines = io.StringIO(data.decode(), newline="").readlines()
        ends = line_ends(data)
        found = _Records(lines, self._dialect)
        fault = found.read(limit or len(lines) + 1, self._next)
        offsets = np.concatenate((NO_LINES, [0], ends))
        starts = np.array(found.starts, np.int64)
        block = Block(
            data=data,
            starts=offsets[starts],
            ends=offsets[np.array(found.ends, np.int64)],
            lines=starts + self._next,
            records=found.records,
            broken=found.broken,
        )
        too_long = np.flatnonzero(block.ends - block.starts > MAX_RECORD)
        if len(too_long):
            first = int(too_long[0])
            fault = self._too_long(int(block.lines[first]))
            block = _first(block, first)
        return block, int(offsets[found.line]), fault

    def _too_long(self, line: int) -> Unusable:
        message = f"a record is over {MAX_RECORD} bytes, or a field over {csv.field_size_limit()} characters"
        return Unusable(message, code="record-too-long", line=line)

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

    def _texts(self) -> _Text:
        """Return the next piece as UTF-8, up to what is no text."""
        try:
            data = self._pending or self._read()  # the first piece may have been the mark alone
        except Unusable as broken:
            return _Text(b"", broken, last=False)
        self._pending = b""
        found, fault = self._decoded(data)
        if fault is None and b"\0" in found:
            found = found[: found.index(b"\0")]
            fault = Unusable("a NUL byte; expected text", code="nul-bytes", line=self._line_after(found))
        return _Text(found, fault, last=not data)

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
            return before, Unusable(message, code="undecodable", line=self._line_after(before), value=found)

    def _line_after(self, more: bytes) -> int:
        """Return the line that follows all that was read, and `more`."""
        text = self._rest + more
        ends = line_ends(text)
        whole = len(ends) if text.endswith((b"\n", b"\r")) else max(len(ends) - 1, 0)
        return self._next + whole


class _Records:
    """Records as the csv module finds them in some lines; `starts` and `ends` count these lines from 0."""

    def __init__(self, lines: list[str], dialect: Dialect) -> None:
        self.records: list[list[str]] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.broken: dict[int, str] = {}
        self.line = 0
        self._found = csv.reader(
            iter(lines), delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True, doublequote=True
        )

    def read(self, limit: int, first: int) -> Unusable | None:
        """Read so many records; return what ended them, if it was not the last line."""
        while len(self.records) < limit:
            before = self.line
            try:
                for record in islice(self._found, limit - len(self.records)):
                    start, self.line = self.line, self._found.line_num
                    if record:
                        self._add(record, start)
            except csv.Error as error:
                if fault := self._broken(str(error), first):
                    return fault
            if self.line == before:
                break
        return None

    def _add(self, record: list[str], start: int) -> None:
        self.records.append(record)
        self.starts.append(start)
        self.ends.append(self.line)

    def _broken(self, reason: str, first: int) -> Unusable | None:
        """Note a record the parser gave up on: it starts afresh with the next line. Two reasons end the reading."""
        if reason.startswith("unexpected end"):
            message = "the file ends inside a quoted field that begins in this record"
            return Unusable(message, code="unclosed-quote", line=first + self.line)
        if reason.startswith("field larger"):
            message = f"a record is over {MAX_RECORD} bytes, or a field over {csv.field_size_limit()} characters"
            return Unusable(message, code="record-too-long", line=first + self.line)
        start, self.line = self.line, self._found.line_num
        self.broken[len(self.records)] = reason
        self._add([""], start)
        return None


def _first(block: Block, count: int) -> Block:
    """Return the first records of a block that the csv module parsed."""
    records = None if block.records is None else block.records[:count]
    broken = {index: reason for index, reason in block.broken.items() if index < count}
    ends = block.ends[:count]
    return replace(
        block, starts=block.starts[:count], ends=ends, lines=block.lines[:count], records=records, broken=broken
    )
