# ruff: noqa: RUF001 (tables of edges; some of them are look-alikes on purpose)
"""One contract, two engines: what the mask passes is what reading and judging each row would give."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tombola.feeds.checking import Check, World
from tombola.feeds.contracts import KINDS, contract, reading
from tombola.feeds.decoding import Decoder
from tombola.feeds.events import FeedKind
from tombola.feeds.formats import open_records
from tombola.feeds.masking import Mask
from tombola.feeds.measuring import Measured
from tombola.feeds.receipts import Finding
from tombola.feeds.rejects import RejectsForm
from tombola.feeds.seen_keys import BITS
from tombola.feeds.typed_columns import typed
from tombola.retailers.model import Dialect, Retailer

LATEST = datetime(2030, 1, 1, tzinfo=UTC)
EDGES = [
    "",
    " ",
    "1",
    " 1",
    "1 ",
    "+1",
    "-1",
    "-0",
    "+0",
    "0",
    "007",
    "1e3",
    "1E3",
    "0e0",
    "1.5",
    "1.50",
    "1.500",
    "1.005",
    "1.",
    ".5",
    "-.0",
    "+.5",
    "1,5",
    "1.234,5",
    "1 000",
    "NaN",
    "nan",
    "inf",
    "Infinity",
    "1_000",
    "0x1",
    "１２",
    "٣",
    "²",
    "\u00a01",
    "999999999999999",
    "9999999999.99",
    "10000000000",
    "10000000000.00",
    "1000000000",
    "1000000001",
    "0.1",
    "0.29",
    "137.64",
    "0.30000000000000004",
    "1.00000000000001",
    "4.35",
    "1" * 400,
    "0" * 45 + "1",
    "9" * 15,
    "9" * 16,
    "x" * 200,
    "x" * 201,
    "é" * 200,
    "é" * 201,
    " " + "x" * 200,
    "a b",
    "\u2003a",
    "a\u3000",
    "a\u0085",
    "\u0080",
    "\x7f",
    "a\tb",
    "a\x1cb",
    "\x1f",
    "\ufeff",
    "\ufeffa",
    "a\u200b",
    "NULL",
    "null",
    " NULL",
    "yes",
    "Yes",
    "YES",
    "yEs",
    "y",
    "N",
    "true",
    "FALSE",
    "ſ",
    "perhaps",
    "USD",
    "usd",
    "EUR",
    "JPY",
    "BHD",
    "XXX",
    " USD",
    "Kč",
    "日本語",
    "🙂",
    "73513537",
    "73513538",
    "036000291452",
    "36000291452",
    "4006381333931",
    "4006381333932",
    "04006381333931",
    "98412345678908",
    "00000000",
    "400638133393１",
    "+4006381333931",
    "400638133393-1",
    "4006381333931 ",
    "banner_seen",
    "searched",
    "Searched",
]
TIMES = [
    "2017-06-01T10:00:00",
    "2017-06-01 10:00:00",
    "2017-06-01",
    "2017-06-01T10:00",
    "2017-06-01T10:00:00Z",
    "2017-06-01T10:00:00+00:00",
    "2017-06-01T10:00:00-05:00",
    "2017-06-01T10:00:60",
    "2016-12-31T23:59:60",
    "2017-06-01T24:00:00",
    "2017-06-01T10:60:00",
    "2017-02-29",
    "2016-02-29",
    "2017-02-30T00:00:00",
    "2017-00-01",
    "2017-13-01",
    "2017-06-00",
    "2017-06-31",
    "2017-04-31T01:00:00",
    "2017-03-12T01:59:59",
    "2017-03-12T02:00:00",
    "2017-03-12T02:30:00",
    "2017-03-12T03:00:00",
    "2017-11-05T00:59:59",
    "2017-11-05T01:00:00",
    "2017-11-05T01:30:00",
    "2017-11-05T01:59:59",
    "2017-11-05T02:00:00",
    "2017-11-05T01:30:00Z",
    "1969-12-31T23:59:59",
    "1970-01-01",
    "1970-12-31T20:00:00",
    "1971-01-01T00:00:00",
    "2029-12-31T23:59:59",
    "2030-01-01T00:00:00",
    "2030-01-01T00:00:01",
    "2198-12-31T23:59:59",
    "2199-12-31",
    "2200-01-01",
    "9999-12-31T23:59:59",
    "0001-01-01",
    " 2017-06-01",
    "2017-6-1",
    "+017-06-01",
    "2017-06-01t10:00:00",
    "2017-06-01T10:00: 0",
    "２017-06-01",
    "2017-W22-4",
    "20170601",
    "2017-06-01T1:00:00",
    "06/01/2017 10:00:00",
    "02/30/2017 10:00:00",
    "6/1/2017 10:00:00",
    "11/05/2017 01:30:00",
    "01.06.2017",
    "2017-06-01T10:00:00.123",
]
ODD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.one_of(
    st.decimals(min_value=0, max_value=10**11, places=2).map("{:f}".format),
    st.from_regex(r"[+\-]?[0-9]{0,16}([.,][0-9]{0,4})?", fullmatch=True),
    st.floats().map(str),
)
MOMENTS = st.one_of(
    st.datetimes(datetime(1969, 12, 1), datetime(2200, 2, 1)).map(lambda at: at.isoformat()),  # noqa: DTZ001 (wall clocks)
    st.datetimes(datetime(2017, 1, 1), datetime(2018, 1, 1)).map(lambda at: at.isoformat(" ", "seconds")),  # noqa: DTZ001
)
CELLS = st.one_of(st.sampled_from(EDGES), st.sampled_from(TIMES), NUMBERS, MOMENTS, ODD)
FINE = {"text": "a1", "whole": "1", "amount": "2.50", "instant": "2017-06-01T10:00:00", "yes_no": "yes"}
WORDS = {"currency": "USD", "action": "basket_changed", "gtin": "4006381333931"}
DIALECTS = [
    Dialect(),
    Dialect(time_zone="America/New_York"),
    Dialect(time_zone="America/New_York", ambiguous="reject", nulls=("", "NULL", "0")),
    Dialect(
        delimiter=";",
        decimal_mark=",",
        thousands_mark=".",
        time_zone="Europe/Berlin",
        datetime_formats=("%m/%d/%Y %H:%M:%S",),
    ),
    Dialect(delimiter="\t", time_zone="Africa/Casablanca", datetime_formats=("%d.%m.%Y",), quote="'"),
    Dialect(datetime_formats=("iso", "%d.%m.%Y", "%m/%d/%Y %H:%M:%S"), time_zone="Europe/Berlin"),
    Dialect(datetime_formats=("%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y%m%d", "iso")),
    Dialect(delimiter="|", encoding="utf-16", constants={"currency": "JPY"}, time_zone="Australia/Lord_Howe"),
]


@dataclass
class Kept:
    """Sinks that keep what they are given."""

    rows: list[dict[str, object]] = field(default_factory=list)
    rejected: list[bytes] = field(default_factory=list)

    def accept(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.to_pylist()

    def reject(self, form: RejectsForm, rows: Sequence[bytes]) -> None:
        assert form.extension
        self.rejected += rows


def dialect_for(kind: FeedKind, dialect: Dialect) -> Dialect:
    constants = {name: text for name, text in dialect.constants.items() if name in contract(kind).model_fields}
    return dialect.model_copy(update={"constants": constants})


def header(kind: FeedKind, dialect: Dialect) -> list[str]:
    return [name for name in contract(kind).model_fields if name not in dialect.constants]


def fine_cell(kind: FeedKind, name: str, number: int, dialect: Dialect) -> str:
    how = reading(contract(kind), name)
    if how == "instant" and dialect.datetime_formats[0] != "iso":
        return datetime(2017, 6, 1, 10, tzinfo=UTC).strftime(dialect.datetime_formats[0])
    if how == "amount":
        return "2" if dialect.constants.get("currency") == "JPY" else FINE[how].replace(".", dialect.decimal_mark)
    if name in WORDS:
        return WORDS[name]
    return f"{FINE[how]}{number}" if name in contract(kind).KEY else FINE[how]


def written(cells: Sequence[str], dialect: Dialect, quoting: str) -> str:
    quote = dialect.quote
    special = (dialect.delimiter, quote, "\n", "\r")
    return dialect.delimiter.join(
        quote + cell.replace(quote, quote * 2) + quote
        if quoting == "all" or (quoting == "needed" and any(one in cell for one in special))
        else cell
        for cell in cells
    )


@st.composite
def files(draw: st.DrawFn) -> tuple[FeedKind, Dialect, bytes]:
    """Draw a file of mostly fine rows; some cells, quotes, line ends and whole rows are not."""
    kind = draw(st.sampled_from(KINDS))
    dialect = dialect_for(kind, draw(st.sampled_from(DIALECTS)))
    names = header(kind, dialect)
    ends = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = written(names, dialect, "needed") + ends
    for number in range(draw(st.integers(0, 12))):
        cells = [fine_cell(kind, name, draw(st.integers(0, number)), dialect) for name in names]
        for place in draw(st.lists(st.integers(0, len(names) - 1), max_size=2)):
            cells[place] = draw(CELLS)
        if draw(st.integers(0, 9)) == 0:
            cells = draw(st.lists(CELLS, max_size=len(names) + 2))
        text += written(cells, dialect, draw(st.sampled_from(["needed", "needed", "all", "none"])))
        text += draw(st.sampled_from([ends, ends, ends, ends + ends, "\n"]))
    return kind, dialect, text.encode("utf-8" if dialect.encoding == "utf-8-sig" else dialect.encoding)


@dataclass
class Outcome:
    """All that can be told of a checked file."""

    counts: tuple[int, ...]
    rows: list[dict[str, object]]
    rejected: list[bytes]
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    unusable: bool


def outcome(kind: FeedKind, dialect: Dialect, data: bytes, *, masked: bool = True, key_bits: int = BITS) -> Outcome:
    retailer = Retailer(retailer="corner-shop", name="x", country="US", currency="USD", feeds={kind: dialect})
    world = World(
        retailer=retailer,
        kind=kind,
        arrived_at=datetime(2026, 1, 1, tzinfo=UTC),
        latest=LATEST,
        pseudonyms=dict.fromkeys(("shopper", "household"), lambda own_ids: own_ids + " as a pseudonym"),
        known_products=lambda ids: {one for one in ids if one == "a1"},
    )
    kept = Kept()
    check = Check(world, kept, masked=masked, key_bits=key_bits)
    check.run(Measured(io.BytesIO(data)))
    assert check.rows == check.accepted + check.rejected + check.duplicates
    assert (check.accepted, check.rejected) == (len(kept.rows), len(kept.rejected))
    return Outcome(
        counts=(check.rows, check.accepted, check.rejected, check.duplicates),
        rows=kept.rows,
        rejected=kept.rejected,
        errors=check.errors.findings(),
        warnings=check.warnings.findings(),
        unusable=check.unusable,
    )


def edges(kind: FeedKind, dialect: Dialect, also: Mapping[str, str]) -> bytes:
    """Return three fine rows, and for every cell and every edge one that has it there, and `also` in others."""
    names = header(kind, dialect)
    rows = [[fine_cell(kind, name, number, dialect) for name in names] for number in range(3)]
    for name in names:
        for number, cell in enumerate((*EDGES, *TIMES)):
            row = [also.get(other, fine_cell(kind, other, number, dialect)) for other in names]
            row[names.index(name)] = cell
            rows.append(row)
    text = "\n".join(written(row, dialect, "needed") for row in (names, *rows)) + "\n"
    return text.encode(dialect.encoding)


@pytest.mark.parametrize(
    ("kind", "also"),
    [*((kind, {}) for kind in KINDS), *(("orders", {"currency": one}) for one in ("JPY", "BHD ", "EURO", "a\nb"))],
)
def test_of_a_refused_row_the_same_is_told_by_its_cells_as_by_the_row(kind: FeedKind, also: dict[str, str]) -> None:
    dialect = Dialect(delimiter=";", decimal_mark=",", time_zone="Europe/Berlin", ambiguous="reject")
    data = edges(kind, dialect, also)
    assert outcome(kind, dialect, data) == outcome(kind, dialect, data, masked=False)


@settings(max_examples=80, deadline=None)
@given(files())
def test_a_file_has_the_same_outcome_with_and_without_the_mask(file: tuple[FeedKind, Dialect, bytes]) -> None:
    assert outcome(*file) == outcome(*file, masked=False)


@settings(max_examples=25, deadline=None)
@given(files(), st.integers(0, 3))
def test_keys_whose_digests_collide_lose_no_row(file: tuple[FeedKind, Dialect, bytes], bits: int) -> None:
    exact, collided = outcome(*file), outcome(*file, key_bits=bits)
    assert collided.counts == exact.counts
    assert sorted(map(str, collided.rows)) == sorted(map(str, exact.rows))
    assert sorted(collided.rejected) == sorted(exact.rejected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_the_mask_passes_the_model_accepts_with_equal_values(kind: FeedKind, dialect: Dialect) -> None:
    dialect = dialect_for(kind, dialect)
    reader = open_records(Measured(io.BytesIO(edges(kind, dialect, {}))), dialect)
    decoder = Decoder(contract(kind), dialect, "USD", reader.header, LATEST)
    mask = Mask(decoder, dialect, LATEST)
    judge = contract(kind).__pydantic_validator__.validate_python
    for block in reader.blocks():
        masked = mask.judge(block)
        assert masked is not None
        sure = masked.sure.nonzero()[0].tolist()
        assert {0, 1, 2} <= set(sure)
        values = [tuple(judge(one).__dict__.values()) for one in decoder.decode(reader.records(block, sure))]
        assert masked.values[sure].rows() == typed(contract(kind), values).rows()
