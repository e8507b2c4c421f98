"""Compile a contract's model, by a dialect, into column operations that read rows and mark the surely valid ones.

The mask may be cautious, never wrong: of what it passes, reading each cell and judging the row by the model
would give the same values. What it does not understand (a validator, a notation, a character) is not sure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import add, and_
from typing import Any

import numpy as np
import polars as pl
from pydantic import AfterValidator
from pydantic.fields import FieldInfo

from tombola.feeds.comparisons import breaks
from tombola.feeds.contracts import Row, annotations, reading
from tombola.feeds.decoding import END, Decoder, Unreadable
from tombola.feeds.fields import GTIN_LENGTHS, NO_CONTROL, OneOf, Reads, Unit, gtin14
from tombola.feeds.instants import FixedInstants, microseconds
from tombola.feeds.splitting import Block, Flags
from tombola.money import EXPONENTS
from tombola.retailers.model import Dialect

INSTANT = pl.Datetime("us", "UTC")
TYPES: Mapping[str, pl.DataType] = {
    "text": pl.String(),
    "whole": pl.Int64(),
    "amount": pl.Int64(),
    "instant": INSTANT,
    "yes_no": pl.Boolean(),
}
_YES = [word for one in ("yes", "y", "true", "1") for word in (one, one.upper(), one.title())]
_NO = [word for one in ("no", "n", "false", "0") for word in (one, one.upper(), one.title())]
_LONGEST = 15
"""Digits and mark of a number that a float tells from every other of as many digits."""
_ODD_SPACES = (b"\xc2\x85", b"\xc2\xa0", b"\xe1\x9a\x80", b"\xe2\x80", b"\xe2\x81\x9f", b"\xe3\x80\x80")
"""Where the UTF-8 of blanks that are not the space begins."""


_PART_OF_NUMBER = np.isin(np.arange(256), np.frombuffer(b"0123456789.,+-", np.uint8))


@dataclass(frozen=True, slots=True)
class Rules:
    """What a field's annotations ask for: sizes of texts, bounds of numbers, the texts there are, or a GTIN."""

    shortest: int = 0
    longest: int | None = None
    least: int | None = None
    most: int | None = None
    words: tuple[str, ...] | None = None
    gtin: bool = False


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


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is true of a whole block: so much need not be asked of each cell. `longest` are a record's bytes."""

    calm: bool
    ascii: bool
    spaced: bool
    exponents: bool
    longest: int


def schema(row: type[Row]) -> dict[str, pl.DataType]:
    """Return the types of a contract's fields as columns."""
    return {field: TYPES[reading(row, field)] for field in row.model_fields}


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
        self._sure_are_given = set(dialect.nulls) <= {""}  # for nothing that is sure is an empty text
        self.understands = self._understands()

    def judge(self, block: Block) -> Masked | None:
        """Return the block's rows read and marked; None if no row is sure."""
        if block.plain is None or block.shaped is None or not self.understands or not len(block):
            return None
        texts = self._texts(block.plain, quoted=block.quoted)
        if texts is None or texts.height != len(block):
            return None
        data = block.data
        facts = _Facts(
            calm=_calm(block, self._dialect.delimiter),
            ascii=data.isascii(),
            spaced=b" " in data,
            exponents=_may_hold_exponents(data),
            longest=int((block.ends - block.starts).max()),
        )
        expressions = {field: self._expressions(field, how, facts) for field, how in self._hows.items()}
        columns = [value.alias(field) for field, (value, _) in expressions.items()]
        marks = [mark.alias(_mark(field)) for field, (_, mark) in expressions.items() if mark is not None]
        instants, valid = self._instants_of(texts)
        found = texts.lazy().with_columns(instants).select(*columns, *marks).collect()
        valid |= {field: _flags(found[_mark(field)]) for field, (_, mark) in expressions.items() if mark is not None}
        series = {field: found[field] for field in self._hows}
        for field in self._scaled:
            known = self._rules[field]
            assert known is not None  # noqa: S101 (else no row is sure)
            series[field], exact = _in_minor_units(found[field], self._exponent or 0, known)
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
            if known is None or isinstance(value, Unreadable) or (value is None and field not in _optional(self._row)):
                return False
            if isinstance(value, str) and not _text_holds(value, known):
                return False
            if isinstance(value, int) and not isinstance(value, bool) and not _number_holds(value, known):
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

    def _expressions(self, field: str, how: str, facts: _Facts) -> tuple[pl.Expr, pl.Expr | None]:
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
        empty = _is_one_of(text, self._dialect.nulls)
        info = self._row.model_fields[field]
        if info.is_required():
            return read, sure if self._sure_are_given else sure & ~empty
        default = pl.lit(info.default, TYPES[how])
        if field in self._scaled:
            default = pl.lit(info.default / 10 ** (self._exponent or 0))
        return pl.when(empty).then(default).otherwise(read), sure | empty

    def _read(self, text: pl.Expr, how: str, known: Rules, facts: _Facts) -> tuple[pl.Expr, pl.Expr]:
        if how == "text":
            if known.gtin:
                return text.str.zfill(max(GTIN_LENGTHS)), _gtin_sure(text)
            stripped = text.str.strip_chars(" ") if facts.spaced else text
            sure = _text_sure(text, stripped, known, facts) if known.words is None else self._word_sure(text, known)
            return stripped, sure
        if how == "yes_no":
            return text.is_in(_YES), text.is_in(_YES + _NO)
        exponent = self._exponent if how == "amount" else 0
        assert exponent is not None  # noqa: S101 (else no row is sure)
        return _number(text, self._dialect.decimal_mark, exponent, known, calm_numbers=not facts.exponents)

    def _word_sure(self, text: pl.Expr, known: Rules) -> pl.Expr:
        """A currency of other decimals makes the row's amounts unsure."""
        words = known.words or ()
        return _is_one_of(text, [word for word in words if EXPONENTS.get(word, self._exponent) == self._exponent])

    def _instants_of(self, texts: pl.DataFrame) -> tuple[list[pl.Series], dict[str, Flags]]:
        """Return the columns of instants, each beside its texts, and where these are sure."""
        found, valid = [], {}
        for field, how in self._hows.items():
            if how != "instant" or field not in self._places:
                continue
            written = texts[str(self._places[field])]
            at, sure = self._instants.read(written)
            series = pl.Series(_instant(field), at, pl.Int64).cast(INSTANT)
            optional = field in _optional(self._row)
            if optional or not self._sure_are_given:
                empty = _are_one_of(written, self._dialect.nulls)
                series = series.set(pl.Series(empty), None) if optional and empty.any() else series
                sure = sure | empty if optional else sure & ~empty
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


def _optional(row: type[Row]) -> frozenset[str]:
    return frozenset(name for name, info in row.model_fields.items() if not info.is_required())


def rules(row: type[Row], field: str) -> Rules | None:
    """Return what a field's annotations ask for; None if they hold anything that is not known here."""
    info = row.model_fields[field]
    how = reading(row, field)
    if info.default_factory is not None:
        return None
    asked: dict[str, Any] = {}
    found = annotations(row, field)
    for mark in (one for part in found for one in (part.metadata if isinstance(part, FieldInfo) else [part])):
        known = _asked(mark, how)
        if known is None:
            return None
        asked |= known
    return Rules(**asked)


def _asked(mark: object, how: str) -> dict[str, Any] | None:
    """Return what one annotation asks for."""
    if isinstance(mark, Reads | Unit) or (how == "instant" and type(mark).__name__ == "InstanceOf"):
        return {}
    if isinstance(mark, AfterValidator):
        if isinstance(mark.func, OneOf):
            return {"words": mark.func.words}
        return {"gtin": True} if mark.func is gtin14 else None
    asked = {name: getattr(mark, name) for name in getattr(mark, "__slots__", ()) or vars(mark)}
    names = {"min_length": "shortest", "max_length": "longest", "ge": "least", "le": "most"}
    if asked.pop("pattern", NO_CONTROL) != NO_CONTROL or not asked.pop("strict", True):
        return None
    return {names[name]: value for name, value in asked.items()} if set(asked) <= set(names) else None


def _calm(block: Block, delimiter: str) -> bool:
    """Tell whether no character of the block is a control character, or a blank other than the space."""
    data = block.data
    if block.quoted and (delimiter == "\t" or block.line_count != len(block)):
        return False
    ends = data.count(b"\n") + data.count(b"\r") if b"\r" in data else block.line_count - (not data.endswith(b"\n"))
    buffer = np.frombuffer(data, np.uint8)
    low = int(np.count_nonzero(buffer < 32))  # noqa: PLR2004 (control characters of ASCII)
    if b"\x7f" in data or low != ends + (data.count(b"\t") if delimiter == "\t" else 0):
        return False
    if data.isascii():
        return True
    if any(space in data for space in _ODD_SPACES):
        return False
    if b"\xc2" not in data:
        return True
    return not (buffer[1:][buffer[:-1] == 0xC2] < 0xA0).any()  # noqa: PLR2004 (U+0080 to U+009F)


def _may_hold_exponents(data: bytes) -> bool:
    """Tell whether anywhere an `e` stands between what may be parts of a number."""
    buffer = np.frombuffer(data, np.uint8)
    places = np.flatnonzero((buffer | 32) == ord("e"))
    before, behind = (buffer[np.clip(places + step, 0, len(buffer) - 1)] for step in (-1, 1))
    return bool((_PART_OF_NUMBER[before] & _PART_OF_NUMBER[behind]).any())


def _is_one_of(text: pl.Expr, words: Sequence[str]) -> pl.Expr:
    return text == words[0] if len(words) == 1 else text.is_in(list(words))


def _are_one_of(texts: pl.Series, words: Sequence[str]) -> Flags:
    found: Flags = texts.to_frame("text").select(_is_one_of(pl.col("text"), words)).to_series().to_numpy()
    return found


def _text_sure(text: pl.Expr, stripped: pl.Expr, known: Rules, facts: _Facts) -> pl.Expr:
    longest = known.longest or 1 << 20
    if known.shortest <= 1 and facts.longest <= longest:
        long = stripped != ""
    else:
        size = stripped.str.len_bytes() if facts.ascii else stripped.str.len_chars()
        long = (size >= max(known.shortest, 1)) & (size <= longest)
    return long if facts.calm else long & ~text.str.contains(r"[\x00-\x1f\x7f-\x9f]|^\s|\s$")


def _gtin_sure(text: pl.Expr) -> pl.Expr:
    """Tell where a text is digits of which the weights 1, 3, 1, 3, ... from the right add up to tens."""
    number = text.cast(pl.Int64, strict=False)  # which takes digits and a sign before them
    weighed = [(number // 10**place % 10) * (1, 3)[place % 2] for place in range(max(GTIN_LENGTHS))]
    sums: pl.Expr = reduce(add, weighed)
    sized = text.str.len_bytes().is_in(list(GTIN_LENGTHS))
    return (text >= "0") & (text < ":") & sized & number.is_not_null() & (sums % 10 == 0)


def _text_holds(value: str, known: Rules) -> bool:
    if known.gtin:
        return False  # what stands in every row is not read anew here
    if known.words is not None:
        return value in known.words
    fine = value.isascii() and value.isprintable() and value == value.strip()
    return fine and max(known.shortest, 1) <= len(value) <= (known.longest or len(value))


def _number_holds(value: int, known: Rules) -> bool:
    return (known.least is None or value >= known.least) and (known.most is None or value <= known.most)


def _number(text: pl.Expr, mark: str, decimals: int, known: Rules, *, calm_numbers: bool) -> tuple[pl.Expr, pl.Expr]:
    """Read plain digits with at most one mark between them: exact, for they are few. What is none of these is null.

    The bounds of what is not whole are for `_in_minor_units`.
    """
    short = text.str.len_bytes() <= _LONGEST
    if decimals == 0:
        value = text.cast(pl.Int64, strict=False)  # which takes digits, and a sign before them
        return value, reduce(and_, _bounds(value, known), short & value.is_not_null())
    plain = text if mark == "." else text.str.replace(mark, ".", literal=True)
    strange = [] if calm_numbers else [text.str.contains(one, literal=True) for one in ("e", "E")]
    strange += [text.str.contains(".", literal=True)] if mark != "." else []
    begun = text >= "0"  # with a digit, or a word such as `inf`: no sign, and no mark
    return plain.cast(pl.Float64, strict=False), reduce(and_, [begun & short, *(~one for one in strange)])


def _bounds(value: pl.Expr, known: Rules) -> list[pl.Expr]:
    checks = [value >= known.least] if known.least is not None else []
    return checks + ([value <= known.most] if known.most is not None else [])


def _in_minor_units(given: pl.Series, decimals: int, known: Rules) -> tuple[pl.Series, Flags]:
    """Return amounts as whole numbers, and which have no more decimals than that and stand within their bounds.

    A float tells numbers of up to 15 digits apart, and dividing rounds to the nearest float: so a whole number
    that gives the very float back is the number that was written. (Polars would multiply by the inverse,
    which does not round so.)
    """
    amounts = given.to_numpy()
    with np.errstate(all="ignore"):  # what is no number, or a huge one, is not exact
        whole = np.rint(amounts * 10**decimals)
        exact: Flags = whole / 10**decimals == amounts
    least, most = -(10**_LONGEST) if known.least is None else known.least, known.most or 10**_LONGEST
    exact &= (whole >= least) & (whole <= min(most, 10**_LONGEST))
    if not exact.all():
        whole[~exact] = 0
    return pl.Series(given.name, whole.astype(np.int64)), exact


def typed(row: type[Row], rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Return rows that the model passed (values in the order of its fields) as typed columns."""
    given = list(zip(*rows, strict=True)) or [()] * len(row.model_fields)
    columns = []
    for (field, kind), values in zip(schema(row).items(), given, strict=True):
        if kind == INSTANT:
            whole = [None if at is None else microseconds(at.astimezone(UTC)) for at in values]
            columns.append(pl.Series(field, whole, pl.Int64).cast(INSTANT))
        else:
            columns.append(pl.Series(field, values, kind))
    return pl.DataFrame(columns)
