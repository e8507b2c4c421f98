"""Read columns of instants that stand at fixed places, exactly as `tombola.feeds.decoding` reads each of them.

Whatever stands otherwise, and every local time that a clock skips or shows twice, is left to it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from tombola.instants import FIRST_YEAR, LAST_YEAR

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND, _HOUR, _DAY = 1_000_000, 3_600_000_000, 86_400_000_000
FEW_RUNS = 2
"""Texts that stand in a run, on average, from which on reading one of each run is worth it."""
_PARTS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
_ISO = (
    "%Y-%m-%d",
    *(
        f"%Y-%m-%d{time}{offset}"
        for time in ("T%H:%M:%S", " %H:%M:%S", "T%H:%M", " %H:%M")
        for offset in ("", "Z", "+00:00")
    ),
)


@dataclass(frozen=True, slots=True)
class _Form:
    """Where each part of an instant stands in a text of `length` bytes, and what stands between them."""

    length: int
    parts: tuple[tuple[str, int, int], ...]
    literals: tuple[tuple[int, int], ...]
    utc: bool


class FixedInstants:
    """Instants of one dialect at fixed places."""

    def __init__(self, datetime_formats: Sequence[str], zone: str, latest: datetime) -> None:
        """Read local times of `zone`, up to `latest`, by formats that are tried in their order."""
        self._forms = list(_forms(datetime_formats))
        self._zone = zone
        self._latest = microseconds(latest)

    def read(self, texts: pl.Series) -> tuple[Numbers, Flags]:
        """Return microseconds since 1970, UTC, and for which texts that is what they say. No text is null.

        A text that follows itself is read once: the lines of an order are of one time.
        """
        runs = texts.rle().struct.unnest()
        if runs.height > len(texts) // FEW_RUNS:
            return self._read_each(texts)
        at, sure = self._read_each(runs["value"])
        lengths = runs["len"].to_numpy()
        return np.repeat(at, lengths), np.repeat(sure, lengths)

    def _read_each(self, texts: pl.Series) -> tuple[Numbers, Flags]:
        at, sure = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
        data, offsets = utf8(texts)
        lengths = np.diff(offsets)
        found_lengths = set(np.flatnonzero(np.bincount(lengths)).tolist())
        for length in {form.length for form in self._forms} & found_lengths:
            places = np.flatnonzero(lengths == length)
            begins = offsets[places]
            read, known = self._read_all(data[np.arange(length)[:, None] + begins])
            at[places], sure[places] = read, known
        return at, sure

    def _read_all(self, matrix: npt.NDArray[np.uint8]) -> tuple[Numbers, Flags]:
        """Read texts of one length: one column of bytes each."""
        at, sure = np.zeros(matrix.shape[1], np.int64), np.zeros(matrix.shape[1], np.bool_)
        for form in self._forms:
            if form.length != len(matrix) or sure.all():
                continue
            read, known = _wall(matrix, form)
            if not form.utc:
                read, clear = _to_utc(read, self._zone, known)
                known &= clear
            known &= read <= self._latest
            new = known & ~sure
            at[new], sure[new] = read[new], True
        return at, sure


def microseconds(at: datetime) -> int:
    """Return whole microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def _forms(formats: Sequence[str]) -> Iterator[_Form]:
    """Yield the forms of texts that no earlier format could have read in another way."""
    for number, one in enumerate(formats):
        forms = [form for text in (_ISO if one == "iso" else (one,)) if (form := _form(text, iso=one == "iso"))]
        if not all(_told_apart(one, earlier) for earlier in formats[:number]):
            return
        yield from forms


def _told_apart(later: str, earlier: str) -> bool:
    """Tell whether no text of the one format is one of the other: what stands between the numbers says so."""
    form, other = (_form(text, iso=False) for text in (later, earlier))
    if form is None or (earlier != "iso" and other is None) or later == "iso":
        return False
    if earlier == "iso":
        return later[:2] in {"%d", "%m"} and form.literals[:1] != () and form.literals[0][0] == 2  # noqa: PLR2004 (no year)
    between = [[letter for _, letter in one.literals] for one in (form, other) if one is not None]
    return between[0] != between[1] and not any(chr(letter).isdigit() for one in between for letter in one)


def _form(text: str, *, iso: bool) -> _Form | None:
    """Return where the parts of a format stand, or None if they have no fixed places."""
    parts, literals, place = [], [], 0
    for found in re.finditer(r"%(.)|(.)", text, re.DOTALL):
        if found[1] is None:
            if not found[2].isascii() or (found[2].isspace() and found[2] != " "):
                return None
            literals.append((place, ord(found[2])))
            place += 1
        elif (size := _PARTS.get(found[1])) is None:
            return None
        else:
            parts.append((found[1], place, size))
            place += size
    names = [name for name, _, _ in parts]
    if len(set(names)) != len(names) or not {"Y", "m", "d"} <= set(names) or text != text.strip():
        return None
    return _Form(place, tuple(parts), tuple(literals), utc=iso and text.endswith(("Z", "+00:00")))


def utf8(texts: pl.Series) -> tuple[npt.NDArray[np.uint8], Numbers]:
    """Return the UTF-8 of all texts, and where in it each begins, and the last one ends."""
    array = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    begins = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(texts) + 1]
    return np.frombuffer(data or b"", np.uint8), begins


def _wall(matrix: npt.NDArray[np.uint8], form: _Form) -> tuple[Numbers, Flags]:
    """Return what the clock shows, as microseconds since its 1970, and where that is a possible time."""
    sure = np.ones(matrix.shape[1], np.bool_)
    for place, letter in form.literals:
        sure &= matrix[place] == letter
    found = {"H": 0, "M": 0, "S": 0}
    values: dict[str, npt.NDArray[np.int32] | int] = dict(found)
    for name, place, size in form.parts:
        number = np.zeros(matrix.shape[1], np.int32)
        for digit in range(place, place + size):
            value = matrix[digit] - np.uint8(48)
            sure &= value <= 9  # noqa: PLR2004 (a digit; what is below 48 wraps around)
            number = number * 10 + value
        values[name] = number
    year, month, day = (np.asarray(values[name], np.int64) for name in ("Y", "m", "d"))
    sure &= (year > FIRST_YEAR) & (year < LAST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1)  # noqa: PLR2004
    month = np.where(sure, month, 1)
    year = np.where(sure, year, FIRST_YEAR + 1)
    days, long = _months()
    index = (year - FIRST_YEAR) * 12 + month - 1
    sure &= day <= long[index]
    hour, minute, second = (np.asarray(values[name], np.int64) for name in ("H", "M", "S"))
    sure &= (hour < 24) & (minute < 60) & (second < 60)  # noqa: PLR2004
    return (days[index] + day - 1) * _DAY + ((hour * 60 + minute) * 60 + second) * _SECOND, sure


@cache
def _months() -> tuple[Numbers, Numbers]:
    """Return of every month the days from 1970 to its first, and how many days it has."""
    firsts = [date(year, month, 1).toordinal() for year in range(FIRST_YEAR, LAST_YEAR + 2) for month in range(1, 13)]
    days = np.array(firsts, np.int64) - date(1970, 1, 1).toordinal()
    return days[:-1], np.diff(days)


def _to_utc(wall: Numbers, zone: str, possible: Flags) -> tuple[Numbers, Flags]:
    """Return the instants at which a clock shows these times, and where there is exactly one."""
    if zone == "UTC":
        return wall, np.ones(len(wall), np.bool_)
    some = wall[possible]
    if not len(some):
        return wall, possible
    low, high = int(some.min()), int(some.max())
    years = range(_year(low) - 1, _year(high) + 2)
    changes = [change for year in years for change in _changes(zone, year)]
    begin = microseconds(datetime(max(years[0], 1), 1, 1, tzinfo=UTC))
    offset = _offset(zone, begin)
    offsets = np.array([offset, *(change[2] for change in changes)], np.int64)
    clear = np.ones(len(wall), np.bool_)
    for at, before, after in changes:  # a local time around a change is skipped or shown twice
        clear &= (wall < at + min(before, after)) | (wall >= at + max(before, after))
    bounds = np.array([at + max(before, after) for at, before, after in changes], np.int64)
    return wall - offsets[np.searchsorted(bounds, wall, side="right")], clear


def _year(at: int) -> int:
    return (_EPOCH + timedelta(microseconds=at)).year


@cache
def _changes(zone: str, year: int) -> Sequence[tuple[int, int, int]]:
    """Return each change of a clock in a year (UTC): when, and its offset before and after. In microseconds."""
    return tuple(_find_changes(zone, year))


def _find_changes(zone: str, year: int) -> Iterator[tuple[int, int, int]]:
    begin = microseconds(datetime(year, 1, 1, tzinfo=UTC))
    end = microseconds(datetime(year + 1, 1, 1, tzinfo=UTC))
    for low in range(begin, end, 6 * _HOUR):
        high = low + 6 * _HOUR
        before, after = _offset(zone, low), _offset(zone, high)
        if before != after:
            yield _bisect(zone, low, high, before), before, after


def _bisect(zone: str, low: int, high: int, before: int) -> int:
    """Return the first second at which the offset is no longer `before`."""
    while high - low > _SECOND:
        middle = (low + high) // (2 * _SECOND) * _SECOND
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def _offset(zone: str, at: int) -> int:
    """Return by how much a clock is ahead of UTC at an instant, in microseconds."""
    moment = (_EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone))
    ahead = moment.utcoffset()
    assert ahead is not None  # noqa: S101 (a zone always says)
    return ahead // _MICROSECOND
