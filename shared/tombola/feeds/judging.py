"""Judge the rows of a block by themselves: the mask takes the surely valid, the contract's model has the final word."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from pydantic import ValidationError

from tombola.feeds.contracts import Row
from tombola.feeds.decoding import Decoder, Unreadable
from tombola.feeds.masking import Mask, typed
from tombola.feeds.receipts import MAX_EXAMPLES, masked
from tombola.feeds.splitting import Block, Flags, Places
from tombola.feeds.transcribing import Records

Problem = tuple[int, str, str, str, str]
"""Record, code, field, value and message of one thing that is wrong with a row."""
_CODES = {
    "missing": "missing",
    "string_too_short": "missing",
    "string_too_long": "too-long",
    "string_pattern_mismatch": "control-character",
    "greater_than_equal": "negative",
    "less_than_equal": "too-large",
}
"""What pydantic calls it, and what a receipt does."""


@dataclass(slots=True)
class Problems:
    """What is wrong with the rows of a block: the first of each code, and how many others there are by code and field.

    Nothing is put into words that no receipt will show: where every row is wrong, that would take half the time.
    """

    first: list[Problem] = field(default_factory=list)
    others: Counter[tuple[str, str]] = field(default_factory=Counter)
    _shown: Counter[str] = field(default_factory=Counter)

    def room(self, code: str, name: str) -> bool:
        """Count a problem, and tell whether it belongs to the first."""
        if self._shown[code] >= MAX_EXAMPLES:
            self.others[code, name] += 1
            return False
        self._shown[code] += 1
        return True


@dataclass(frozen=True, slots=True)
class Judged:
    """One block judged. `values` are the rows that passed, `indices` their records, `refused` the records that did not.

    `ambiguous` are records with local times that the clock shows twice; `sent` gives a field of a record as it came.
    """

    row: type[Row]
    block: Block
    values: pl.DataFrame
    indices: Places
    refused: Sequence[int]
    problems: Problems
    sent: Callable[[Block, int, str], str | None]
    ambiguous: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def lines(self) -> Places:
        """The line of each passed row."""
        return self.block.lines[self.indices]

    def filter(self, kept: Flags) -> "Judged":
        """Return some of the passed rows."""
        return replace(self, values=self.values.filter(pl.Series(kept)), indices=self.indices[kept])

    def shown(self, position: int, name: str) -> str:
        """Return what may be shown of a passed row's field: as it came, or where no column holds it, as it is read."""
        sent = self.sent(self.block, int(self.indices[position]), name)
        return _shown(self.row, name, self.values[name][position] if sent is None else sent)


class Judge:
    """Judges the blocks of one file."""

    def __init__(self, reader: Records, decoder: Decoder, mask: Mask | None) -> None:
        """Let the model judge every row if there is no mask."""
        self._reader = reader
        self._decoder = decoder
        self._mask = mask
        self._row = decoder.row
        self._mask_pays = True

    def judged(self, block: Block) -> Judged:
        """Return what becomes of each record. Several blocks may be judged at a time.

        After a block of which no row passed, the model judges alone until one does: the outcome is the same, and
        where all rows are bad it comes sooner.
        """
        masked = self._mask.judge(block) if self._mask is not None and self._mask_pays else None
        doubtful = range(len(block)) if masked is None else np.flatnonzero(~masked.sure).tolist()
        found = _Found(self._row, self._decoder, block)
        if doubtful:
            found.read(doubtful, self._reader.records(block, doubtful))
        passed = np.array(found.passed, np.int64)
        values = typed(self._row, found.values) if masked is None or found.values else None
        if masked is not None:
            sure = np.flatnonzero(masked.sure)
            taken = masked.values if len(sure) == len(block) else masked.values.filter(pl.Series(masked.sure))
            values, passed = _merged(taken, sure, values, passed)
        self._mask_pays = bool(len(passed))
        assert values is not None  # noqa: S101 (from one or the other)
        return Judged(self._row, block, values, passed, found.refused, found.problems, self._sent, found.ambiguous)

    def _sent(self, block: Block, index: int, name: str) -> str | None:
        """Return a field as its sender wrote it; None where no column holds it."""
        place = self._decoder.places.get(name)
        return None if place is None else self._reader.records(block, [index])[0][place]


def _merged(
    taken: pl.DataFrame, sure: Places, values: pl.DataFrame | None, passed: Places
) -> tuple[pl.DataFrame, Places]:
    """Return rows of both kinds in the order of the file."""
    if values is None:
        return taken, sure
    indices = np.concatenate((sure, passed))
    order = np.argsort(indices, kind="stable")
    return pl.concat([taken, values])[order], indices[order]


class _Found:
    """What the model says of some records of one block."""

    def __init__(self, row: type[Row], decoder: Decoder, block: Block) -> None:
        self.values: list[tuple[Any, ...]] = []
        self.passed: list[int] = []
        self.refused: list[int] = []
        self.problems = Problems()
        self.ambiguous: dict[str, list[int]] = {}
        self._row = row
        self._decoder = decoder
        self._block = block

    def read(self, indices: Sequence[int], records: Sequence[Sequence[str]]) -> None:
        """Judge records; `indices` are their places in the block."""
        width, broken = len(self._decoder.header), self._block.broken
        if broken or any(len(record) != width for record in records):
            shaped = [place for place, record in enumerate(records) if self._is_shaped(indices[place], record, width)]
            indices, records = [indices[place] for place in shaped], [records[place] for place in shaped]
        judge = self._row.__pydantic_validator__.validate_python
        for index, record, fields in zip(indices, records, self._decoder.decode(records), strict=True):
            try:
                self.values.append(tuple(judge(fields).__dict__.values()))
                self.passed.append(index)
            except ValidationError as error:
                self._refuse(index, error, record)
        if self._decoder.saw_ambiguous:
            self._note_ambiguous(dict(zip(indices, records, strict=True)))
        self.refused.sort()

    def _note_ambiguous(self, records: Mapping[int, Sequence[str]]) -> None:
        for index in self.passed:
            for name in self._decoder.ambiguous(records[index]):
                self.ambiguous.setdefault(name, []).append(index)

    def _is_shaped(self, index: int, record: Sequence[str], width: int) -> bool:
        """Tell whether a record has the header's length, and refuse it if not."""
        if index in self._block.broken:
            code, reason = self._block.broken[index]
            self._refuse_whole(index, code, reason)
            return False
        if len(record) != width:
            self._refuse_whole(index, "wrong-field-count", f"{len(record)} fields; expected {width}, as in the header")
            return False
        return True

    def _refuse_whole(self, index: int, code: str, message: str) -> None:
        self.refused.append(index)
        if self.problems.room(code, ""):
            self.problems.first.append((index, code, "", "", message))

    def _refuse(self, index: int, error: ValidationError, record: Sequence[str]) -> None:
        """Note everything that is wrong with one row."""
        self.refused.append(index)
        for problem in error.errors(include_url=False, include_context=False):
            name = str(problem["loc"][0]) if problem["loc"] else ""
            found = problem["input"]
            code = found.code if isinstance(found, Unreadable) else _code(problem["type"], found)
            if self.problems.room(code, name):
                place = self._decoder.places.get(name)
                value = _shown(self._row, name, record[place]) if place is not None else ""
                self.problems.first.append((index, code, name, value, _message(found, problem["msg"])))


def _code(kind: str, found: object) -> str:
    return "missing" if found is None else _CODES.get(kind, kind)


def _message(found: object, said: str) -> str:
    if isinstance(found, Unreadable):
        return f"expected {found.expected}"
    return "empty; expected a value" if found is None else said


def _shown(row: type[Row], name: str, value: object) -> str:
    text = str(value)
    return masked(text) if name in row.PERSONAL else text
