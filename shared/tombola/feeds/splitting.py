"""Cut UTF-8 text into whole records, and say where each begins and ends, without looking at every character in Python.

Where quotes stand only where they may, a line end outside them ends a record. Every other block is parsed by
the csv module (`tombola.feeds.reading`), which knows what to make of it.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Buffer = npt.NDArray[np.uint8]
LF, CR = 10, 13
FEW_QUOTES = 8_000
"""Up to so many quotes in a block, looking at each is faster than counting them at every character."""
NO_LINES: Places = np.zeros(0, np.int64)


@dataclass(slots=True)
class Block:
    """Some records in a row, as they were sent.

    `starts` and `ends` are byte offsets into `data`, `lines` the line an editor shows for each record. `records`
    are their fields if the csv module had to parse them, `broken` says of those that are none why not, by code and
    reason. `shaped` are the records
    of as many fields as the header has; `plain` is what a fast parser reads, one line per record.
    `line_count` is how many lines `data` has.
    """

    data: bytes = b""
    starts: Places = field(default_factory=lambda: NO_LINES)
    ends: Places = field(default_factory=lambda: NO_LINES)
    lines: Places = field(default_factory=lambda: NO_LINES)
    records: list[list[str]] | None = None
    broken: dict[int, tuple[str, str]] = field(default_factory=dict)
    shaped: Flags | None = None
    plain: bytes | None = None
    quoted: bool = False
    line_count: int = 0

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self.starts)

    def text(self, index: int) -> str:
        """Return a record exactly as it was sent, with its line ending."""
        return self.raw(index).decode()

    def raw(self, index: int) -> bytes:
        """Return a record's UTF-8, with its line ending."""
        return self.data[self.starts[index] : self.ends[index]]


def line_ends(data: bytes) -> Places:
    """Return the offsets behind every line (LF, CR LF or CR, as editors count them); the last may lack its end."""
    buffer = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(_end_flags(buffer, cr=b"\r" in data)) + 1
    if len(data) and (not len(ends) or ends[-1] < len(data)):
        ends = np.append(ends, len(data))
    return ends


def cut_at_line(data: bytes) -> int:
    """Return the offset behind the last whole line. A CR at the very end may be half of a CR LF."""
    return max(data.rfind(b"\n"), data.rfind(b"\r", 0, -1)) + 1


def split(data: bytes, first: int, width: int, delimiter: int, quote: int) -> Block | None:
    """Return the records of `data`, which begins with one on line `first` and ends where a line does.

    A quoted record that does not end in `data` is left out: the block's data is then shorter.
    Returns None where quotes stand as only the csv module can judge.
    """
    buffer = np.frombuffer(data, np.uint8)
    quoted = bytes([quote]) in data
    flags = _end_flags(buffer, cr=b"\r" in data)
    all_ends = np.flatnonzero(flags)
    cells = buffer == delimiter
    if quoted:
        _clear_quoted(flags, cells, buffer, quote)
    ends = np.flatnonzero(flags)
    if len(data) and (not len(ends) or ends[-1] < len(data) - 1) and not _is_open(data, quote):
        ends = np.append(ends, len(data) - 1)  # the last line of a file may lack its end
    if quoted:
        cut = int(ends[-1]) + 1 if len(ends) else 0
        if not _well_quoted(buffer[:cut], delimiter, quote):
            return None
        data, buffer, cells = data[:cut], buffer[:cut], cells[:cut]
    block = Block(data=data, ends=ends + 1, quoted=quoted)
    block.line_count = int(np.searchsorted(all_ends, len(data))) + (not data.endswith((b"\n", b"\r")))
    block.starts = np.concatenate((NO_LINES, [0], block.ends[:-1])) if len(ends) else NO_LINES
    block.lines = first + (np.searchsorted(all_ends, block.starts) if quoted else np.arange(len(ends)))
    blank = _blank(buffer, block)
    if blank.any() and quoted:
        return None
    block.shaped = _shaped(block, np.flatnonzero(cells), width)
    block.plain = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data
    return _without(block, blank) if blank.any() else block


def _is_open(data: bytes, quote: int) -> bool:
    """Tell whether the data ends within quotes, or at a line end within them."""
    return data.count(quote) % 2 == 1


def _end_flags(buffer: Buffer, *, cr: bool) -> Flags:
    """Return where a line's last character stands."""
    flags: Flags = buffer == LF
    if cr:
        lone = buffer == CR
        lone[:-1] &= ~flags[1:]
        flags = flags | lone
    return flags


def _clear_quoted(flags: Flags, cells: Flags, buffer: Buffer, quote: int) -> None:
    """Clear what stands inside quotes, if they stand where they may: after an odd number of them."""
    quotes = buffer == quote
    places = np.flatnonzero(quotes)
    if len(places) > FEW_QUOTES:
        outside = np.cumsum(quotes, dtype=np.uint8) & 1 == 0
        flags &= outside
        cells &= outside
        return
    for begin, end in zip(places[::2].tolist(), [*places[1::2].tolist(), len(buffer)], strict=False):
        flags[begin:end] = False
        cells[begin:end] = False


def _well_quoted(buffer: Buffer, delimiter: int, quote: int) -> bool:
    """Tell whether every quote opens a field, closes it, or is doubled inside one."""
    places = np.flatnonzero(buffer == quote)
    if len(places) % 2:
        return False
    if not len(places):
        return True
    opening, closing = places[::2], places[1::2]
    ends = np.array([delimiter, LF, CR], np.uint8)
    opens = (opening == 0) | np.isin(buffer[opening - 1], ends)
    opens[1:] |= opening[1:] == closing[:-1] + 1
    behind = np.minimum(closing + 1, len(buffer) - 1)
    closes = (closing == len(buffer) - 1) | np.isin(buffer[behind], ends)
    closes[:-1] |= opening[1:] == closing[:-1] + 1
    return bool(opens.all() and closes.all())


def _blank(buffer: Buffer, block: Block) -> Flags:
    """Return which records are lines without anything on them."""
    length = block.ends - block.starts
    if not len(length):
        return np.zeros(0, np.bool_)
    first = buffer[block.starts]
    ended = (first == LF) | (first == CR)
    blank: Flags = ended & ((length == 1) | ((length == 2) & (first == CR)))  # noqa: PLR2004 (CR LF)
    return blank


def _shaped(block: Block, cells: Places, width: int) -> Flags:
    """Return which records have `width` fields."""
    rows, between = len(block), width - 1
    if between and len(cells) == rows * between:
        first, last = cells[::between], cells[between - 1 :: between]
        if (first >= block.starts).all() and (last < block.ends).all():
            return np.ones(rows, np.bool_)
    counts = np.searchsorted(cells, block.ends) - np.searchsorted(cells, block.starts)
    shaped: Flags = counts == between
    return shaped


def _without(block: Block, blank: Flags) -> Block:
    """Return the block without blank lines, which are no records. No record of it is quoted."""
    kept = ~blank
    assert block.plain is not None  # noqa: S101 (just made)
    assert block.shaped is not None  # noqa: S101 (just made)
    block.plain = b"\n".join(line for line in block.plain.split(b"\n") if line)
    block.starts, block.ends, block.lines = block.starts[kept], block.ends[kept], block.lines[kept]
    block.shaped = block.shaped[kept]
    return block
