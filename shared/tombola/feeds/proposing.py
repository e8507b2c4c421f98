"""Propose a dialect for a file, each part with what shows it. What nothing shows is left as a question.

Unlike the intake this may guess: a person reads it before it becomes a retailer's dialect.
"""

import difflib
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from tombola.feeds.contracts import KINDS, Row, contract, reading
from tombola.feeds.decoding import Instants
from tombola.feeds.events import FeedKind
from tombola.feeds.first_bytes import PARQUET, ZIP
from tombola.feeds.formats import open_records
from tombola.feeds.measuring import Measured
from tombola.feeds.notations import DATETIME_FORMATS, NULL_WORDS, decimal_marks
from tombola.feeds.sniffing import encoding_of, structure
from tombola.feeds.transcribing import Records
from tombola.feeds.unpacking import Unpacked
from tombola.feeds.unusable import Unusable
from tombola.retailers.model import Dialect

SAMPLE_BYTES = 256 * 1024
SAMPLE_ROWS = 2_000
_ALIKE = 0.6
_CERTAIN = 0.98
_SMALL = re.compile(r"[a-z0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,' \u00a0\u202f][0-9]+)*")
_DATE = re.compile(r"[0-9]{1,4}([./-])[0-9]{1,2}\1[0-9]{2,4}(?:[T ].*)?")
"""What a column of numbers or of times looks like whose meaning nobody knows yet."""
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of a dialect, as it stands in YAML, and what shows it."""

    name: str
    value: object
    evidence: str


@dataclass(slots=True)
class Proposal:
    """What was found out of one file, and what only its sender knows."""

    feed: FeedKind
    findings: list[Finding] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def found(self, name: str, value: object, evidence: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(name, value, evidence))

    @property
    def stated(self) -> dict[str, object]:
        """What the retailer's file would say."""
        return {finding.name: finding.value for finding in self.findings}


def propose(source: Measured, feed: FeedKind | None = None) -> Proposal:
    """Return what the beginning of a file shows, which is read twice.

    Without a feed the one is taken whose columns resemble the header most. Raises `Unusable` for what is no file of any
    known format.
    """
    dialect, evidence = _structure(source, feed)
    records = open_records(source.again(), Dialect.model_validate(dialect))
    rows = _sample(records)
    kind = feed or _likeliest(records.header)
    proposal = Proposal(kind)
    proposal.found("format", records.dialect.format, "by its first bytes")
    for name, value in dialect.items():
        proposal.found(name, value, evidence[name])
    if records.dialect.format == "delimited":
        _note_shape(proposal, records, rows)
    _Columns(proposal, contract(kind), records, rows).find()
    return proposal


def _structure(source: Measured, feed: FeedKind | None) -> tuple[dict[str, object], dict[str, str]]:
    """Return encoding, delimiter and quote of a file of text, and what shows them; nothing for other formats."""
    first = Unpacked(source).peek(SAMPLE_BYTES)
    if first.startswith((PARQUET, ZIP)):
        return {}, {}
    encoding, shown = encoding_of(first)
    text = first.decode(encoding, "ignore").lstrip("\ufeff\r\n")
    found: dict[str, object] = {"encoding": encoding}
    evidence = {"encoding": shown}
    if not text.lstrip().startswith("{"):
        lines = io.StringIO(text, newline=None).readlines()[:200]
        delimiter, quote, why = _delimiter(lines, feed)
        found |= {"delimiter": delimiter, "quote": quote}
        evidence |= {"delimiter": why, "quote": "by the header" if quote != '"' else "nothing shows another"}
    return found, evidence


def _delimiter(lines: Sequence[str], feed: FeedKind | None) -> tuple[str, str, str]:
    """Return delimiter and quote, and what shows the delimiter: names of the contract, or else how alike lines are."""
    names = {name for kind in ((feed,) if feed else KINDS) for name in contract(kind).model_fields}
    line = lines[0].rstrip("\n") if lines else ""
    delimiter, quote = structure(line, names)
    known = sum(cell.strip().strip(quote) in names for cell in line.split(delimiter))
    if known > 1:
        return delimiter, quote, f"{known} names of the contract stand between two of it in the first line"
    import clevercsv  # noqa: PLC0415 (only where names do not say)

    try:
        found = clevercsv.Detector().detect("".join(lines))
    except clevercsv.Error:
        found = None
    if found is None or not found.delimiter:
        return delimiter, quote, "by the first line alone"
    return found.delimiter, found.quotechar or quote, "the lines are most alike so (clevercsv)"


def _sample(records: Records) -> Rows:
    """Return the first records. What makes the rest unreadable is for the check to say."""
    rows: list[Sequence[str]] = []
    try:
        for block in records.blocks():
            wanted = [index for index in range(min(len(block), SAMPLE_ROWS - len(rows))) if index not in block.broken]
            rows += records.records(block, wanted)
            if len(rows) >= SAMPLE_ROWS:
                break
    except Unusable:
        return rows
    return rows


def _likeliest(header: Sequence[str]) -> FeedKind:
    return max(KINDS, key=lambda kind: len(_matches(contract(kind), header)))


def _note_shape(proposal: Proposal, records: Records, rows: Rows) -> None:
    width = len(records.header)
    alike = sum(len(row) == width for row in rows)
    if rows and alike < _CERTAIN * len(rows):
        proposal.questions.append(f"only {alike} of {len(rows)} records have the {width} cells of the first line")


def _plain(name: str) -> str:
    return "_".join(_SMALL.findall(name.lower()))


def _matches(row: type[Row], header: Sequence[str]) -> dict[str, str]:
    """Return the columns that are, or resemble, fields of a contract; each column for one field."""
    plain = {_plain(name): name for name in reversed(header)}
    found = {name: plain.pop(name) for name in row.model_fields if name in plain}
    for name in row.model_fields:
        if name not in found and (near := difflib.get_close_matches(name, plain, n=1, cutoff=_ALIKE)):
            found[name] = plain.pop(near[0])
    return found


class _Columns:
    """What the columns of a sample show."""

    def __init__(self, proposal: Proposal, row: type[Row], records: Records, rows: Rows) -> None:
        self._proposal = proposal
        self._row = row
        self._header = records.header
        self._text = records.dialect.format in {"delimited", "json-lines"}
        self._rows = [cells for cells in rows if len(cells) == len(self._header)]
        self._places: dict[str, int] = {}

    def find(self) -> None:
        """Add what is found to the proposal."""
        matches = _matches(self._row, self._header)
        self._places = {name: self._header.index(column) for name, column in matches.items()}
        if not self._find_header(matches):
            return
        renamed = {name: column for name, column in matches.items() if name != column}
        if renamed:
            self._proposal.found("columns", renamed, "the names resemble each other: look at each")
        missing = [name for name, info in self._row.model_fields.items() if info.is_required() and name not in matches]
        for name in missing:
            if name != "currency":
                free = ", ".join(one for one in self._header if one not in matches.values())
                self._proposal.questions.append(
                    f"which column, or constant, is {name}? There are also: {free or 'none'}"
                )
        nulls = self._find_nulls()
        if self._text:
            self._find_marks(nulls)
            self._find_datetimes(nulls)

    def _find_header(self, matches: dict[str, str]) -> bool:
        """Tell whether the first line names columns: it resembles the contract, or holds no digit."""
        if matches or not any(any(letter.isdigit() for letter in cell) for cell in self._header):
            return True
        names = [f"column {number}" for number in range(1, len(self._header) + 1)]
        self._proposal.found("header", names, f"the first line looks like a record: {', '.join(self._header)[:80]}")
        self._proposal.questions.append("how are the columns called? Name them as the contract does")
        return False

    def _cells(self, *hows: str) -> Iterator[str]:
        """Yield the cells of fields that are read so."""
        for name, place in self._places.items():
            if reading(self._row, name) in hows:
                yield from (cells[place].strip() for cells in self._rows)

    def _unmatched(self, looks: re.Pattern[str]) -> Iterator[str]:
        """Yield the cells of columns that no field is known for, and of which every cell looks so."""
        free = set(range(len(self._header))) - set(self._places.values())
        for column in ([cells[place].strip() for cells in self._rows] for place in sorted(free)):
            if any(column) and all(looks.fullmatch(cell) for cell in column if cell not in NULL_WORDS | {""}):
                yield from column

    def _find_nulls(self) -> tuple[str, ...]:
        words = Counter(cell for cell in self._cells("whole", "amount", "instant", "yes_no") if cell in NULL_WORDS)
        if words:
            shown = ", ".join(
                f"{word} stands {count} times where a number, a time or a yes is" for word, count in words.items()
            )
            self._proposal.found("nulls", ["", *sorted(words)], shown)
        return ("", *words)

    def _find_marks(self, nulls: Sequence[str]) -> None:
        numbers = chain(self._cells("whole", "amount"), self._unmatched(_NUMBER))
        cells = [cell for cell in numbers if cell not in nulls]
        decimal, thousands, evidence = decimal_marks(cells)
        if decimal != "." or thousands:
            self._proposal.found("decimal_mark", decimal, evidence)
        if thousands:
            self._proposal.found("thousands_mark", thousands, evidence)

    def _find_datetimes(self, nulls: Sequence[str]) -> None:
        """Propose formats that read every time of the sample; ask where two of them do, in different ways."""
        times = chain(self._cells("instant"), self._unmatched(_DATE))
        cells = list(dict.fromkeys(cell for cell in times if cell not in nulls))
        readers = {one: Instants(Dialect(datetime_formats=(one,))) for one in DATETIME_FORMATS}
        fitting = [one for one in DATETIME_FORMATS if cells and _reads_all(readers[one], cells)]
        if not cells or fitting[:1] == ["iso"]:
            return
        readings = {tuple(map(str, map(readers[one].read, cells))) for one in fitting}
        if len(readings) == 1:
            shown = f"it reads all {len(cells)} different times, and no other format does; the first is {cells[0]}"
            self._proposal.found("datetime_formats", [fitting[0]], shown)
        elif readings:
            either = " or ".join(f"[{one!r}]" for one in fitting[:2])
            question = f"does the day or the month come first in {cells[0]}? datetime_formats: {either}"
            self._proposal.questions.append(question)
        else:
            self._proposal.questions.append(f"how are times written? One is {cells[0]!r}")


def _reads_all(instants: Instants, cells: Sequence[str]) -> bool:
    return all(not hasattr(instants.read(cell), "code") for cell in islice(cells, SAMPLE_ROWS))
