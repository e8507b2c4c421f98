"""Write the records of any format as plain delimited text, so that one mask and one judge read them all.

One record is one line of that text: a line break inside a cell becomes another blank that no text may hold
either, so nothing that would be refused is accepted, and the other way round.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from tombola.feeds.decoding import Instants
from tombola.feeds.rejects import RejectsForm
from tombola.feeds.splitting import Block, split
from tombola.retailers.model import Dialect

DELIMITER, QUOTE = ",", '"'
BREAKS = str.maketrans("\n\r", "\v\f")
WIDEST = 10_000
"""Columns."""
LONGEST_CELL = 100_000
"""Characters, or bytes; no field of a contract is a hundredth of it."""
Broken = tuple[str, str]
"""Code and reason."""


class Sent(Protocol):
    """The records of a block as they came."""

    def __getitem__(self, index: int, /) -> Any:  # noqa: ANN401 (each format has its own)
        """Return one of them."""
        ...


class Records(Protocol):
    """The records of a file, whatever its format. Raises `Unusable` where it cannot be read any further."""

    header: list[str]
    dialect: Dialect
    """How the file is read: what was stated, and what was found out. Its blocks are delimited and quoted so."""

    @property
    def form(self) -> RejectsForm:
        """How rejected records are written."""
        ...

    def blocks(self) -> Iterator[Block]:
        """Yield all records after the header, also those before a fault."""
        ...

    def records(self, block: Block, indices: Sequence[int] | None = None) -> list[list[str]]:
        """Return the fields of a block's records, or of some of them."""
        ...

    def as_sent(self, block: Block, indices: Sequence[int]) -> Sequence[Any]:
        """Return records as the file's `form` writes them."""
        ...


class Transcribed:
    """What formats that are no delimited text have in common: their blocks hold delimited text all the same."""

    header: list[str]

    def records(self, block: Block, indices: Sequence[int] | None = None) -> list[list[str]]:
        """Return the fields of a block's records, or of some of them."""
        wanted = range(len(block)) if indices is None else indices
        return list(csv.reader(block.texts(wanted), strict=True))

    def as_sent(self, block: Block, indices: Sequence[int]) -> Sequence[Any]:
        """Return records as they were sent."""
        assert block.sent is not None  # noqa: S101 (every block of such a file has it)
        return [block.sent[index] for index in indices]


def transcribed(rows: Sequence[Sequence[str]], lines: Sequence[int], broken: Mapping[int, Broken], sent: Sent) -> Block:
    """Return a block of these records; `sent` gives each as it came, `broken` says which are none, and why not."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    reasons = dict(broken)
    for number, row in enumerate(rows):
        together = "".join(row)
        if len(together) > LONGEST_CELL and number not in reasons and max(map(len, row)) > LONGEST_CELL:
            reasons[number] = ("too-long", f"a cell is over {LONGEST_CELL} characters")
        if number in reasons:
            writer.writerow([""])
        else:
            broken_up = "\n" in together or "\r" in together
            writer.writerow([cell.translate(BREAKS) for cell in row] if broken_up else row)
    return block_of(text.getvalue().encode(), lines, reasons, sent)


def block_of(text: bytes, lines: Sequence[int], broken: Mapping[int, Broken], sent: Sent) -> Block:
    """Return a block of delimited text that holds one record a line; each stands on one of the sender's `lines`."""
    block = split(text, 1, ord(DELIMITER), ord(QUOTE))
    assert block is not None  # noqa: S101 (this project's own writing)
    assert len(block) == len(lines)  # noqa: S101 (one record a line)
    block.lines = np.array(lines, np.int64)
    block.broken = dict(broken)
    block.sent = sent
    return block


def null_text(dialect: Dialect) -> str:
    """Return a text that means nothing in the dialect: what an empty cell of another format becomes."""
    return "" if "" in dialect.nulls else next(iter(dialect.nulls), "")


def instant_text(at: datetime | date, dialect: Dialect) -> str:
    """Return an instant in the first of the dialect's formats that says all of it, and in ISO 8601 if none does."""
    if dialect.datetime_formats[0] == "iso":
        return at.isoformat()
    moment = at if isinstance(at, datetime) else datetime(at.year, at.month, at.day)  # noqa: DTZ001 (a wall clock's)
    zone = ZoneInfo(dialect.time_zone)
    meant = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    wall = meant.astimezone(zone) if moment.tzinfo else moment
    instants = Instants(dialect)
    for one in dialect.datetime_formats:
        text = wall.strftime(one) if one != "iso" else at.isoformat()
        if one == "iso" or instants.read(text) == meant:
            return text
    return at.isoformat()
