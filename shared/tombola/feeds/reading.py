"""Read a delimited file as a stream: blocks of records, the line an editor shows for each, and their own bytes.

Whatever makes the rest of a file unreadable is `Unusable`: a value for the receipt, not a crash.
"""

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from tombola.feeds.rejects import TextForm
from tombola.feeds.sniffing import structure
from tombola.feeds.splitting import LF, MAX_RECORD, NO_PLACES, Block, cut_at_line, line_ends, split
from tombola.feeds.texts import Texts
from tombola.feeds.unusable import Unusable
from tombola.retailers.model import Dialect

WIDEST_SPLIT = 1_000
"""Columns; wider files are parsed by the csv module."""
LONGEST_SPLIT = 128 * 1024
"""Bytes of a record; longer ones are parsed by the csv module, which knows its limits."""
MOST_LINES = 64 * 1024
"""Lines of a block: every one may become a rejected row, with words of its own."""


class Reader:
    """One file, read once. Raises `Unusable` from the constructor (no header) and from `blocks`."""

    def __init__(self, texts: Texts, dialect: Dialect, wanted: Collection[str] = ()) -> None:
        """Read the header: `header` holds the column names, of which `wanted` are expected.

        `dialect` is then how the file is delimited and quoted: as stated, or as the header shows.
        """
        self.dialect = dialect
        self._next = 1
        self._rest = b""
        self._fault: Unusable | None = None
        self._last = False
        self._texts = texts
        self._find_structure(wanted)
        preamble, self.header = ("", list(dialect.header)) if dialect.header else self._header()
        self.form = TextForm(texts.mark + texts.encoded(preamble), texts.encoded("\n"))

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
        texts = block.texts(wanted)
        if not block.quoted:
            return [text.rstrip("\r\n").split(self.dialect.delimiter) for text in texts]
        dialect = self.dialect
        found = csv.reader(texts, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True, doublequote=True)
        return list(found)

    def as_sent(self, block: Block, indices: Sequence[int]) -> list[bytes]:
        """Return records in the sender's own encoding: the very bytes that were read."""
        return [self._texts.encoded(text) for text in block.texts(indices)]

    def _find_structure(self, wanted: Collection[str]) -> None:
        """Find out by the header alone what the dialect does not state: so the parts of a file read like the whole."""
        unstated = {"delimiter", "quote"} - self.dialect.model_fields_set
        if self.dialect.header or not unstated:
            return
        while not (lines := self._rest[: self._whole()].strip(b"\r\n")) and not self._ended:
            self._read_on()
        line = next(iter(io.StringIO(lines[:LONGEST_SPLIT].decode(errors="ignore"), newline=None)), "")
        found = structure(line.rstrip("\n"), wanted)
        self.dialect = self.dialect.model_copy(update={name: getattr(found, name) for name in unstated})

    @property
    def _ended(self) -> bool:
        return self._last or self._fault is not None

    def _header(self) -> tuple[str, list[str]]:
        while True:
            whole = self._whole()
            block, used, fault = self._parsed(self._rest[: cut_at_line(self._rest[:LONGEST_SPLIT])], limit=1)
            if fault is not None or not len(block):  # it goes on behind that, or may
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
        if block is None or block.line_count > MOST_LINES:
            data = _some_lines(data)
            block = self._split(data) if len(data) < whole else block
        if block is not None and block.data:
            self._rest = self._rest[len(block.data) :]
            self._next += block.line_count
            return block
        block, used, fault = self._parsed(data)
        if not used and len(data) < whole:  # a record of that many lines
            data = self._rest[:whole]
            block, used, fault = self._parsed(data)
        if fault is not None and ((self._ended and len(data) == whole) or fault.code != "unclosed-quote"):
            self._fault = self._fault if self._fault is not None and fault.code == "unclosed-quote" else fault
            self._rest = b""
        else:
            self._take(used)
        if not used and not self._ended:
            self._read_on()
        return block

    def _split(self, data: bytes) -> Block | None:
        """Return records that need no csv module: of one byte's delimiter and quote, and not too long."""
        delimiter, quote = self.dialect.delimiter, self.dialect.quote
        if not (delimiter + quote).isascii() or len(self.header) > WIDEST_SPLIT:
            return None
        block = split(data, self._next, ord(delimiter), ord(quote))
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
        text = self._texts.read()
        self._rest += text.data
        self._last = text.last
        self._fault = text.fault
        if text.fault is not None and text.located:
            text.fault.line = self._line_after()
        if self._fault is not None:
            self._rest = self._rest[: cut_at_line(self._rest)]

    def _parsed(self, data: bytes, limit: int | None = None) -> tuple[Block, int, Unusable | None]:
        """Parse records by the csv module; return them, how many bytes they are, and what ended them."""
        lines = io.StringIO(data.decode(), newline="").readlines()
        ends = line_ends(data)
        found = _Records(lines, self.dialect)
        fault = found.read(limit or len(lines) + 1, self._next)
        offsets = np.concatenate((NO_PLACES, [0], ends))
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

    def _line_after(self) -> int:
        """Return the line that follows all that was read."""
        ends = line_ends(self._rest)
        whole = len(ends) if self._rest.endswith((b"\n", b"\r")) else max(len(ends) - 1, 0)
        return self._next + whole


class _Records:
    """Records as the csv module finds them in some lines; `starts` and `ends` count these lines from 0."""

    def __init__(self, lines: list[str], dialect: Dialect) -> None:
        self.records: list[list[str]] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.broken: dict[int, tuple[str, str]] = {}
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
        self.broken[len(self.records)] = ("broken-quoting", reason)
        self._add([""], start)
        return None


def _some_lines(data: bytes) -> bytes:
    """Return the data, or its first lines where it has too many."""
    buffer = np.frombuffer(data, np.uint8)
    if np.count_nonzero(buffer == LF) + (data.count(b"\r") if b"\r" in data else 0) <= MOST_LINES:
        return data
    ends = line_ends(data)
    return data[: ends[MOST_LINES - 1]] if len(ends) > MOST_LINES else data


def _first(block: Block, count: int) -> Block:
    """Return the first records of a block that the csv module parsed."""
    records = None if block.records is None else block.records[:count]
    broken = {index: reason for index, reason in block.broken.items() if index < count}
    ends = block.ends[:count]
    return replace(
        block, starts=block.starts[:count], ends=ends, lines=block.lines[:count], records=records, broken=broken
    )
