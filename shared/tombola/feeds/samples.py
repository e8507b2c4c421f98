"""Rows of a feed that its contract takes, made up at every edge: of lengths, alphabets, amounts, clocks and words.

They are for trying an export pipeline, and the same for the same seed. Randomness is an argument.
"""

import csv
import io
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from stdnum import ean

from tombola.feeds.contracts import ACTIONS, Row, contract, reading
from tombola.feeds.events import FeedKind
from tombola.feeds.fields import CURRENCIES
from tombola.money import major_units

Below = Callable[[int], int]
"""Returns a number from 0 to less than its argument, at random."""
LONGEST = 200
NEW_YORK = ZoneInfo("America/New_York")
TEXTS = (
    "Cola",
    "x",
    "7" * LONGEST,
    "é" * LONGEST,
    'Jar, 5" wide; "best"',
    "Kč ß İ Ǆ",
    "日本語",
    "اللبن",
    "e\u0301",
    "🥤",
    "007",
    "=1+1",
    "NULL",
    "null",
    "a  b",
)
WHOLES = (0, 1, 2, 999, 1_000, 1_001, 10**9)
AMOUNTS = (0, 1, 99, 100, 101, 12_345, 10**12 - 1, 10**12)
INSTANTS = (
    datetime(2017, 3, 12, 1, 59, 59, tzinfo=NEW_YORK),
    datetime(2017, 3, 12, 3, 0, 0, tzinfo=NEW_YORK),
    datetime(2017, 11, 5, 1, 30, 0, tzinfo=NEW_YORK),
    datetime(2017, 11, 5, 1, 30, 0, tzinfo=NEW_YORK, fold=1),
    datetime(2016, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 12, 0, 0, tzinfo=ZoneInfo("Asia/Kathmandu")),
)
GTINS = tuple(text + ean.calc_check_digit(text) for text in ("7351353", "03600029145", "400638133393", "9841234567890"))
EDGES: Mapping[str, Sequence[object]] = {
    "text": TEXTS,
    "whole": WHOLES,
    "amount": AMOUNTS,
    "instant": INSTANTS,
    "yes_no": (True, False),
}
OF_FIELD: Mapping[str, Sequence[object]] = {"currency": CURRENCIES.words, "action": ACTIONS.words, "gtin": GTINS}
LINES = 3
"""Lines of an order; what holds for the order as a whole is the same on each."""
OF_ORDER = ("shopper_id", "household_id", "store_id", "ordered_at", "currency")


def seeded(seed: int) -> Below:
    """Return numbers that are the same for the same seed, in every Python."""
    places = count()

    def below(limit: int) -> int:
        digest = sha256(f"{seed}/{next(places)}".encode()).digest()
        return int.from_bytes(digest, "big") % limit

    return below


def sample(kind: FeedKind, rows: int, below: Below) -> Iterator[Row]:
    """Yield rows that the contract takes, with keys of their own. A few dozen rows show every edge."""
    row = contract(kind)
    starts = {name: below(len(edges(row, name))) for name in row.model_fields}
    for number in range(rows):
        yield _row(row, number, starts, below)


def edges(row: type[Row], name: str) -> Sequence[object]:
    """Return what a field's samples are; with nothing, where it may be missing."""
    known = OF_FIELD.get(name, EDGES[reading(row, name)])
    info = row.model_fields[name]
    return known if info.is_required() or info.default is not None else (*known, None)


def _row(row: type[Row], number: int, starts: Mapping[str, int], below: Below) -> Row:
    """Take the next edge of every field; where a rule across fields refuses that, some at random."""
    place = {name: number // LINES if _of_order(row, name) else number for name in row.model_fields}
    values = {name: _edge(edges(row, name), starts[name], place[name]) for name in place}
    while True:
        stated = values | {name: _key(row, name, number) for name in row.KEY}
        try:
            return row.model_validate(stated)
        except ValidationError as error:
            changed = _compared(row, {(each["type"], each["loc"][0]) for each in error.errors()})
            if not changed:
                raise
            values |= {name: edges(row, name)[below(len(edges(row, name)))] for name in changed}


def _edge(known: Sequence[object], start: int, place: int) -> object:
    """Return the edges in turn, one further on each round: else fields with 2 and 16 would meet the same way always."""
    return known[(start + place + place // len(known)) % len(known)]


def _compared(row: type[Row], broken: Container[tuple[str, int | str]]) -> set[str]:
    """Return the fields that broken rules compare."""
    return {one.field for rule in row.WRONG if (rule.code, rule.field) in broken for one in rule.when}


def _of_order(row: type[Row], name: str) -> bool:
    return "line_id" in row.KEY and name in OF_ORDER


def _key(row: type[Row], name: str, number: int) -> str:
    """Return a text that is this row's own: short, long, or of other alphabets."""
    if "line_id" in row.KEY:
        number = number // LINES if name != "line_id" else number % LINES + 1
    return (f"{number}", f"{number:0>{LONGEST}}", f"é日🥤-{number}")[number % 3]


def as_csv(kind: FeedKind, rows: Iterable[Row]) -> str:
    """Return rows as a file in the dialect that states nothing: UTF-8, commas, ISO 8601, decimal points."""
    row = contract(kind)
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(row.model_fields)
    writer.writerows([_text(row, name, one) for name in row.model_fields] for one in rows)
    return target.getvalue()


def _text(row: type[Row], name: str, one: Row) -> str:
    value = getattr(one, name)
    if value is None:
        return ""
    return _WRITTEN[reading(row, name)](value, str(getattr(one, "currency", "")))


_WRITTEN: Mapping[str, Callable[..., str]] = {
    "text": lambda text, _: str(text),
    "whole": lambda number, _: str(number),
    "amount": lambda minor, currency: f"{major_units(minor, currency):f}",
    "instant": lambda at, _: at.isoformat(),
    "yes_no": lambda yes, _: "yes" if yes else "no",
}
