"""Cut UTF-8 text into whole records, and say where each begins and ends, without looking at every character in Python.

Where quotes stand only where they may, a line end outside them ends a record. Every other block is parsed by
the csv module (`tombola.feeds.reading`), which knows what to make of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Buffer = npt.NDArray[np.uint8]
LF, CR = 10, 13
MAX_RECORD = 1024 * 1024
"""Bytes of UTF-8; a quote that is never closed would otherwise swallow the whole file."""
FEW_QUOTES = 8_000
"""Up to so many quotes in a block, looking them up is faster than counting them at every character."""
NO_PLACES: Places = np.zeros(0, np.int64)


@dataclass(slots=True)
class Block:
    """Some records in a row, as they were sent.

    `starts` and `ends` are byte offsets into `data`, `lines` the line an editor shows for each record. `records`
    are their fields if the csv module had to parse them, `broken` says of those that are none why not, by code and
    reason. `line_count` is how many lines `data` has. `sent` gives each record as it came where the file
    was of another format than delimited text.
    """

    data: bytes = b""
    starts: Places = field(default_factory=lambda: NO_PLACES)
    ends: Places = field(default_factory=lambda: NO_PLACES)
    lines: Places = field(default_factory=lambda: NO_PLACES)
    records: list[list[str]] | None = None
    broken: dict[int, tuple[str, str]] = field(default_factory=dict)
    quoted: bool = False
    line_count: int = 0
    sent: Any = None

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self.starts)

    @property
    def last_line(self) -> int:
        """Return the line of the last record; there is one."""
        return int(self.lines[-1])

    def text(self, index: int) -> str:
        """Return a record exactly as it was sent, with its line ending."""
        return self.texts([index])[0]

    def texts(self, indices: Sequence[int]) -> list[str]:
        """Return records exactly as they were sent, each with its line ending."""
        begins, ends = self.starts[indices].tolist(), self.ends[indices].tolist()
        return [self.data[begin:end].decode() for begin, end in zip(begins, ends, strict=True)]


def line_ends(data: bytes) -> Places:
    """Return the offsets behind every line (LF, CR LF or CR, as editors count them); the last may lack its end."""
    buffer = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(_end_flags(buffer, cr=b"\r" in data)) + 1
    if len(data) and (not len(ends) or ends[-1] < len(data)):
        ends = np.append(ends, len(data))
    return ends


def cut_at_line(data: bytes) -> int:
    """Return the offset behind the last whole line. A CR at the very end may be half of a CR LF."""
    end = data.rfind(b"\n")
    return max(end, data.rfind(b"\r", max(end, 0), -1)) + 1


def split(data: bytes, first: int, delimiter: int, quote: int) -> Block | None:
    """Return the records of `data`, which begins with one on line `first` and ends where a line does.

    A quoted record that does not end in `data` is left out: the block's data is then shorter.
    Returns None where quotes stand as only the csv module can judge.
    """
    buffer = np.frombuffer(data, np.uint8)
    all_ends = ends = line_ends(data)
    quoted = bytes([quote]) in data
    if quoted:
        quotes = _Quotes(buffer, quote)
        ends = quotes.outside(all_ends - 1) + 1
        cut = int(ends[-1]) if len(ends) else 0
        if not quotes.well_placed(cut, delimiter):
            return None
        data, buffer = data[:cut], buffer[:cut]
    block = Block(data=data, ends=ends, quoted=quoted)
    block.line_count = int(np.searchsorted(all_ends, len(data), side="right"))
    block.starts = np.concatenate((NO_PLACES, [0], ends[:-1])) if len(ends) else NO_PLACES
    one_line_each = len(ends) == block.line_count
    block.lines = first + (np.arange(len(ends)) if one_line_each else np.searchsorted(all_ends, block.starts, "right"))
    blank = _blank(buffer, block)
    if not blank.any():
        return block
    return None if quoted else _without(block, blank)


class _Quotes:
    """Knows what stands within quotes, if they stand where they may: what an odd number of them comes before."""

    def __init__(self, buffer: Buffer, quote: int) -> None:
        self._buffer = buffer
        quotes = buffer == quote
        self._places = np.flatnonzero(quotes)
        self._inside = np.cumsum(quotes, dtype=np.uint8) & 1 == 1 if len(self._places) > FEW_QUOTES else None

    def outside(self, places: Places) -> Places:
        """Return those of the places, which are in order, that are outside quotes."""
        if self._inside is not None:
            found: Places = places[~self._inside[places]]
            return found
        opening, closing = self._spans(len(self._buffer))
        begins, ends = np.searchsorted(places, opening), np.searchsorted(places, closing)
        kept = np.ones(len(places), np.bool_)
        for span in np.flatnonzero(begins != ends).tolist():
            kept[begins[span] : ends[span]] = False
        return places[kept]

    def well_placed(self, cut: int, delimiter: int) -> bool:
        """Tell whether every quote up to the cut opens a field, closes it, or is doubled inside one."""
        places = self._places[: np.searchsorted(self._places, cut)]
        if len(places) % 2:
            return False
        opening, closing = places[::2], places[1::2]
        doubled = opening[1:] == closing[:-1] + 1
        ends = np.zeros(256, np.bool_)
        ends[[delimiter, LF, CR]] = True
        opens = (opening == 0) | ends[self._buffer[opening - 1]]
        opens[1:] |= doubled
        closes = (closing == cut - 1) | ends[self._buffer[np.minimum(closing + 1, cut - 1)]]
        closes[:-1] |= doubled
        return bool(opens.all() and closes.all())

    def _spans(self, end: int) -> tuple[Places, Places]:
        """Return where quotes open and where they close; the last one may stay open up to the end."""
        opening, closing = self._places[::2], self._places[1::2]
        return opening, closing if len(closing) == len(opening) else np.append(closing, end)


def _end_flags(buffer: Buffer, *, cr: bool) -> Flags:
    """Return where a line's last character stands."""
    flags: Flags = buffer == LF
    if cr:
        lone = buffer == CR
        lone[:-1] &= ~flags[1:]
        flags = flags | lone
    return flags


def _blank(buffer: Buffer, block: Block) -> Flags:
    """Return which records are lines without anything on them."""
    length = block.ends - block.starts
    if not len(length) or length.min() > 2:  # noqa: PLR2004 (CR LF)
        return np.zeros(len(length), np.bool_)
    first = buffer[block.starts]
    ended = (first == LF) | (first == CR)
    blank: Flags = ended & ((length == 1) | ((length == 2) & (first == CR)))  # noqa: PLR2004 (CR LF)
    return blank


def _without(block: Block, blank: Flags) -> Block:
    """Return the block without blank lines, which are no records. No record of it is quoted."""
    kept = ~blank
    block.starts, block.ends, block.lines = block.starts[kept], block.ends[kept], block.lines[kept]
    return block
