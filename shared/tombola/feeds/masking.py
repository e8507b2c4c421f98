"""Compile a contract's model, by a dialect, into column operations that read rows and mark the surely valid ones.

The mask may be cautious, never wrong: of what it passes, reading each cell and judging the row by the model
would give the same values. What it does not understand (a validator, a notation, a character) is not sure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, reduce
from operator import and_

import polars as pl

from tombola.feeds.block_facts import Facts, facts_of
from tombola.feeds.comparisons import breaks
from tombola.feeds.contracts import Row, reading
from tombola.feeds.decoding import END, Decoder, Unreadable
from tombola.feeds.field_rules import Rules, holds, rules
from tombola.feeds.fields import GTIN_LENGTHS
from tombola.feeds.instants import FixedInstants
from tombola.feeds.splitting import Block, Flags
from tombola.feeds.sure_cells import NO, YES, are_one_of, gtin_sure, in_minor_units, is_one_of, number, text_sure
from tombola.feeds.typed_columns import INSTANT, TYPES
from tombola.money import EXPONENTS
from tombola.retailers.model import Dialect


@dataclass(frozen=True, slots=True)
class Masked:
    """One block: the contract's fields as typed columns, and which rows are surely valid.

    `texts` are the cells as they were written, in columns named by their places. `valid` says of each field where it
    is surely so, and `shaped` which rows have a cell for every column of the header.
    """

    values: pl.DataFrame
    sure: Flags
    texts: pl.DataFrame
    valid: Mapping[str, Flags]
    shaped: Flags


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
        self._hows = {field: reading(self._row, field) for field in self._row.model_fields}
        self._rules = {field: rules(self._row, field) for field in self._places}
        self._exponent = self._minor_units()
        self._scaled = [field for field in self._places if self._exponent and self._hows[field] == "amount"]
        self._sizes = sorted({rule.longest for rule in self._rules.values() if rule is not None and rule.longest})
        self._compiled = cache(self._compile)  # few facts differ from block to block, and compiling takes a while
        self._sure_are_given = set(dialect.nulls) <= {""}  # for nothing that is sure is an empty text
        self.understands = self._understands()

    def judge(self, block: Block) -> Masked | None:
        """Return the block's rows read and marked; None if no row is sure."""
        if block.plain is None or block.shaped is None or not self.understands or not len(block):
            return None
        texts = self._texts(block.plain, quoted=block.quoted)
        if texts is None or texts.height != len(block):
            return None
        columns, marks = self._compiled(facts_of(block, self._dialect.delimiter, self._sizes))
        instants, valid = self._instants_of(texts)
        found = texts.lazy().with_columns(instants).select(*columns, *marks.values()).collect()
        valid |= {field: _flags(found[_mark(field)]) for field in marks}
        series = {field: found[field] for field in self._hows}
        for field in self._scaled:
            known = self._rules[field]
            assert known is not None  # noqa: S101 (else no row is sure)
            series[field], exact = in_minor_units(found[field], self._exponent or 0, known)
            valid[field] = valid[field] & exact
        values = pl.DataFrame(list(series.values()))
        sure = reduce(and_, valid.values(), block.shaped)
        if self._row.WRONG:
            sure = sure & ~values.select(breaks(self._row.WRONG).alias("wrong"))["wrong"].to_numpy()
        return Masked(values, sure, texts, valid, block.shaped)

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
        if "currency" not in self._hows:
            return 0
        if "currency" in self._places:
            return 2
        return EXPONENTS.get(str(self._constants.get("currency")))

    def _texts(self, data: bytes, *, quoted: bool) -> pl.DataFrame | None:
        """Return the columns of the fields as they were written."""
        used = sorted(set(self._places.values()))
        try:
            found = pl.read_csv(
                data,
                has_header=False,
                schema={str(place): pl.String for place in range(self._width)},
                columns=used,
                separator=self._dialect.delimiter,
                quote_char=self._dialect.quote if quoted else None,
                empty_string_is_null=False,
                extra_columns="ignore",
                missing_columns="insert",
            )
        except pl.exceptions.PolarsError:
            return None
        return found.rechunk()

    def _compile(self, facts: Facts) -> tuple[Sequence[pl.Expr], Mapping[str, pl.Expr]]:
        """Return what the fields are in a block of such facts, and where they are surely so."""
        expressions = {field: self._expressions(field, how, facts) for field, how in self._hows.items()}
        marks = {field: mark.alias(_mark(field)) for field, (_, mark) in expressions.items() if mark is not None}
        return [value.alias(field) for field, (value, _) in expressions.items()], marks

    def _expressions(self, field: str, how: str, facts: Facts) -> tuple[pl.Expr, pl.Expr | None]:
        """Return what a field is, and where that is sure."""
        place = self._places.get(field)
        if place is None:
            value = self._constants.get(field, self._row.model_fields[field].get_default())
            return pl.lit(value, TYPES[how]), None
        text = pl.col(str(place))
        if how == "instant":
            return pl.col(_instant(field)), None
        known = self._rules[field]
        assert known is not None  # noqa: S101 (else no row is sure)
        read, sure = self._read(text, how, known, facts)
        empty = is_one_of(text, self._dialect.nulls)
        info = self._row.model_fields[field]
        if info.is_required():
            return read, sure if self._sure_are_given else sure & ~empty
        default = pl.lit(info.default, TYPES[how])
        if field in self._scaled:
            default = pl.lit(info.default / 10 ** (self._exponent or 0))
        return pl.when(empty).then(default).otherwise(read), sure | empty

    def _read(self, text: pl.Expr, how: str, known: Rules, facts: Facts) -> tuple[pl.Expr, pl.Expr]:
        if how == "text":
            if known.gtin:
                return text.str.zfill(max(GTIN_LENGTHS)), gtin_sure(text)
            stripped = text.str.strip_chars(" ") if facts.spaced else text
            sure = text_sure(text, stripped, known, facts) if known.words is None else self._word_sure(text, known)
            return stripped, sure
        if how == "yes_no":
            return text.is_in(YES), text.is_in(YES + NO)
        exponent = self._exponent if how == "amount" else 0
        assert exponent is not None  # noqa: S101 (else no row is sure)
        return number(text, self._dialect.decimal_mark, exponent, known, calm_numbers=not facts.exponents)

    def _word_sure(self, text: pl.Expr, known: Rules) -> pl.Expr:
        """A currency of other decimals makes the row's amounts unsure."""
        words = known.words or ()
        return is_one_of(text, [word for word in words if EXPONENTS.get(word, self._exponent) == self._exponent])

    def _instants_of(self, texts: pl.DataFrame) -> tuple[list[pl.Series], dict[str, Flags]]:
        """Return the columns of instants, each beside its texts, and where these are sure."""
        found, valid = [], {}
        for field, how in self._hows.items():
            if how != "instant" or field not in self._places:
                continue
            written = texts[str(self._places[field])]
            at, sure = self._instants.read(written)
            series = pl.Series(_instant(field), at, pl.Int64).cast(INSTANT)
            may_be_missing = not self._row.model_fields[field].is_required()
            if may_be_missing or not self._sure_are_given:
                empty = are_one_of(written, self._dialect.nulls)
                series = series.set(pl.Series(empty), None) if may_be_missing and empty.any() else series
                sure = sure | empty if may_be_missing else sure & ~empty
            valid[field] = sure
            found.append(series)
        return found, valid


def _mark(field: str) -> str:
    """Return the column that says where a field is sure; no header holds this name."""
    return f"\0{field}"


def _instant(field: str) -> str:
    """Return the column of a field's instants."""
    return f"\0at {field}"


def _flags(marks: pl.Series) -> Flags:
    """Return marks as numpy has them; what is not known is not so."""
    found: Flags = (marks.fill_null(value=False) if marks.null_count() else marks).to_numpy()
    return found
