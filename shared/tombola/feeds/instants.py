"""Ways to write instants at fixed places, read exactly as `tombola.feeds.decoding` reads each of them.

Whatever stands otherwise, and every local time that a clock skips or shows twice, is left to it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND, _HOUR = 1_000_000, 3_600_000_000
PARTS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
"""What an instant's text can hold, and how many digits of it."""
LONGEST_FORM = 32
"""Bytes of an instant's text."""
_ISO = (
    "%Y-%m-%d",
    *(
        f"%Y-%m-%d{time}{offset}"
        for time in ("T%H:%M:%S", " %H:%M:%S", "T%H:%M", " %H:%M")
        for offset in ("", "Z", "+00:00")
    ),
)


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write an instant: `pattern` has NUL where a digit stands, `places` say where each part begins."""

    pattern: bytes
    places: Mapping[str, int]
    local: bool


class FixedInstants:
    """Instants of one dialect at fixed places: `forms` are the ways to write them, in the order of its formats."""

    def __init__(self, datetime_formats: Sequence[str], zone: str, latest: datetime) -> None:
        """Read local times of `zone`, up to `latest`."""
        self._zone = zone
        self.forms = [replace(form, local=form.local and zone != "UTC") for form in _forms(datetime_formats)]
        self.latest = microseconds(latest)

    def in_utc(self, wall: Numbers) -> tuple[Numbers, Flags]:
        """Return the instants at which a clock shows these times, and where there is exactly one, not too late."""
        at, clear = _to_utc(wall, self._zone)
        return at, clear & (at <= self.latest)


def microseconds(at: datetime) -> int:
    """Return whole microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def _forms(formats: Sequence[str]) -> Iterator[Form]:
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
        return later[:2] in {"%d", "%m"} and form.pattern[2] != 0  # no year
    between = [one.pattern.replace(b"\0", b"") for one in (form, other) if one is not None]
    return between[0] != between[1] and not any(chr(letter).isdigit() for one in between for letter in one)


def _form(text: str, *, iso: bool) -> Form | None:
    """Return where the parts of a format stand, or None if they have no fixed places."""
    places: dict[str, int] = {}
    pattern = b""
    for found in re.finditer(r"%(.)|(.)", text, re.DOTALL):
        if found[1] is None:
            if not found[2].isascii() or (found[2].isspace() and found[2] != " "):
                return None
            pattern += found[2].encode()
        elif found[1] not in PARTS or found[1] in places:
            return None
        else:
            places[found[1]] = len(pattern)
            pattern += bytes(PARTS[found[1]])
    if not {"Y", "m", "d"} <= set(places) or text != text.strip() or len(pattern) > LONGEST_FORM:
        return None
    return Form(pattern, places, local=not (iso and text.endswith(("Z", "+00:00"))))


def _to_utc(wall: Numbers, zone: str) -> tuple[Numbers, Flags]:
    """Return the instants at which a clock shows these times, and where there is exactly one."""
    low, high = int(wall.min()), int(wall.max())
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
