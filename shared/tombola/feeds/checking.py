"""Judge a file row by row: accepted as typed columns, rejected as they were sent, or duplicate.

Records are decoded by the dialect and judged by the contract's model, which has the final word.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from tombola.feeds.columns import Columns, Digests, Seen, odd_rows
from tombola.feeds.contracts import Row, contract
from tombola.feeds.decoding import Decoder, Unreadable
from tombola.feeds.events import FeedKind
from tombola.feeds.reading import Block, Measured, Reader, Unusable
from tombola.feeds.receipts import Tally, masked
from tombola.retailers.model import Dialect, Retailer

_CODES = {
    "missing": "missing",
    "string_too_short": "missing",
    "string_too_long": "too-long",
    "string_pattern_mismatch": "control-character",
    "greater_than_equal": "negative",
    "less_than_equal": "too-large",
}
"""What pydantic calls it, and what a receipt does."""


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

    def __init__(self, world: World, sinks: Sinks) -> None:
        """Send what is judged to the sinks."""
        self.rows = self.accepted = self.rejected = self.duplicates = 0
        self.unusable = False
        self.errors = Tally()
        self.warnings = Tally()
        self._world = world
        self._sinks = sinks
        self._row = contract(world.kind)
        self._columns = Columns(world.kind, self._row, world.retailer.retailer, world.pseudonym)
        self._digests = Digests(self._columns.key)
        self._products: dict[str, bool] = {}

    def run(self, source: Measured) -> None:
        """Read the file to its end, or to what makes the rest unreadable."""
        world = self._world
        try:
            reader = Reader(source, world.dialect)
            decoder = Decoder(self._row, world.dialect, world.retailer.currency, reader.header, world.latest)
            for block in reader.blocks():
                self._judge(reader, decoder, block)
        except Unusable as fault:
            self.unusable = True
            self.errors.add(fault.code, line=fault.line, value=fault.value, message=fault.message)

    def _judge(self, reader: Reader, decoder: Decoder, block: Block) -> None:
        judged = _Judged(self._row, decoder, block, self.errors)
        batch = self._columns.batch(judged.values, judged.lines, self._world.arrived_at)
        seen = self._digests.judge(batch)
        new = [one == "new" for one in seen]
        self._note_conflicts(judged, block, seen)
        self._note_oddities(judged, new, batch)
        self.rows += len(block.records)
        self.accepted += sum(new)
        self.rejected += len(judged.rejected)
        self.duplicates += seen.count("duplicate")
        if any(new):
            self._sinks.accept(batch if all(new) else batch.filter(pa.array(new)))
        if judged.rejected:
            rows = [reader.encoded(block.text(index)) for index in sorted(judged.rejected)]
            self._sinks.reject(reader.mark + reader.encoded(reader.preamble), rows)

    def _note_conflicts(self, judged: "_Judged", block: Block, seen: Sequence[Seen]) -> None:
        """Reject rows that contradict an earlier one."""
        for position, one in enumerate(seen):
            if one == "conflict":
                index = judged.indices[position]
                judged.rejected.append(index)
                shown = ", ".join(judged.shown(position, field) for field in self._row.KEY)
                self.errors.add("key-conflict", ", ".join(self._row.KEY), line=block.starts[index], value=shown)

    def _note_oddities(self, judged: "_Judged", new: Sequence[bool], batch: pa.RecordBatch) -> None:
        """Count what is odd about accepted rows."""
        for odd, positions in odd_rows(self._row, batch):
            self._warn(odd.code, odd.field, judged, new, positions)
        for field, positions in judged.ambiguous.items():
            self._warn("local-time-ambiguous", field, judged, new, positions)
        if self._world.kind == "products" or "product_id" not in batch.schema.names:
            return
        if unknown := self._unknown(batch):
            self._warn("unknown-product", "product_id", judged, new, self._places(batch, unknown))

    def _warn(self, code: str, field: str, judged: "_Judged", new: Sequence[bool], positions: Iterable[int]) -> None:
        accepted = [position for position in positions if new[position]]
        self.warnings.add_many(code, field, accepted, lambda one: (judged.lines[one], judged.shown(one, field)))

    def _unknown(self, batch: pa.RecordBatch) -> list[str]:
        """Return the batch's products that are not in the catalogue; each is looked up once per file."""
        named = [one for one in pc.unique(batch.column("product_id")).to_pylist() if one is not None]
        fresh = [one for one in named if one not in self._products]
        if fresh:
            known = self._world.known_products(fresh)
            self._products.update((one, one in known) for one in fresh)
        return [one for one in named if not self._products[one]]

    @staticmethod
    def _places(batch: pa.RecordBatch, products: Sequence[str]) -> list[int]:
        named = pc.is_in(batch.column("product_id"), value_set=pa.array(products, pa.string()))
        return cast("list[int]", pc.indices_nonzero(named).to_pylist())


class _Judged:
    """One block judged: `values` and `lines` of rows the model passed, `indices` of their records, and the rest."""

    def __init__(self, row: type[Row], decoder: Decoder, block: Block, errors: Tally) -> None:
        self.values: list[tuple[Any, ...]] = []
        self.indices: list[int] = []
        self.ambiguous: dict[str, list[int]] = {}
        self.rejected: list[int] = []
        self._row = row
        self._places = {field: place for place, field in enumerate(row.model_fields)}
        self._errors = errors
        self._run(decoder, block)
        self.lines = [block.starts[index] for index in self.indices]

    def shown(self, position: int, field: str) -> str:
        """Return what may be shown of a passed row's field."""
        return _shown(self._row, field, self.values[position][self._places[field]])

    def _run(self, decoder: Decoder, block: Block) -> None:
        judge = self._row.__pydantic_validator__.validate_python
        shaped = self._shaped(block, len(decoder.header))
        records = block.records if len(shaped) == len(block.records) else [block.records[index] for index in shaped]
        for index, fields in zip(shaped, decoder.decode(records), strict=True):
            try:
                self.values.append(tuple(judge(fields).__dict__.values()))
                self.indices.append(index)
            except ValidationError as error:
                self.rejected.append(index)
                for code, field, value, message in _problems(self._row, error, decoder, block.records[index]):
                    self._errors.add(code, field, line=block.starts[index], value=value, message=message)
        for position, index in enumerate(self.indices if decoder.saw_ambiguous else ()):
            for field in decoder.ambiguous(block.records[index]):
                self.ambiguous.setdefault(field, []).append(position)

    def _shaped(self, block: Block, width: int) -> Sequence[int]:
        """Return the records of the header's length, and reject the others."""
        if not block.broken and all(len(record) == width for record in block.records):
            return range(len(block.records))
        shaped = []
        for index, record in enumerate(block.records):
            if index in block.broken or len(record) != width:
                self._misshapen(block, index, width)
            else:
                shaped.append(index)
        return shaped

    def _misshapen(self, block: Block, index: int, width: int) -> None:
        self.rejected.append(index)
        if index in block.broken:
            self._errors.add("broken-quoting", line=block.starts[index], message=block.broken[index])
        else:
            message = f"{len(block.records[index])} fields; expected {width}, as in the header"
            self._errors.add("wrong-field-count", line=block.starts[index], message=message)


def _problems(
    row: type[Row], error: ValidationError, decoder: Decoder, record: Sequence[str]
) -> Iterator[tuple[str, str, str, str]]:
    """Yield (code, field, value, message) of everything wrong with one row."""
    for problem in error.errors(include_url=False, include_context=False):
        field = str(problem["loc"][0]) if problem["loc"] else ""
        found = problem["input"]
        place = decoder.places.get(field)
        value = _shown(row, field, record[place]) if place is not None else ""
        if isinstance(found, Unreadable):
            yield found.code, field, value, f"expected {found.expected}"
        elif found is None:
            yield "missing", field, value, "empty; expected a value"
        else:
            yield _CODES.get(problem["type"], problem["type"]), field, value, problem["msg"]


def _shown(row: type[Row], field: str, value: object) -> str:
    text = str(value)
    return masked(text) if field in row.PERSONAL else text
