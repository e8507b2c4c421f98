"""Check a file: every row is accepted as typed columns, rejected as it was sent, or a duplicate.

The file is read and masked in one thread, judged in another and written in a third; its order is kept.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import polars as pl
import pyarrow as pa

from tombola.feeds.columns import Columns, odd_rows
from tombola.feeds.contracts import contract
from tombola.feeds.decoding import REMEMBERED, Decoder
from tombola.feeds.duplicates import FirstSight, Hasher, Hashes, SecondLook
from tombola.feeds.events import FeedKind
from tombola.feeds.judging import Judge, Judged
from tombola.feeds.masking import Mask
from tombola.feeds.measuring import Measured
from tombola.feeds.pipeline import WriteBehind, read_ahead, write_behind
from tombola.feeds.reading import Reader
from tombola.feeds.receipts import Tally
from tombola.feeds.splitting import Block
from tombola.feeds.unusable import Unusable
from tombola.retailers.model import Dialect, Retailer

_NO_PRODUCTS = pl.Series(dtype=pl.String)


@dataclass(frozen=True, slots=True)
class World:
    """What checking needs to know beside the file.

    `arrived_at`: when the object was written; `latest`: what is dated after it cannot have happened.
    """

    retailer: Retailer
    kind: FeedKind
    arrived_at: datetime
    latest: datetime
    pseudonym: Callable[[str], str]
    known_products: Callable[[Collection[str]], set[str]]

    @property
    def dialect(self) -> Dialect:
        """How this retailer writes this feed."""
        return self.retailer.feeds[self.kind]


class Sinks(Protocol):
    """Where the rows of a file go as they are judged."""

    def accept(self, batch: pa.RecordBatch) -> None:
        """Take accepted rows."""
        ...

    def reject(self, preamble: bytes, rows: Sequence[bytes]) -> None:
        """Take rejected rows as they were sent; `preamble` is what stands before the first of them, once."""
        ...


class Check:
    """The state of one file's check. Afterwards its counts, `errors` and `warnings` go into the receipt."""

    def __init__(self, world: World, sinks: Sinks, *, masked: bool = True, key_bits: int = 64) -> None:
        """Send what is judged to the sinks.

        `masked` and `key_bits` are for tests: without the mask the model judges every row, and with few bits
        many keys look alike. Neither changes the outcome.
        """
        self.rows = self.accepted = self.rejected = self.duplicates = 0
        self.unusable = False
        self.errors = Tally()
        self.warnings = Tally()
        self._world = world
        self._sinks = sinks
        self._masked = masked
        self._row = contract(world.kind)
        self._columns = Columns(world.kind, self._row, world.retailer.retailer, world.pseudonym)
        self._hasher = Hasher(self._row, key_bits)
        self._known = self._unknown = _NO_PRODUCTS

    def run(self, source: Measured) -> None:
        """Read the file to its end, or to what makes the rest unreadable; a second time if keys come again."""
        with write_behind() as behind:
            fault, suspects = self._read_first(source, behind)
        source.finish()
        if fault is not None:
            self.unusable = True
            self.errors.add(fault.code, line=fault.line, value=fault.value, message=fault.message)
        if len(suspects):
            second = SecondLook(suspects)
            with write_behind() as behind:
                again = source.again()
                self._read(again, lambda reader, judged: self._second_look(second, reader, judged, behind))

    def _read_first(self, source: Measured, behind: WriteBehind) -> tuple[Unusable | None, Hashes]:
        """Judge all rows but those whose key was seen before; return what ended the file, and these keys."""
        first = FirstSight()
        fault = self._read(source, lambda reader, judged: self._first_sight(first, reader, judged, behind))
        return fault, first.suspects()

    def _read(self, source: Measured, take: Callable[[Reader, Judged], None]) -> Unusable | None:
        """Judge all rows by themselves; return what made the rest of the file unreadable."""
        world = self._world
        try:
            reader = Reader(source, world.dialect)
            decoder = Decoder(self._row, world.dialect, world.retailer.currency, reader.header, world.latest)
            judge = Judge(reader, decoder, Mask(decoder, world.dialect, world.latest) if self._masked else None)
            with read_ahead(judge.masked()) as blocks:
                for block, masked in blocks:
                    take(reader, judge.judged(block, masked))
        except Unusable as fault:
            return fault
        return None

    def _first_sight(self, first: FirstSight, reader: Reader, judged: Judged, behind: WriteBehind) -> None:
        """Take rows whose key was not seen before, and refuse those that the contract refuses."""
        self.rows += len(judged.block)
        self.rejected += len(judged.refused)
        for index, problems in zip(judged.refused, judged.problems, strict=True):
            for code, field, value, message in problems:
                self.errors.add(code, field, line=int(judged.block.lines[index]), value=value, message=message)
        self._reject(reader, judged.block, judged.refused, behind)
        if judged.values.height:
            fresh = first.judge(self._hasher.keys(judged.values))
            self._accept(judged if fresh.all() else judged.filter(fresh), behind)

    def _second_look(self, second: SecondLook, reader: Reader, judged: Judged, behind: WriteBehind) -> None:
        """Tell rows apart whose key came again."""
        keys = self._hasher.keys(judged.values)
        concerned = second.concerns(keys)
        if not concerned.any():
            return
        suspects = judged.filter(concerned)
        seen = np.array(second.judge(keys[concerned], *self._hasher.exact(suspects.values)))
        self.duplicates += int((seen == "duplicate").sum())
        conflicts = suspects.filter(seen == "conflict")
        self.rejected += conflicts.values.height
        self._note_conflicts(conflicts)
        self._reject(reader, judged.block, conflicts.indices.tolist(), behind)
        self._accept(suspects.filter(seen == "new"), behind)

    def _accept(self, judged: Judged, behind: WriteBehind) -> None:
        if not judged.values.height:
            return
        self.accepted += judged.values.height
        self._note_oddities(judged)
        values, lines, arrived_at = judged.values, judged.lines, self._world.arrived_at

        def write() -> None:
            for batch in self._columns.batches(values, lines, arrived_at):
                self._sinks.accept(batch)

        behind.do(write)

    def _reject(self, reader: Reader, block: Block, refused: Sequence[int], behind: WriteBehind) -> None:
        if not refused:
            return
        preamble = reader.mark + reader.encoded(reader.preamble)
        rows = [reader.encoded(block.text(index)) for index in refused]
        behind.do(lambda: self._sinks.reject(preamble, rows))

    def _note_conflicts(self, judged: Judged) -> None:
        """Tell of rows that contradict an earlier one."""
        for position, line in enumerate(judged.lines.tolist()):
            value = ", ".join(judged.shown(position, field) for field in self._row.KEY)
            self.errors.add("key-conflict", ", ".join(self._row.KEY), line=line, value=value)

    def _note_oddities(self, judged: Judged) -> None:
        """Count what is odd about accepted rows."""
        for odd, positions in odd_rows(self._row, judged.values):
            self._warn(odd.code, odd.field, judged, positions)
        for field, indices in judged.ambiguous.items():
            places = np.flatnonzero(np.isin(judged.indices, indices)).tolist()
            self._warn("local-time-ambiguous", field, judged, places)
        if self._world.kind != "products" and "product_id" in self._row.model_fields:
            self._note_unknown(judged)

    def _warn(self, code: str, field: str, judged: Judged, positions: Sequence[int]) -> None:
        self.warnings.add_many(code, field, positions, lambda one: (int(judged.lines[one]), judged.shown(one, field)))

    def _note_unknown(self, judged: Judged) -> None:
        """Count products that are not in the catalogue; each is looked up once per file."""
        named = judged.values["product_id"]
        distinct = named.unique().drop_nulls()
        fresh = distinct.filter(~(distinct.is_in(self._known.implode()) | distinct.is_in(self._unknown.implode())))
        if len(fresh):
            self._look_up(fresh)
        if len(self._unknown):
            places = np.flatnonzero(named.is_in(self._unknown.implode()).fill_null(value=False).to_numpy()).tolist()
            self._warn("unknown-product", "product_id", judged, places)

    def _look_up(self, fresh: pl.Series) -> None:
        """Remember which of these products the catalogue holds; forget the others when they are many."""
        if len(self._known) + len(self._unknown) > REMEMBERED:
            self._known = self._unknown = _NO_PRODUCTS
        known = pl.Series(list(self._world.known_products(fresh.to_list())), dtype=pl.String)
        self._known = pl.concat([self._known, known])
        self._unknown = pl.concat([self._unknown, fresh.filter(~fresh.is_in(known.implode()))])
