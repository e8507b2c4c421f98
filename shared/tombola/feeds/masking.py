"""Compile a contract's model, by a dialect, into what reads whole blocks of rows and marks the surely valid ones.

The mask may be cautious, never wrong: of what it passes, reading each cell and judging the row by the model
would give the same values. What it does not understand (a validator, a notation, a character) is not sure.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl
import pyarrow as pa

from tombola.feeds.cell_reader import CellReader, Field, Kind, Open
from tombola.feeds.comparisons import breaks
from tombola.feeds.contracts import Row, reading
from tombola.feeds.decoding import END, Decoder, Unreadable
from tombola.feeds.field_rules import Rules, holds, rules
from tombola.feeds.instants import FixedInstants, microseconds
from tombola.feeds.splitting import Block, Flags
from tombola.feeds.typed_columns import TYPES
from tombola.money import EXPONENTS
from tombola.retailers.model import Dialect

YES = [word for one in ("yes", "y", "true", "1") for word in (one, one.upper(), one.title())]
NO = [word for one in ("no", "n", "false", "0") for word in (one, one.upper(), one.title())]
_KINDS = {
    "text": Kind.TEXT,
    "whole": Kind.NUMBER,
    "amount": Kind.NUMBER,
    "instant": Kind.INSTANT,
    "yes_no": Kind.YES_NO,
}


@dataclass(frozen=True, slots=True)
class Masked:
    """One block: the contract's fields as typed columns, and which rows are surely valid.

    `open` are the cells that are not, of rows with a cell for every column of the header.
    `unclear` are rows that may be wrong in a cell which is not among these.
    """

    values: pl.DataFrame
    sure: Flags
    open: Sequence[Open]
    unclear: Collection[int]


class Mask:
    """One contract by one dialect for one header."""

    def __init__(self, decoder: Decoder, dialect: Dialect, latest: datetime = END) -> None:
        """Compile what reads the columns that the decoder found."""
        self._row = decoder.row
        self._dialect = dialect
        self._width = len(decoder.header)
        self._places = decoder.places
        self._constants = decoder.constants
        self._instants = FixedInstants(dialect.datetime_formats, dialect.time_zone, min(latest, END))
        self._wrong = breaks(self._row.WRONG).alias("wrong")
        self._rules = {field: rules(self._row, field) for field in self._places}
        self._exponent = self._minor_units()
        self.understands = self._understands()
        self._cells = self._cell_reader() if self.understands else None

    def judge(self, block: Block) -> Masked | None:
        """Return the block's rows read and marked; None if no row is sure."""
        if self._cells is None or block.records is not None or not len(block):
            return None
        found = self._cells.read(block)
        columns, clear = dict(found.columns), np.ones(len(block), np.bool_)
        for field, local in found.local.items():
            if local.any():
                columns[field] = self._in_utc(columns[field], local, clear)
        sure = found.sure & clear
        values = self._typed(columns, len(block))
        if self._row.WRONG:
            sure = sure & ~values.select(self._wrong)["wrong"].to_numpy()
        return Masked(values, sure, found.open, np.flatnonzero(~clear).tolist())

    def _typed(self, columns: Mapping[str, pa.Array], rows: int) -> pl.DataFrame:
        """Return all fields of the contract; those that no column holds are the same in every row."""
        found = pl.from_arrow(pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns)))
        assert isinstance(found, pl.DataFrame)  # noqa: S101 (of a batch it is none other)
        fields = self._row.model_fields
        return pl.DataFrame(
            [found[field] if field in columns else self._constant(field).new_from_index(0, rows) for field in fields]
        )

    def _constant(self, field: str) -> pl.Series:
        value = self._constants.get(field, self._row.model_fields[field].get_default())
        return pl.Series(field, [value], TYPES[reading(self._row, field)])

    def _in_utc(self, column: pa.Array, local: Flags, clear: Flags) -> pa.Array:
        """Return a column of instants of which some are local times, and note where it is not clear what these mean."""
        present, walls = column.buffers()
        at, places = np.frombuffer(walls, np.int64).copy(), np.flatnonzero(local)
        at[places], known = self._instants.in_utc(at[places])
        clear[places] &= known
        return pa.Array.from_buffers(column.type, len(at), [present, pa.py_buffer(at)])

    def _understands(self) -> bool:
        """Tell whether any row can be sure."""
        if self._dialect.units.keys() & self._places.keys():
            return False
        validators = self._row.__pydantic_decorators__
        own = {*validators.model_validators, *validators.field_validators, *validators.validators}
        if own != set(Row.__pydantic_decorators__.model_validators):
            return False
        if any(rule is None for rule in self._rules.values()) or self._exponent is None:
            return False
        return self._constants_hold()

    def _constants_hold(self) -> bool:
        """Tell whether the model would take what stands in every row."""
        for field, value in self._constants.items():
            known = rules(self._row, field)
            if (
                known is None
                or isinstance(value, Unreadable)
                or (value is None and self._row.model_fields[field].is_required())
            ):
                return False
            if not holds(value, known):
                return False
        return True

    def _minor_units(self) -> int | None:
        """Return the decimals of amounts that can be sure; rows of currencies with others are not."""
        if "currency" not in self._row.model_fields:
            return 0
        if "currency" in self._places:
            return 2
        return EXPONENTS.get(str(self._constants.get("currency")))

    def _cell_reader(self) -> CellReader:
        return CellReader(
            [self._field(field, place) for field, place in self._places.items()],
            width=self._width,
            delimiter=self._dialect.delimiter,
            quote=self._dialect.quote,
            decimal_mark=self._dialect.decimal_mark,
            nulls=self._dialect.nulls,
        )

    def _field(self, name: str, place: int) -> Field:
        """Return how the cells of a field are read."""
        known, info, how = self._rules[name], self._row.model_fields[name], reading(self._row, name)
        assert known is not None  # noqa: S101 (else no row is sure)
        default = None if info.is_required() else info.default
        asked = Field(
            name=name,
            place=place,
            kind=_KINDS[how],
            required=info.is_required(),
            default=microseconds(default) if isinstance(default, datetime) else default,
        )
        if how == "yes_no":
            return replace(asked, words=YES + NO, yes=len(YES))
        if how == "instant":
            return replace(asked, forms=self._instants.forms, most=self._instants.latest)
        if how == "text":
            return self._text(asked, known)
        least = asked.least if known.least is None else known.least
        most = asked.most if known.most is None else known.most
        return replace(asked, decimals=(self._exponent or 0) if how == "amount" else 0, least=least, most=most)

    def _text(self, asked: Field, known: Rules) -> Field:
        """Return how a text is read. A currency of other decimals makes the row's amounts unsure."""
        if known.gtin:
            return replace(asked, kind=Kind.GTIN)
        if known.words is not None:
            words = [word for word in known.words if EXPONENTS.get(word, self._exponent) == self._exponent]
            return replace(asked, kind=Kind.WORD, words=words)
        return replace(asked, shortest=max(known.shortest, 1), longest=known.longest or asked.longest)
