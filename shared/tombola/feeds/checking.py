"""Check a file: every row is accepted as typed columns, rejected as it was sent, or a duplicate.

Blocks of it are judged in a thread and written in another; its order is kept.
"""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa

from tombola.feeds.columns import Columns, odd_rows
from tombola.feeds.contracts import contract
from tombola.feeds.decoding import Decoder, columns_wanted
from tombola.feeds.duplicates import FirstSight, Hasher, SecondLook
from tombola.feeds.events import FeedKind
from tombola.feeds.formats import open_records
from tombola.feeds.judging import Judge, Judged
from tombola.feeds.masking import Mask
from tombola.feeds.measuring import Measured
from tombola.feeds.pipeline import WriteBehind, work_ahead, write_behind
from tombola.feeds.receipts import Tally
from tombola.feeds.rejects import RejectsForm
from tombola.feeds.seen_keys import BITS, Hashes
from tombola.feeds.splitting import Block
from tombola.feeds.transcribing import Records
from tombola.feeds.unknown_products import UnknownProducts
from tombola.feeds.unusable import Unusable
from tombola.retailers.model import Dialect, Retailer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """What checking needs to know beside the file.

    `arrived_at`: when the object was written; `latest`: what is dated after it cannot have happened.
    `pseudonyms`: what makes a column of them of a column of the retailer's own ids, by the column's name.
    `known_products`: which of some products the catalogue holds; None where nobody can tell.
    """

    retailer: Retailer
    kind: FeedKind
    arrived_at: datetime
    latest: datetime
    pseudonyms: Mapping[str, Callable[[pl.Series], pl.Series]]
    known_products: Callable[[Collection[str]], set[str]] | None

    @property
    def dialect(self) -> Dialect:
        """How this retailer writes this feed."""
        return self.retailer.feeds[self.kind]


class Sinks(Protocol):
    """Where the rows of a file go as they are judged."""

    def accept(self, batch: pa.RecordBatch) -> None:
        """Take accepted rows."""
        ...

    def reject(self, form: RejectsForm, rows: Sequence[Any]) -> None:
        """Take rejected rows as they were sent, in a form that is the same for the whole file."""
        ...


@dataclass(frozen=True, slots=True)
class _Ready:
    """The passed rows of a block, with the digests of their keys and their columns as they are staged."""

    judged: Judged
    keys: Hashes
    staged: pl.DataFrame


class Check:
    """The state of one file's check. Afterwards its counts, `errors` and `warnings` go into the receipt."""

    def __init__(
        self,
        world: World,
        sinks: Sinks,
        *,
        masked: bool = True,
        key_bits: int = BITS,
        over: Callable[[], bool] = lambda: False,
    ) -> None:
        """Send what is judged to the sinks, until the time is `over`.

        `masked` and `key_bits` are for tests: without the mask the model judges every row, and with few bits
        many keys look alike. Neither changes the outcome.
        """
        self.rows = self.accepted = self.rejected = self.duplicates = 0
        self.unusable = False
        self.errors = Tally()
        self.warnings = Tally()
        self.dialect = world.dialect
        """How the file is read: what is stated, and what its first bytes and its header show."""
        self._over = over
        self._last_line = 0
        self._world = world
        self._sinks = sinks
        self._masked = masked
        self._row = contract(world.kind)
        self._columns = Columns(world.kind, self._row, world.retailer.retailer, world.pseudonyms)
        self._hasher = Hasher(self._row, key_bits)
        names_products = world.kind != "products" and "product_id" in self._row.model_fields
        known = world.known_products if names_products else None
        self._unknown_products = None if known is None else UnknownProducts(known)

    def run(self, source: Measured) -> None:
        """Read the file to its end, or to what makes the rest unreadable; a second time if keys come again."""
        with write_behind() as behind:
            fault, suspects = self._read_first(source, behind)
        source.finish()
        if fault is not None:
            self.unusable = True
            self.errors.add(fault.code, line=fault.line, value=fault.value, message=fault.message)
        if len(suspects):
            with write_behind() as behind:
                self._read_second(source.again(), SecondLook(suspects), behind)

    def _read_first(self, source: Measured, behind: WriteBehind) -> tuple[Unusable | None, Hashes]:
        """Judge all rows but those whose key was seen before; return what ended the file, and these keys."""
        first = FirstSight()
        try:
            with closing(self._prepared(source, self._ready)) as blocks:
                for reader, ready in blocks:
                    self._first_sight(first, reader, ready, behind)
                    self._last_line = ready.judged.block.last_line
                    self._end_in_time()
        except Unusable as fault:
            return fault, first.suspects()
        return None, first.suspects()

    def _read_second(self, source: Measured, second: SecondLook, behind: WriteBehind) -> None:
        """Tell rows apart whose key came again, up to the line where the first reading ended: blocks may be others."""

        def concerned(judged: Judged) -> Judged:
            read_before = judged.lines <= self._last_line
            return judged.filter(second.concerns(self._hasher.keys(judged.values)) & read_before)

        with suppress(Unusable), closing(self._prepared(source, concerned)) as blocks:
            for reader, suspects in blocks:
                self._second_look(second, reader, suspects, behind)
                if suspects.block.last_line >= self._last_line:
                    break

    def _prepared(self, source: Measured, prepare: Callable[[Judged], T]) -> Generator[tuple[Records, T], None, None]:
        """Judge all rows by themselves, a block at a time. Raises `Unusable` at what ends the file.

        Blocks are prepared ahead, in another thread.
        """
        world = self._world
        reader = open_records(source, world.dialect, columns_wanted(self._row, world.dialect))
        self.dialect = dialect = reader.dialect
        decoder = Decoder(self._row, dialect, world.retailer.currency, reader.header, world.latest)
        judge = Judge(reader, decoder, Mask(decoder, dialect, world.latest) if self._masked else None)
        with work_ahead(lambda block: prepare(judge.judged(block)), reader.blocks()) as prepared:
            for one in prepared:
                yield reader, one

    def _end_in_time(self) -> None:
        """Read no further if the time is over."""
        if self._over():
            message = "its rows take longer to judge than there is time for"
            raise Unusable(message, code="split-this-file")

    def _ready(self, judged: Judged) -> _Ready:
        """Return rows with all that they are needed for at first sight."""
        return _Ready(judged, self._hasher.keys(judged.values), self._staged(judged))

    def _staged(self, judged: Judged) -> pl.DataFrame:
        return self._columns.staged(judged.values, judged.lines, self._world.arrived_at)

    def _first_sight(self, first: FirstSight, reader: Records, ready: _Ready, behind: WriteBehind) -> None:
        """Take rows whose key was not seen before, and refuse those that the contract refuses."""
        judged = ready.judged
        self.rows += len(judged.block)
        self.rejected += len(judged.refused)
        for index, code, field, value, message in judged.problems.first:
            self.errors.add(code, field, line=int(judged.block.lines[index]), value=value, message=message)
        for (code, field), count in judged.problems.others.items():
            self.errors.add_others(code, field, count)
        self._reject(reader, judged.block, judged.refused, behind)
        fresh = first.judge(ready.keys)
        if fresh.all():
            self._accept(judged, ready.staged, behind)
        else:
            self._accept(judged.filter(fresh), ready.staged.filter(pl.Series(fresh)), behind)

    def _second_look(self, second: SecondLook, reader: Records, suspects: Judged, behind: WriteBehind) -> None:
        """Take those that only looked like earlier rows, and refuse those that contradict one."""
        if not suspects.values.height:
            return
        seen = np.array(second.judge(self._hasher.keys(suspects.values), *self._hasher.exact(suspects.values)))
        self.duplicates += int((seen == "duplicate").sum())
        conflicts = suspects.filter(seen == "conflict")
        self.rejected += conflicts.values.height
        self._note_conflicts(conflicts)
        self._reject(reader, suspects.block, conflicts.indices.tolist(), behind)
        new = suspects.filter(seen == "new")
        self._accept(new, self._staged(new), behind)

    def _accept(self, judged: Judged, staged: pl.DataFrame, behind: WriteBehind) -> None:
        if not judged.values.height:
            return
        self.accepted += judged.values.height
        self._note_oddities(judged)

        def write() -> None:
            for batch in self._columns.batches(staged):
                self._sinks.accept(batch)

        behind.do(write)

    def _reject(self, reader: Records, block: Block, refused: Sequence[int], behind: WriteBehind) -> None:
        if not refused:
            return
        rows = reader.as_sent(block, refused)
        behind.do(lambda: self._sinks.reject(reader.form, rows))

    def _note_conflicts(self, judged: Judged) -> None:
        """Tell of rows that contradict an earlier one."""
        key = self._row.KEY

        def place(one: int) -> tuple[int, str]:
            return int(judged.lines[one]), ", ".join(judged.shown(one, field) for field in key)

        count = judged.values.height
        self.errors.add_many("key-conflict", ", ".join(key), count, range(count), place)

    def _note_oddities(self, judged: Judged) -> None:
        """Count what is odd about accepted rows."""
        for odd, positions in odd_rows(self._row, judged.values):
            self._warn(odd.code, odd.field, judged, positions)
        for field, indices in judged.ambiguous.items():
            places = np.flatnonzero(np.isin(judged.indices, indices)).tolist()
            self._warn("local-time-ambiguous", field, judged, places)
        if self._unknown_products is not None:
            unknown, first = self._unknown_products.among(judged.values["product_id"])
            self._warn("unknown-product", "product_id", judged, unknown.tolist(), first.tolist())

    def _warn(
        self,
        code: str,
        field: str,
        judged: Judged,
        positions: Sequence[int],
        telling: Sequence[int] | None = None,
    ) -> None:
        """Count a warning at these positions of the rows; the `telling` ones, or all, can be its examples."""

        def place(one: int) -> tuple[int, str]:
            return int(judged.lines[one]), judged.shown(one, field)

        self.warnings.add_many(code, field, len(positions), positions if telling is None else telling, place)
