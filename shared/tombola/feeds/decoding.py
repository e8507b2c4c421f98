"""Read a retailer's way of writing: columns, numbers, instants and words become what the contract judges.

What cannot be read becomes an `Unreadable` in its place, so that the model refuses the row and every
problem of a row is told at once. Texts repeat a lot within a file, so what was read is remembered.
"""

import difflib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import repeat
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from tombola.errors import Malformed, Problem
from tombola.feeds.contracts import Row, needed, reading
from tombola.feeds.sniffing import structure
from tombola.feeds.unusable import Unusable
from tombola.instants import FIRST_YEAR, LAST_YEAR
from tombola.money import EXPONENTS
from tombola.retailers.model import Dialect

REMEMBERED = 100_000
LONGEST_NUMBER = 40
NAMED = 100
"""Columns that a message names; a header may hold a million."""
FIRST, END = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
"""The instants that orders can hold. Years such as 1, 1900 and 9999 stand for "unknown" in somebody's system."""
_DAY_OR_MONTH = re.compile(r"[0-9]{1,2}([./-])[0-9]{1,2}\1[0-9]{2,4}([ T].*)?")
_YEARS = f"a year from {FIRST_YEAR} to {LAST_YEAR}"
_WORDS = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}

T = TypeVar("T")
Read = Callable[[str], object]
ReadColumn = Callable[[Sequence[str]], Iterable[object]]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands where a text could not be read. `code` is one of `tombola.feeds.codes`."""

    code: str
    expected: str


class Remembered(dict[str, T], Generic[T]):
    """Calls `read` once per distinct text, and forgets everything when it grows too large."""

    def __init__(self, read: Callable[[str], T]) -> None:
        """Remember what `read` returns."""
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> T:
        """Read a text that is not remembered."""
        if len(self) >= REMEMBERED:
            self.clear()
        value = self[text] = self._read(text)
        return value


class Numbers:
    """Numbers in one dialect: optional sign, digits, grouping, decimals. No exponents, no currency signs."""

    def __init__(self, dialect: Dialect) -> None:
        """Read numbers with the dialect's decimal and thousands marks."""
        group, mark = re.escape(dialect.thousands_mark), re.escape(dialect.decimal_mark)
        whole = rf"[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+" if group else "[0-9]+"
        self._form = re.compile(rf"([+-]?)({whole})(?:{mark}([0-9]*))?")
        self._group = dialect.thousands_mark
        self._expected = f"digits, decimals after {dialect.decimal_mark!r}"

    def scaled(self, text: str, decimals: int, too_many: str, unit: Decimal | None = None) -> int | Unreadable:
        """Return the number times 10 to the `decimals`, exactly; more decimals than that are `too_many`.

        What is written counts in a `unit` of its own, if one is given.
        """
        match = self._form.fullmatch(text.strip()) if len(text) <= LONGEST_NUMBER else None
        if match is None:
            return Unreadable("not-a-number", self._expected)
        sign, whole, fraction = match[1], match[2], (match[3] or "").rstrip("0")
        if self._group:
            whole = whole.replace(self._group, "")
        if unit is not None:
            return _in_unit(int(f"{sign}{whole}{fraction}"), len(fraction), decimals, too_many, unit)
        if len(fraction) > decimals:
            return Unreadable(too_many, f"at most {decimals} decimals")
        number = int(whole + fraction.ljust(decimals, "0"))
        return -number if sign == "-" else number


def _in_unit(digits: int, shift: int, decimals: int, too_many: str, unit: Decimal) -> int | Unreadable:
    """Return `digits` without their last `shift` places, times the unit and 10 to the `decimals`, if that is whole."""
    times, parts = unit.as_integer_ratio()
    number, rest = divmod(digits * times * 10**decimals, parts * 10**shift)
    return Unreadable(too_many, f"{unit} times what is written, with at most {decimals} decimals") if rest else number


class Instants:
    """Instants in one dialect. `ambiguous` are the texts read so far that the local clock shows twice."""

    def __init__(self, dialect: Dialect, latest: datetime = END) -> None:
        """Read instants up to `latest` in the dialect's format and time zone; ISO 8601 where it names no format."""
        self._formats = dialect.datetime_formats
        self._stated = "datetime_formats" in dialect.model_fields_set
        self._zone = ZoneInfo(dialect.time_zone)
        self._ambiguous = dialect.ambiguous
        self._latest = latest
        self.ambiguous: set[str] = set()

    def read(self, text: str) -> datetime | Unreadable:
        """Return the instant in UTC."""
        try:
            at = self._parse(text.strip())
            if at is None:
                return self._unread(text)
            found = at.astimezone(UTC) if at.tzinfo else self._local(at, text)
        except (ValueError, OverflowError):
            return Unreadable("not-a-time", _YEARS)
        return found if isinstance(found, Unreadable) else self._possible(found)

    def _possible(self, at: datetime) -> datetime | Unreadable:
        """Return the instant if anything can have happened then."""
        if not FIRST <= at < END:
            return Unreadable("not-a-time", _YEARS)
        if at > self._latest:
            return Unreadable("in-the-future", f"at most {self._latest.isoformat(timespec='seconds')}")
        return at

    def _parse(self, text: str) -> datetime | None:
        """Return the time as the first format that fits reads it: aware only if the text holds its offset."""
        for one in self._formats:
            try:
                return datetime.fromisoformat(text) if one == "iso" else datetime.strptime(text, one)  # noqa: DTZ007 (`_local` knows the zone)
            except ValueError:
                continue
        return None

    def _unread(self, text: str) -> Unreadable:
        """Say what was expected. Whether the day or the month comes first is never guessed."""
        if not self._stated and _DAY_OR_MONTH.fullmatch(text.strip()):
            expected = "ISO 8601, or a dialect that states datetime_formats, such as %d.%m.%Y or %m/%d/%Y"
            return Unreadable("ambiguous-date", expected)
        shown = ("ISO 8601, such as 2026-03-29T12:30:00" if one == "iso" else one for one in self._formats)
        return Unreadable("not-a-time", " or ".join(shown))

    def _local(self, at: datetime, text: str) -> datetime | Unreadable:
        earlier, later = (at.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if earlier == later:
            return earlier
        if earlier.astimezone(self._zone).replace(tzinfo=None) != at:
            return Unreadable("local-time-skipped", f"a time that the clock of {self._zone.key} shows")
        if self._ambiguous == "reject":
            return Unreadable("local-time-shown-twice", "UTC, or a time with its offset")
        self.ambiguous.add(text)
        return earlier if self._ambiguous == "earlier" else later


class Decoder:
    """Turns the records of one file into what the contract's model judges."""

    def __init__(
        self, row: type[Row], dialect: Dialect, currency: str, header: Sequence[str], latest: datetime = END
    ) -> None:
        """Match the header with the contract, by the dialect's names. Instants after `latest` are not read.

        Raises `Unusable` for a header that lacks or repeats columns, `Malformed` for a dialect that
        names fields which the contract does not have.
        """
        self.row = row
        self.header = header
        self._dialect = dialect
        self._instants = Instants(dialect, latest)
        self._numbers = Numbers(dialect)
        self.places = _places(row, dialect, header)
        self._constants = self._constant_values(currency)
        fixed = str(self._constants.get("currency", "")) or None
        self._hows = {field: reading(row, field) for field in self.places}
        self._amounts: dict[tuple[str, str], Remembered[object]] = {}
        self._readers = {
            field: self._reader(field, how, fixed) for field, how in self._hows.items() if fixed or how != "amount"
        }

    def decode(self, records: Sequence[Sequence[str]]) -> Iterator[dict[str, object]]:
        """Yield the fields of each record, read or `Unreadable`. Every record has the header's length.

        Column by column, because a column's texts repeat and its reader runs without leaving C.
        """
        if not records:
            return
        texts = list(zip(*records, strict=True))
        columns: dict[str, Iterable[object]] = {field: repeat(value) for field, value in self._constants.items()}
        for field, place in self.places.items():
            read = self._readers.get(field)
            columns[field] = self._priced(field, texts) if read is None else read(texts[place])
        for values in zip(*columns.values(), strict=False):
            yield dict(zip(columns, values, strict=True))

    def cell(self, field: str, text: str) -> object:
        """Return what one cell of a field says, read or `Unreadable`.

        An amount whose currency stands in its row is read as those of currencies that nobody knows.
        """
        read = self._readers.get(field)
        return self._amounts_of(field, "")[text] if read is None else next(iter(read([text])))

    @property
    def saw_ambiguous(self) -> bool:
        """Whether any local time was read that the clock shows twice."""
        return bool(self._instants.ambiguous)

    def ambiguous(self, record: Sequence[str]) -> list[str]:
        """Return the fields whose local time the clock shows twice."""
        seen = self._instants.ambiguous
        return [field for field, how in self._hows.items() if how == "instant" and record[self.places[field]] in seen]

    def _priced(self, field: str, texts: Sequence[Sequence[str]]) -> list[object]:
        """Read amounts whose currency stands in the same row."""
        currencies = texts[self.places["currency"]]
        readers = {currency: self._amounts_of(field, currency.strip()) for currency in set(currencies)}
        return [readers[currency][text] for text, currency in zip(texts[self.places[field]], currencies, strict=True)]

    def _amounts_of(self, field: str, currency: str) -> Remembered[object]:
        """Return what reads a field's amounts in a currency. Amounts of a currency nobody knows are refused later."""
        if currency not in EXPONENTS:
            currency = "EUR"
        if (found := self._amounts.get((field, currency))) is not None:
            return found
        nulls, null = self._dialect.nulls, self._null(field)
        read = self._amount(currency, self._dialect.units.get(field))
        found = Remembered(lambda text: null if text in nulls else read(text))
        return self._amounts.setdefault((field, currency), found)

    @property
    def constants(self) -> Mapping[str, object]:
        """What fields that no column holds are in every row, read or `Unreadable`."""
        return self._constants

    def _constant_values(self, currency: str) -> dict[str, object]:
        constants = dict(self._dialect.constants)
        if "currency" in self.row.model_fields and "currency" not in self.places:
            constants.setdefault("currency", currency)
        code = constants.get("currency")
        return {
            field: next(iter(self._reader(field, reading(self.row, field), code)([text])))
            for field, text in constants.items()
        }

    def _reader(self, field: str, how: str, currency: str | None) -> ReadColumn:
        """Return what reads one column; empty cells are the field's default, or None."""
        nulls, null = self._dialect.nulls, self._null(field)
        if how == "text":
            replaced = dict.fromkeys(nulls, null)
            return lambda texts: map(replaced.get, texts, texts)
        unit = self._dialect.units.get(field)
        read = self._amount(currency or "EUR", unit) if how == "amount" else self._cell_reader(how, unit)
        remembered = Remembered(lambda text: null if text in nulls else read(text))
        return lambda texts: map(remembered.__getitem__, texts)

    def _cell_reader(self, how: str, unit: Decimal | None) -> Read:
        readers: dict[str, Read] = {"whole": self._whole(unit), "instant": self._instants.read, "yes_no": _yes_or_no}
        return readers[how]

    def _null(self, field: str) -> object:
        """Return what an empty cell means: the field's default, or None, which a required field refuses."""
        info = self.row.model_fields[field]
        return None if info.is_required() else info.default

    def _whole(self, unit: Decimal | None) -> Read:
        return lambda text: self._numbers.scaled(text, 0, "not-whole", unit)

    def _amount(self, currency: str, unit: Decimal | None) -> Read:
        decimals = EXPONENTS.get(currency, 2)
        return lambda text: self._numbers.scaled(text, decimals, "too-many-decimals", unit)


def _yes_or_no(text: str) -> object:
    return _WORDS.get(text.strip().lower(), Unreadable("not-yes-or-no", ", ".join(_WORDS)))


def _places(row: type[Row], dialect: Dialect, header: Sequence[str]) -> dict[str, int]:
    """Return the column of every field that has one."""
    _check_dialect(row, dialect)
    if repeated := [name for name, count in Counter(header).items() if count > 1]:
        message = f"the header repeats {', '.join(map(repr, repeated[:NAMED]))}"
        raise Unusable(message, code="duplicate-columns", line=1, value=", ".join(repeated[:NAMED]))
    names = {field: dialect.columns.get(field, field) for field in row.model_fields if field not in dialect.constants}
    places = {field: header.index(name) for field, name in names.items() if name in header}
    lacking = {
        name: None
        for field, name in names.items()
        if field not in places and (field in dialect.columns or needed(row, field))
    }
    if lacking:
        wanted = ", ".join(map(repr, lacking))
        found = ", ".join(map(repr, header[:NAMED])) + (f" and {len(header) - NAMED} more" * (len(header) > NAMED))
        free = [name for name in header[:NAMED] if name not in names.values()]
        message = f"no column {wanted}; found {found}{_hints(lacking, free)}"
        message += _delimiter_hint(header, dialect, names.values())
        raise Unusable(message, code="missing-columns", line=1, value=", ".join(lacking))
    return places


def columns_wanted(row: type[Row], dialect: Dialect) -> dict[str, bool]:
    """Return the columns that somebody will read if the file has them, and whether no cell of them may be left out."""
    wanted: dict[str, bool] = {}
    for field in row.model_fields:
        if field not in dialect.constants:
            name = dialect.columns.get(field, field)
            wanted[name] = wanted.get(name, False) or row.model_fields[field].is_required()
    return wanted


def _delimiter_hint(header: Sequence[str], dialect: Dialect, names: Collection[str]) -> str:
    """Return which delimiter the header shows, if it is another than the one that is stated."""
    found = structure(header[0], names).delimiter if len(header) == 1 else dialect.delimiter
    return f"; is the delimiter {found!r}, and not {dialect.delimiter!r}?" if found != dialect.delimiter else ""


def _hints(lacking: Mapping[str, None], header: Sequence[str]) -> str:
    folded = {name.lower().replace(" ", "_"): name for name in header}
    near = {name: difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6) for name in lacking}
    return "".join(f"; is {folded[match[0]]!r} the column {name!r}?" for name, match in near.items() if match)


def _check_dialect(row: type[Row], dialect: Dialect) -> None:
    """Raises `Malformed` naming every field that the contract does not have."""
    numbers = {field for field in row.model_fields if reading(row, field) in {"whole", "amount"}}
    if others := sorted(set(dialect.units) - numbers):
        problems = [Problem(f"units.{field}", repr(field), f"one of {', '.join(sorted(numbers))}") for field in others]
        message = f"the dialect gives units to fields that are no numbers: {', '.join(others)}"
        raise Malformed(message, problems, code="malformed-dialect")
    strange = sorted({*dialect.columns, *dialect.constants} - set(row.model_fields))
    if strange:
        expected = f"one of {', '.join(row.model_fields)}"
        problems = [Problem(f"columns.{field}", repr(field), expected) for field in strange]
        message = f"the dialect names fields that the contract does not have: {', '.join(strange)}"
        raise Malformed(message, problems, code="malformed-dialect")
