"""Judge the rows of a block by themselves: the mask takes the surely valid, the contract's model has the final word."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from pydantic import ValidationError

from tombola.feeds.contracts import Row
from tombola.feeds.decoding import Decoder
from tombola.feeds.masking import Mask
from tombola.feeds.receipts import MAX_EXAMPLES, masked
from tombola.feeds.refusals import Cells, Refusal, refusals
from tombola.feeds.splitting import Block, Flags, Places
from tombola.feeds.transcribing import Records
from tombola.feeds.typed_columns import typed

Problem = tuple[int, str, str, str, str]
"""Record, code, field, value and message of one thing that is wrong with a row."""


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
        self._cells = Cells(decoder)
        self._row = decoder.row
        self._mask_pays = True

    def judged(self, block: Block) -> Judged:
        """Return what becomes of each record.

        The mask takes rows, the model refuses rows for a cell that the mask left open, and judges the others whole.
        After a block in which the mask was of no use, the model judges alone until a row passes: the outcome is the
        same, and it comes sooner.
        """
        masked = self._mask.judge(block) if self._mask is not None and self._mask_pays else None
        told = {} if masked is None else self._cells.refused(masked, block.broken)
        doubtful = range(len(block)) if masked is None else np.flatnonzero(~masked.sure).tolist()
        whole = [index for index in doubtful if index not in told] if told else doubtful
        found = _Found(self._row, self._decoder, block, told)
        if whole:
            found.read(whole, self._reader.records(block, whole))
        passed = np.array(found.passed, np.int64)
        values = typed(self._row, found.values) if masked is None or found.values else None
        if masked is not None:
            sure = np.flatnonzero(masked.sure)
            taken = masked.values if len(sure) == len(block) else masked.values.filter(pl.Series(masked.sure))
            values, passed = _merged(taken, sure, values, passed)
        self._mask_pays = bool(len(passed) or told)
        assert values is not None  # noqa: S101 (from one or the other)
        refused, problems = sorted(found.refused), found.problems()
        return Judged(self._row, block, values, passed, refused, problems, self._sent, found.ambiguous)

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
    """What the model says of some records of one block; `refused` holds all that is wrong with each."""

    def __init__(self, row: type[Row], decoder: Decoder, block: Block, refused: dict[int, list[Refusal]]) -> None:
        self.values: list[tuple[Any, ...]] = []
        self.passed: list[int] = []
        self.refused = refused
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
                self.refused[index] = [self._with_text(refusal, record) for refusal in refusals(error)]
        if self._decoder.saw_ambiguous:
            self._note_ambiguous(dict(zip(indices, records, strict=True)))

    def problems(self) -> Problems:
        """Return what is wrong, in the order of the records."""
        found = Problems()
        for index, wrong in sorted(self.refused.items()):
            for code, name, text, message in wrong:
                if found.room(code, name):
                    found.first.append((index, code, name, _shown(self._row, name, text), message))
        return found

    def _note_ambiguous(self, records: Mapping[int, Sequence[str]]) -> None:
        for index in self.passed:
            for name in self._decoder.ambiguous(records[index]):
                self.ambiguous.setdefault(name, []).append(index)

    def _is_shaped(self, index: int, record: Sequence[str], width: int) -> bool:
        """Tell whether a record has the header's length, and refuse it if not."""
        if index in self._block.broken:
            code, reason = self._block.broken[index]
            self.refused[index] = [Refusal(code, "", "", reason)]
            return False
        if len(record) != width:
            reason = f"{len(record)} fields; expected {width}, as in the header"
            self.refused[index] = [Refusal("wrong-field-count", "", "", reason)]
            return False
        return True

    def _with_text(self, refusal: Refusal, record: Sequence[str]) -> Refusal:
        place = self._decoder.places.get(refusal.field)
        return refusal if place is None else refusal._replace(text=record[place])


def _shown(row: type[Row], name: str, value: object) -> str:
    text = str(value)
    return masked(text) if name in row.PERSONAL else text
