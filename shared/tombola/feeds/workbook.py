"""Read the first sheet of an XLSX workbook. Cells become the texts that a file of text would hold.

A workbook cannot be read as a stream, so its size is bounded. Lines are the row numbers of the sheet.
"""

import io
import math
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Any

from tombola.feeds.rejects import RejectsWriter, Writable
from tombola.feeds.splitting import Block
from tombola.feeds.transcribing import Broken, Transcribed, instant_text, null_text, transcribed
from tombola.feeds.unusable import Unusable
from tombola.retailers.model import Dialect

MOST_BYTES = 256 * 1024 * 1024
"""Of all parts, unpacked."""
MOST_CELLS = 4_000_000
"""Of a sheet from its first row and column to the last ones that hold anything."""
MOST_RATIO = 1_000
ROWS = 8 * 1024
"""Rows to a block."""
_DIGITS = 15
"""What a spreadsheet keeps of a number, and shows."""
_PIECE = 1024 * 1024
_PLACE = re.compile(rb"""\b(?:r\s*=\s*["']|ref\s*=\s*["'][$A-Za-z0-9]*:)([A-Za-z]*)([0-9]{1,60})""")
"""Of a row or a cell, or the end of what a sheet says of its size: whatever a reader might believe."""
_COUNT = re.compile(rb"""[cC]ount\s*=\s*["']\s*\+?([0-9]{1,60})""")
"""How many texts or formats a part claims to hold: readers make room for all of them at once."""
_LONGEST_PLACE = 4_096
_LETTERS = 26
_DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError)


class Workbook(Transcribed):
    """One workbook."""

    def __init__(self, file: IO[bytes], dialect: Dialect, wanted: Mapping[str, bool]) -> None:
        """Read the header: the first row that holds anything, unless the dialect names the columns."""
        import python_calamine  # noqa: PLC0415 (only for such files)

        self.dialect = dialect
        self._null = null_text(dialect)
        _check(file)
        file.seek(0)
        try:
            book = python_calamine.CalamineWorkbook.from_filelike(file)
            sheet = book.get_sheet_by_index(0)
            self._rows = iter(sheet.iter_rows())
        except (python_calamine.CalamineError, IndexError, OSError, ValueError) as error:
            raise _damaged(error) from error
        self._line = 0
        self._before = [""] * (sheet.start or (0, 0))[1] if dialect.header else []
        self.header = list(dialect.header or self._header())
        del wanted
        self.form = WorkbookForm(() if dialect.header else tuple(self.header))

    def blocks(self) -> Iterator[Block]:
        """Yield all rows but blank ones."""
        rows: list[Sequence[Any]] = []
        lines: list[int] = []
        for cells in self._rows:
            self._line += 1
            if any(cell != "" for cell in cells):
                rows.append([*self._before, *cells])
                lines.append(self._line)
            if len(rows) >= ROWS:
                yield self._block(rows, lines)
                rows, lines = [], []
        if rows:
            yield self._block(rows, lines)

    def _header(self) -> list[str]:
        for cells in self._rows:
            self._line += 1
            if any(cell != "" for cell in cells):
                return [self._text(cell).strip() for cell in _cut(cells)]
        message = "an empty sheet; expected a first row that names the columns"
        raise Unusable(message, code="empty-file", line=1)

    def _block(self, rows: Sequence[Sequence[Any]], lines: Sequence[int]) -> Block:
        width = len(self.header)
        broken: dict[int, Broken] = {}
        texts: list[list[str]] = []
        for number, cells in enumerate(rows):
            found = _cut(cells)
            if len(found) > width:
                broken[number] = ("wrong-field-count", f"{len(found)} cells; expected {width}, as in the header")
                texts.append([""])
                continue
            texts.append([self._text(cell) for cell in found] + [self._null] * (width - len(found)))
        return transcribed(texts, lines, broken, [_cut(cells) for cells in rows])

    def _text(self, cell: Any) -> str:  # noqa: ANN401 (whatever a cell holds)
        if isinstance(cell, str):
            return cell or self._null
        if isinstance(cell, bool):
            return "true" if cell else "false"
        if isinstance(cell, (int, float)):
            return _number(cell).replace(".", self.dialect.decimal_mark)
        if isinstance(cell, (datetime, date)):
            return instant_text(cell, self.dialect)
        return str(cell)


def _number(value: float) -> str:
    """Return a number as the spreadsheet shows it: 1 for 1.0, and 0.3 for 0.1 + 0.2."""
    if float(value).is_integer() and abs(value) < 10**_DIGITS:
        return str(int(value))
    return format(Decimal(format(value, f".{_DIGITS}g")), "f")


def _cut(cells: Sequence[Any]) -> list[Any]:
    """Return cells without the empty ones at the end."""
    last = next((place for place in range(len(cells), 0, -1) if cells[place - 1] != ""), 0)
    return list(cells[:last])


def _check(file: IO[bytes]) -> None:
    """Refuse what would fill the memory. Raises `Unusable`."""
    try:
        with zipfile.ZipFile(file) as parts:
            infos = parts.infolist()
            size, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
            if size > MOST_BYTES:
                message = f"its parts are {size:,} bytes; at most {MOST_BYTES:,} can be read"
                raise Unusable(message, code="workbook-too-large")
            if size > MOST_RATIO * max(packed, 1):
                message = f"{packed} bytes unpack to {size}"
                raise Unusable(message, code="packing-bomb")
            for info in infos:
                if info.filename.lower().endswith(".xml"):
                    with parts.open(info) as sheet:
                        _check_part(sheet)
    except (*_DAMAGED, RuntimeError) as error:
        raise _damaged(error) from error


def _check_part(part: IO[bytes]) -> None:
    """Refuse what a reader would make too much room for: two cells far apart, or more texts than anybody holds."""
    widest = longest = 0
    rest = b""
    while piece := part.read(_PIECE):
        data = rest + piece
        for column, row in set(_PLACE.findall(data)):
            widest = max(widest, _column(column))
            longest = max(longest, int(row))
        if any(int(count) > MOST_CELLS for count in set(_COUNT.findall(data))):
            message = f"it claims to hold more than {MOST_CELLS:,} texts"
            raise Unusable(message, code="workbook-too-large")
        rest = data[-_LONGEST_PLACE:]
        if widest * longest > MOST_CELLS:
            message = f"a sheet of {longest:,} rows and {widest:,} columns; at most {MOST_CELLS:,} cells can be read"
            raise Unusable(message, code="workbook-too-large")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * _LETTERS + letter - ord("A") + 1
    return number


def _damaged(error: Exception) -> Unusable:
    return Unusable(f"the workbook is damaged or protected: {str(error)[:200]}", code="format-broken")


@dataclass(frozen=True, slots=True)
class WorkbookForm:
    """Rejected rows go into a workbook of one sheet, under the same header."""

    header: tuple[str, ...]
    extension: str = "xlsx"

    def writer(self, target: Writable) -> RejectsWriter:
        """Keep the rows until the end: they are fewer than could be read."""
        return _WorkbookWriter(target, self.header)


class _WorkbookWriter:
    def __init__(self, target: Writable, header: Sequence[str]) -> None:
        import xlsxwriter  # noqa: PLC0415 (only for such files)

        self._target = target
        self._data = io.BytesIO()
        self._book = xlsxwriter.Workbook(self._data, {"in_memory": True})
        self._sheet = self._book.add_worksheet()
        self._formats = {
            kind: self._book.add_format({"num_format": shown})
            for kind, shown in (
                (datetime, "yyyy-mm-dd hh:mm:ss.000"),
                (date, "yyyy-mm-dd"),
                (time, "hh:mm:ss"),
                (timedelta, "[h]:mm:ss"),
            )
        }
        self._row = 0
        if header:
            self.write([header])

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        for cells in rows:
            for column, cell in enumerate(cells):
                self._put(column, cell)
            self._row += 1

    def close(self) -> None:
        self._book.close()
        self._target.write(self._data.getvalue())

    def _put(self, column: int, cell: Any) -> None:  # noqa: ANN401 (whatever a cell holds)
        if isinstance(cell, bool):
            self._sheet.write_boolean(self._row, column, cell)
        elif isinstance(cell, (int, float)) and math.isfinite(cell):
            self._sheet.write_number(self._row, column, cell)
        elif type(cell) in self._formats:
            self._sheet.write_datetime(self._row, column, cell, self._formats[type(cell)])
        elif cell != "":
            self._sheet.write_string(self._row, column, str(cell))
