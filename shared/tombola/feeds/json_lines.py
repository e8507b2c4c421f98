"""Read JSON Lines: one object a line. Numbers keep their very digits; a key that is missing is an empty cell."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from tombola.feeds.rejects import TextForm
from tombola.feeds.splitting import MAX_RECORD, Block, cut_at_line
from tombola.feeds.texts import Texts
from tombola.feeds.transcribing import WIDEST, Broken, Transcribed, null_text, transcribed
from tombola.feeds.unusable import Unusable
from tombola.retailers.model import Dialect

_WORDS = {True: "true", False: "false"}
_BLANK = " \t\r\n"


class JsonLines(Transcribed):
    """One file of JSON Lines."""

    def __init__(self, texts: Texts, dialect: Dialect, wanted: Mapping[str, bool]) -> None:
        """Find the columns: the keys of the first lines, and those of the `wanted` that any line may leave out."""
        self.dialect = dialect
        self._texts = texts
        self._wanted = wanted
        self._next = 1
        self._rest = b""
        self._fault: Unusable | None = None
        self._last = False
        self._null = null_text(dialect)
        self._loads = _Loads(dialect)
        self.form = TextForm(texts.mark, texts.encoded("\n"), "jsonl")
        self.header = self._keys()
        self._known = set(self.header)

    def blocks(self) -> Iterator[Block]:
        """Yield all objects, also those before a fault. Blank lines are none."""
        while lines := self._lines():
            block = self._block(lines)
            self._next += len(lines)
            if len(block):
                yield block
        if self._fault is not None:
            raise self._fault

    def _keys(self) -> list[str]:
        """Return the columns of the file."""
        while not self._whole() and not self._ended:
            self._read_on()
        found: dict[str, None] = {}
        for line in _split(self._rest[: self._whole()]):
            pairs = self._loads(line) if line.strip(_BLANK) else None
            if isinstance(pairs, dict):
                found.update(dict.fromkeys(pairs))
        if not found:
            message = "no JSON object; expected one on every line"
            raise self._fault or Unusable(message, code="empty-file", line=1)
        if len(found) > WIDEST:
            message = f"{len(found)} keys; expected at most {WIDEST}"
            raise Unusable(message, code="too-many-columns", line=1)
        return [*found, *(name for name, needed in self._wanted.items() if not needed and name not in found)]

    def _lines(self) -> list[str]:
        """Return the next lines, none at the end or before a fault."""
        while not (whole := self._whole()) and not self._ended:
            self._read_on()
        taken, self._rest = self._rest[:whole], self._rest[whole:]
        return _split(taken)

    @property
    def _ended(self) -> bool:
        return self._last or self._fault is not None

    def _whole(self) -> int:
        return len(self._rest) if self._last and self._fault is None else cut_at_line(self._rest)

    def _read_on(self) -> None:
        """Read another piece. A line without end would otherwise fill the memory."""
        if len(self._rest) > MAX_RECORD:
            self._fault, self._rest = self._too_long(self._next), b""
            return
        text = self._texts.read()
        self._rest += text.data
        self._last, self._fault = text.last, text.fault
        if text.fault is not None and text.located:
            text.fault.line = self._next + max(len(_split(self._rest + b".")) - 1, 0)

    def _too_long(self, line: int) -> Unusable:
        return Unusable(f"a record is over {MAX_RECORD} bytes", code="record-too-long", line=line)

    def _block(self, lines: Sequence[str]) -> Block:
        rows: list[list[str]] = []
        places: list[int] = []
        broken: dict[int, Broken] = {}
        for place, line in enumerate(lines):
            if not line.strip(_BLANK):
                continue
            if len(line) > MAX_RECORD:
                self._fault, self._last, self._rest = self._too_long(self._next + place), True, b""
                break
            row = self._row(line)
            if isinstance(row, tuple):
                broken[len(rows)] = row
                row = [""]
            rows.append(row)
            places.append(place)
        sent = _Sent(self._texts, [lines[place] for place in places])
        return transcribed(rows, [self._next + place for place in places], broken, sent)

    def _row(self, line: str) -> list[str] | Broken:
        """Return one object's cells, or why they are none."""
        found = self._loads(line)
        if isinstance(found, str):
            return "not-json", found
        if (late := found.keys() - self._known) and (late := late & self._wanted.keys()):
            return "wrong-field-count", f"the key {min(late)!r}, which none of the first objects has; expected it there"
        if "\\u" in line and not _is_unicode(found):
            return "not-json", "half a character, written as \\ud800 to \\udfff; expected Unicode"
        cells: list[str] = []
        for name in self.header:
            value = found.get(name)
            if value.__class__ is str:
                cells.append(value)
            elif isinstance(value, (list, dict)) and (not self._wanted or name in self._wanted):
                return "nested-value", f"{name!r} holds a list or an object; expected a text, number, yes or no"
            else:
                cells.append(_WORDS.get(value, self._null) if value.__class__ is bool else self._null)
        return cells


class _Sent:
    """The lines of a block in the file's own encoding."""

    def __init__(self, texts: Texts, lines: Sequence[str]) -> None:
        self._texts, self._lines = texts, lines

    def __getitem__(self, index: int) -> bytes:
        return self._texts.encoded(self._lines[index])


class _Repeats(ValueError):
    """An object names a key twice."""


class _Loads:
    """Parses one line; numbers become their text, with the dialect's decimal mark."""

    def __init__(self, dialect: Dialect) -> None:
        mark = dialect.decimal_mark
        self._decoder = json.JSONDecoder(
            object_pairs_hook=_once,
            parse_int=str,
            parse_float=str if mark == "." else lambda text: text.replace(".", mark),
            parse_constant=_no_number,
        )

    def __call__(self, line: str) -> dict[str, Any] | str:
        """Return the object, or why it is none."""
        try:
            found = self._decoder.decode(line)
        except RecursionError:
            return "lists or objects inside each other without end; expected one flat object"
        except ValueError as error:
            return f"{error}; expected one JSON object, each key once"
        return found if isinstance(found, dict) else "no object; expected one JSON object a line"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "a key stands in the object twice"
        raise _Repeats(message)
    return found


def _is_unicode(found: dict[str, Any]) -> bool:
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_number(text: str) -> NoReturn:
    message = f"{text} is no number"
    raise ValueError(message)


def _split(data: bytes) -> list[str]:
    """Return lines as editors count them, with their ends."""
    return io.StringIO(data.decode(), newline="").readlines()
