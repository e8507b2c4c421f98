"""Formats, packings and encodings: the same rows come out of every one, and rejects go back as they came."""

import gzip
import hashlib
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import python_calamine
import xlsxwriter
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tombola.errors import Malformed
from tombola.feeds.checking import Check, World
from tombola.feeds.events import FeedKind
from tombola.feeds.measuring import Measured
from tombola.feeds.pseudonymizing import pseudonyms_by_column
from tombola.feeds.rejects import RejectsForm, RejectsWriter
from tombola.retailers.model import Dialect, Retailer

NAMES = ["order_id", "line_id", "store_id", "ordered_at", "product_id", "quantity", "value", "coupon", "note"]
Cells = list[str]
LATEST = datetime(2030, 1, 1, tzinfo=UTC)


def row(number: int, *, good: bool = True) -> Cells:
    note = ["", "Käse, 1 €", 'said "x"', "plain"][number % 4]
    quantity = str(number % 7) if good else "-1"
    return [
        f"o{number // 2}", str(number), "s1", f"2017-06-{number % 28 + 1:02} 10:00:00", f"p{number}",
        quantity, f"{number % 9}.5", "" if number % 3 else "0.25", note,
    ]  # fmt: skip


BAD = {7, 66, 199}
ROWS = [row(number, good=number not in BAD) for number in range(200)]
MENDED = [row(number) for number in range(200)]


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(one in cell for one in ',;\t|"') else cell


def delimited(rows: list[Cells], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = "".join(delimiter.join(map(quoted, cells)) + "\r\n" for cells in [NAMES, *rows])
    return text.encode(encoding)


def json_lines(rows: list[Cells], encoding: str = "utf-8") -> bytes:
    objects = [{name: cell for name, cell in zip(NAMES, cells, strict=True) if cell} for cells in rows]
    for one in objects:
        one |= {name: f"\0{one[name]}\0" for name in ("quantity", "value", "coupon") if name in one}
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects)
    return lines.replace('"\\u0000', "").replace('\\u0000"', "").encode(encoding)


TYPES = {
    "quantity": pa.int32(),
    "value": pa.decimal128(10, 2),
    "coupon": pa.float64(),
    "ordered_at": pa.timestamp("ns"),
    "store_id": pa.dictionary(pa.int8(), pa.string()),
}


def typed(name: str, cell: str) -> object:
    if not cell:
        return None
    reads: dict[str, Callable[[str], object]] = {
        "quantity": int, "value": Decimal, "coupon": float, "ordered_at": datetime.fromisoformat,
    }  # fmt: skip
    return reads.get(name, str)(cell)


def parquet(rows: list[Cells]) -> bytes:
    arrays = [
        pa.array([typed(name, cells[place]) for cells in rows], TYPES.get(name, pa.string()))
        for place, name in enumerate(NAMES)
    ]
    names = [*NAMES, "tags"]
    target = io.BytesIO()
    table = pa.table([*arrays, pa.array([["a", "b"]] * len(rows))], names=names)
    pq.write_table(table, target, row_group_size=70)
    return target.getvalue()


def workbook(rows: list[Cells]) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet, date = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    sheet.write_row(0, 0, NAMES)
    for place, cells in enumerate(rows, 1):
        for column, (name, cell) in enumerate(zip(NAMES, cells, strict=True)):
            if name == "ordered_at":
                sheet.write_datetime(place, column, datetime.fromisoformat(cell), date)
            elif name in {"line_id", "quantity", "value", "coupon"} and cell:
                sheet.write_number(place, column, float(cell))
            elif cell:
                sheet.write_string(place, column, cell)
    book.close()
    return target.getvalue()


def zipped(data: bytes, *names: str, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file:
        for name in names or ("orders",):
            file.writestr(name, data)
    return target.getvalue()


def in_parts(pack: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda data: pack(data[: len(data) // 2]) + pack(data[len(data) // 2 :])


FORMATS: dict[str, tuple[Callable[[list[Cells]], bytes], dict[str, Any]]] = {
    "comma": (delimited, {}),
    "semicolon": (lambda rows: delimited(rows, ";"), {}),
    "tab": (lambda rows: delimited(rows, "\t"), {}),
    "bar": (lambda rows: delimited(rows, "|"), {"delimiter": "|"}),
    "odd delimiter": (lambda rows: delimited(rows, "\u00a6"), {"delimiter": "\u00a6"}),
    "utf-8 with mark": (lambda rows: delimited(rows, encoding="utf-8-sig"), {}),
    "utf-16 with mark": (lambda rows: delimited(rows, encoding="utf-16"), {}),
    "utf-16-le": (lambda rows: delimited(rows, encoding="utf-16-le"), {}),
    "utf-16-be": (lambda rows: delimited(rows, encoding="utf-16-be"), {"encoding": "utf-16-be"}),
    "cp1252": (lambda rows: delimited(rows, encoding="cp1252"), {"encoding": "cp1252"}),
    "iso-8859-15": (lambda rows: delimited(rows, encoding="iso-8859-15"), {"encoding": "iso-8859-15"}),
    "json lines": (json_lines, {}),
    "json lines, utf-16": (lambda rows: json_lines(rows, "utf-16"), {}),
    "parquet": (parquet, {}),
    "workbook": (workbook, {}),
}
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip in parts": in_parts(gzip.compress),
    "zstd": zstandard.compress,
    "zstd in parts": in_parts(zstandard.compress),
    "zip": zipped,
    "stored zip": lambda data: zipped(data, method=zipfile.ZIP_STORED),
}


@dataclass
class Kept:
    """Sinks that keep what they are given."""

    rows: list[dict[str, object]] = field(default_factory=list)
    file: io.BytesIO = field(default_factory=io.BytesIO)
    extension: str = ""
    writer: RejectsWriter | None = None

    def accept(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.to_pylist()

    def reject(self, form: RejectsForm, rows: Sequence[Any]) -> None:
        if self.writer is None:
            self.writer, self.extension = form.writer(self.file), form.extension
        self.writer.write(rows)

    def rejected(self) -> bytes:
        assert self.writer is not None
        self.writer.close()
        return self.file.getvalue()


def check(data: bytes, kind: FeedKind = "orders", **dialect: object) -> tuple[Check, Kept]:
    shop = Retailer(
        retailer="shop", name="Shop", country="DE", currency="EUR", feeds={kind: Dialect.model_validate(dialect)}
    )
    kept = Kept()
    world = World(shop, kind, LATEST, LATEST, pseudonyms_by_column(bytes(32), "corner-shop"), set)
    found = Check(world, kept)
    found.run(Measured(io.BytesIO(data)))
    return found, kept


def fault(data: bytes, **dialect: object) -> str:
    """Return the code of what makes a file unreadable."""
    found, _ = check(data, **dialect)
    assert found.unusable
    return found.errors.findings()[-1].code


def facts(*kept: Kept) -> list[str]:
    """Return accepted rows without the lines they stood on."""
    rows = [{name: value for name, value in one.items() if name != "source_line"} for each in kept for one in each.rows]
    return sorted(map(str, rows))


EXPECTED = facts(check(delimited(MENDED))[1])


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("form", FORMATS)
def test_the_same_rows_come_out_of_every_format_in_every_packing_and_mended_rejects_complete_them(
    form: str, packing: str
) -> None:
    make, dialect = FORMATS[form]
    pack = PACKINGS[packing]
    found, kept = check(pack(make(ROWS)), **dialect)
    assert (found.rows, found.accepted, found.rejected, found.unusable) == (200, 197, 3, False)
    lines = sorted(one.line or 0 for finding in found.errors.findings() for one in finding.examples)
    first = 1 if form.startswith(("json", "parquet")) else 2
    assert lines == [number + first for number in sorted(BAD)]
    rejected = kept.rejected()
    mended, _ = FORMATS[form]
    assert same(rejected, make([ROWS[number] for number in sorted(BAD)]))
    again, completed = check(pack(mended([MENDED[number] for number in sorted(BAD)])), **dialect)
    assert (again.rows, again.accepted) == (3, 3)
    assert facts(kept, completed) == EXPECTED


def same(one: bytes, other: bytes) -> bool:
    """Tell whether files hold the same: the very bytes of text, or the cells of what holds no text."""
    if one.startswith(b"PAR1"):
        found, expected = (pq.read_table(io.BytesIO(each)) for each in (one, other))
        return bool(found.schema == expected.schema and found.to_pylist() == expected.to_pylist())
    if one.startswith(b"PK"):
        return cells_of(one) == cells_of(other)
    return one == other


def cells_of(data: bytes) -> list[list[object]]:
    return list(python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).iter_rows())


# Dialects


def outcome(found: Check, kept: Kept) -> tuple[int, int, list[str]]:
    return found.rows, found.accepted, facts(kept)


def test_a_file_without_header_reads_by_the_names_the_dialect_gives() -> None:
    body = delimited(MENDED).split(b"\r\n", 1)[1]
    found, kept = check(body, header=NAMES)
    assert outcome(found, kept) == (200, 200, EXPECTED)
    spoiled, rest = check(b"x" * 300 + body[body.index(b",") :], header=NAMES)
    assert (spoiled.rejected, spoiled.errors.findings()[0].examples[0].line) == (1, 1)
    assert rest.rejected() == b"x" * 300 + body[body.index(b",") : body.index(b"\r\n") + 2]


def test_a_sheet_without_header_reads_by_the_names_the_dialect_gives() -> None:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(2, 0, ["p1", "Cola"])
    sheet.write_row(4, 0, [2.0, 12.3])
    sheet.write_row(5, 0, ["", "nameless"])
    book.close()
    found, kept = check(target.getvalue(), "products", header=["product_id", "name"])
    assert [(one["product_id"], one["name"], one["source_line"]) for one in kept.rows] == [
        ("p1", "Cola", 3),
        ("2", "12.3", 5),
    ]
    assert check(kept.rejected(), "products", header=["product_id", "name"])[0].errors.findings()[0].code == "missing"
    assert found.rejected == 1


def test_units_are_exact_and_what_is_not_whole_in_them_is_refused() -> None:
    header = "order_id,line_id,store_id,ordered_at,product_id,quantity,value\n"
    data = f"{header}1,1,s,2017-06-01,p,2,1250\n1,2,s,2017-06-01,p,1.5,12.5\n1,3,s,2017-06-01,p,0.25,3\n".encode()
    found, kept = check(data, units={"value": "0.01", "quantity": 12})
    assert [(one["quantity"], one["value_minor"]) for one in kept.rows] == [(24, 1250), (3, 3)]
    (finding,) = found.errors.findings()
    assert (finding.code, finding.field, finding.examples[0].line) == ("too-many-decimals", "value", 3)


def test_a_unit_of_what_is_no_number_is_a_fault_of_the_dialect() -> None:
    with pytest.raises(Malformed, match="no numbers: store_id"):
        check(delimited([]), units={"store_id": 1})


def test_time_formats_are_tried_in_their_order() -> None:
    written = ["03/04/2017", "25/12/2017", "2017-06-01T10:00:00", "1.6.2017", "June"]
    data = "product_id,updated_at\n" + "".join(f"p{number},{text}\n" for number, text in enumerate(written))
    found, kept = check(data.encode(), "products", datetime_formats=["%m/%d/%Y", "%d/%m/%Y", "iso", "%d.%m.%Y"])
    at = [str(one["stated_at"])[:10] for one in kept.rows]
    assert at == ["2017-03-04", "2017-12-25", "2017-06-01", "2017-06-01"]
    assert found.errors.findings()[0].code == "not-a-time"


@pytest.mark.parametrize("text", ["03/04/2017", "3.4.2017 10:00", "25/12/2017", "12-31-17"])
def test_whether_day_or_month_comes_first_is_never_guessed(text: str) -> None:
    found, _ = check(f"product_id,updated_at\n1,{text}\n".encode(), "products")
    assert [finding.code for finding in found.errors.findings()] == ["ambiguous-date"]


@pytest.mark.parametrize("make", [parquet, workbook])
def test_typed_cells_are_read_whatever_notation_the_dialect_states(make: Callable[[list[Cells]], bytes]) -> None:
    found, kept = check(make(MENDED), decimal_mark=",", datetime_formats=["%d.%m.%Y", "%d.%m.%Y %H:%M"], nulls=["-"])
    assert outcome(found, kept) == (200, 200, EXPECTED)


def test_instants_of_parquet_keep_their_zone_and_their_fractions() -> None:
    at = [datetime(2017, 11, 5, 6, 30, tzinfo=UTC), datetime(2017, 6, 1, 10, 0, 0, 5, tzinfo=UTC)]
    for unit, zone in (("us", "America/New_York"), ("ns", "UTC"), ("us", None)):
        moments = pa.array([one.replace(tzinfo=None) if zone is None else one for one in at], pa.timestamp(unit, zone))
        target = io.BytesIO()
        pq.write_table(pa.table([pa.array(["1", "2"]), moments], names=["product_id", "updated_at"]), target)
        _, kept = check(target.getvalue(), "products", time_zone="UTC")
        assert [one["stated_at"] for one in kept.rows] == at


def test_numbers_of_json_keep_their_digits() -> None:
    lines = [{"product_id": "@", "name": "n"}]
    data = json.dumps(lines[0]).replace('"@"', "12345678901234567890.10").encode()
    _, kept = check(data, "products")
    assert kept.rows[0]["product_id"] == "12345678901234567890.10"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{", "not-json"),
        ('["p"]', "not-json"),
        ('{"product_id":"a","product_id":"b"}', "not-json"),
        ('{"product_id":"a","name":NaN}', "not-json"),
        ('{"product_id":"a","name":"\\ud800"}', "not-json"),
        ("[" * 100_000, "not-json"),
        ('{"product_id":["a"]}', "nested-value"),
        ('{"product_id":"a","name":{"en":"A"}}', "nested-value"),
        ('{"name":"A"}', "missing"),
        ('{"product_id":"a\\nb"}', "control-character"),
        ('{"product_id":"a","name":"' + "x" * 200_000 + '"}', "too-long"),
    ],
)
def test_a_broken_object_breaks_its_own_line_only(line: str, code: str) -> None:
    data = f'{{"product_id":"x"}}\n{line}\n\n{{"product_id":"y","tags":[1]}}\n'.encode()
    found, kept = check(data, "products")
    (finding,) = found.errors.findings()
    assert (finding.code, finding.examples[0].line) == (code, 2)
    assert [(one["product_id"], one["source_line"]) for one in kept.rows] == [("x", 1), ("y", 4)]
    assert kept.rejected() == line.encode() + b"\n"


def test_a_key_that_comes_late_is_read_or_refused_but_never_dropped() -> None:
    first = b'{"order_id":"1","line_id":"%d","store_id":"s","ordered_at":"2017-06-01","product_id":"p"'
    first += b',"quantity":1,"value":1,"note":"' + b"x" * 500 + b'"}\n'
    many = b"".join(first % number for number in range(6_000))
    late = first.replace(b"}", b',"coupon":0.5}') % 50_000 + first.replace(b"}", b',"currency":"USD"}') % 50_001
    found, kept = check(many + late)
    assert kept.rows[-1]["coupon_minor"] == 50
    assert [finding.code for finding in found.errors.findings()] == ["wrong-field-count"]


CELLS = st.one_of(
    st.sampled_from(
        ["", "1", "0", "2.5", "1,5", "1.234", "2017-06-01", "03/04/2017", "é", "Ã©", "'x'", '"', ";", "|", "NULL"]
    ),
    st.text(st.characters(codec="cp1252", exclude_characters="\0\r\n"), max_size=4),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=8),
    st.integers(0, 8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"]),
)
def test_the_parts_of_a_file_read_like_the_whole_wherever_both_are_read(
    rows: list[Cells], cut: int, delimiter: str, encoding: str
) -> None:
    def written(some: list[Cells]) -> bytes:
        lines = [["product_id", "name", "brand", "size"], *([f"p{rows.index(cells)}", *cells[1:]] for cells in some)]
        return "".join(delimiter.join(map(quoted, cells)) + "\n" for cells in lines).encode(encoding)

    whole, kept = check(written(rows), "products")
    parts = [check(written(some), "products") for some in (rows[:cut], rows[cut:])]
    if whole.unusable or any(part.unusable for part, _ in parts) or len({str(cells) for cells in rows}) < len(rows):
        return
    assert facts(*(each for _, each in parts)) == facts(kept)


# Files that are none

TEXT = delimited(MENDED)
HEAD = ",".join(NAMES).encode() + b"\n"


def appended(pack: Callable[[bytes], bytes]) -> bytes:
    """Return a header and 100 MB of blank lines."""
    return pack(HEAD) + pack(b"\n" * 10_000_000) * 10


@pytest.mark.parametrize(
    "packed",
    [
        lambda: appended(lambda data: gzip.compress(data, 9)),
        lambda: appended(zstandard.compress),
        lambda: zipped(HEAD + b"\n" * 60_000_000),
    ],
    ids=["gzip", "zstd", "zip"],
)
def test_what_unpacks_a_thousandfold_is_given_up_in_memory_that_does_not_grow_with_it(
    packed: Callable[[], bytes],
) -> None:
    data = packed()
    assert len(data) < 250_000
    tracemalloc.start()
    assert fault(data) == "packing-bomb"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000_000


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, zipped])
@pytest.mark.parametrize("cut", [5, 30, 200, -1, -9, -30])
def test_a_packed_file_that_is_cut_off_is_broken_wherever_it_ends(pack: Callable[[bytes], bytes], cut: int) -> None:
    packed = pack(delimited(MENDED * 20))
    assert fault(packed[:cut]) == "packing-broken"


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, zipped])
def test_a_packed_file_that_is_damaged_is_broken(pack: Callable[[bytes], bytes]) -> None:
    packed = bytearray(pack(TEXT))
    packed[len(packed) // 2] ^= 0xFF
    found, _ = check(bytes(packed))
    assert found.unusable
    assert check(gzip.compress(TEXT) + b"more")[0].errors.findings()[-1].code == "packing-broken"


def test_zeros_behind_gzip_are_padding() -> None:
    assert check(gzip.compress(TEXT) + bytes(512))[0].accepted == 200


def test_rows_before_a_fault_of_the_packing_are_counted() -> None:
    found, _ = check(gzip.compress(delimited(MENDED * 20))[:-9])
    assert (found.unusable, found.rows) == (True, 4_000)


def test_zstd_that_asks_for_too_much_memory_is_refused() -> None:
    wide = zstandard.ZstdCompressionParameters.from_level(3, window_log=27, write_content_size=False)
    packed = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    assert fault(packed.compress(TEXT) + packed.flush()) == "packing-broken"


def encrypted() -> bytes:
    data = bytearray(zipped(TEXT))
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(mark) + offset] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        zipped(TEXT, "a.csv", "b.csv"),
        zipped(TEXT, "a/b.csv"),
        zipped(TEXT, "../b.csv"),
        zipped(TEXT, "..\\b.csv"),
        zipped(TEXT, "c:b.csv"),
        zipped(b"", "folder/"),
        zipped(TEXT, "a.csv", method=zipfile.ZIP_LZMA),
        zipped(b"x", *map(str, range(30_000))),
        encrypted(),
    ],
)
def test_a_zip_holds_exactly_one_file_without_path_and_password(data: bytes) -> None:
    assert fault(data) == "packing-refused"


def test_a_zip_of_the_large_form_is_read() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file, file.open("orders.csv", "w", force_zip64=True) as member:
        member.write(TEXT)
    assert check(target.getvalue())[0].accepted == 200


ACCENTED = [[*cells[:-1], "Käse für 1 € „größer“"] for cells in MENDED]
DETECTED = [
    ("utf-8", "cp1252", "undecodable"),
    ("utf-8", "iso-8859-15", "undecodable"),
    ("utf-8", "utf-16-le", "wrong-encoding"),
    ("utf-8", "utf-16-be", "wrong-encoding"),
    ("utf-8", "utf-16", "wrong-encoding"),
    ("cp1252", "utf-8", "wrong-encoding"),
    ("cp1252", "utf-8-sig", "wrong-encoding"),
    ("cp1252", "utf-16-le", "wrong-encoding"),
    ("cp1252", "utf-16-be", "wrong-encoding"),
    ("cp1252", "utf-16", "wrong-encoding"),
    ("iso-8859-15", "utf-8", "wrong-encoding"),
    ("iso-8859-15", "utf-8-sig", "wrong-encoding"),
    ("iso-8859-15", "cp1252", "wrong-encoding"),
    ("iso-8859-15", "utf-16-le", "wrong-encoding"),
    ("iso-8859-15", "utf-16", "wrong-encoding"),
    *(
        (f"utf-16{end}", other, "wrong-encoding")
        for end in ("", "-le", "-be")
        for other in ("utf-8", "utf-8-sig", "cp1252")
    ),
    ("utf-16", "iso-8859-15", "wrong-encoding"),
    ("utf-16-le", "utf-16-be", "wrong-encoding"),
    ("utf-16-be", "utf-16-le", "wrong-encoding"),
    ("utf-16-be", "utf-16", "wrong-encoding"),
]


@pytest.mark.parametrize(("stated", "actual", "code"), DETECTED)
def test_an_encoding_declared_wrong_is_told(stated: str, actual: str, code: str) -> None:
    data = delimited(ACCENTED, encoding="utf-8").decode().encode(actual, "replace")
    found, _ = check(data, encoding=stated)
    (finding,) = found.errors.findings()
    assert (found.unusable, finding.code) == (True, code)
    if code == "wrong-encoding":
        assert stated in finding.examples[0].message


def test_iso_8859_15_stated_as_cp1252_is_not_told_for_all_of_it_is_text_there() -> None:
    rows = [[*cells[:-1], "1 €"] for cells in MENDED]
    assert check(delimited(rows, encoding="iso-8859-15"), encoding="cp1252")[0].accepted == 200


def test_numbers_of_the_other_locale_are_refused_row_by_row() -> None:
    rows = [[*cells[:6], cells[6].replace(".", ","), *cells[7:]] for cells in MENDED]
    found, _ = check(delimited(rows, ";"))
    assert (found.rejected, found.unusable) == (200, False)
    assert {finding.code for finding in found.errors.findings()} == {"not-a-number"}


@pytest.mark.parametrize(
    ("data", "dialect", "code"),
    [
        (parquet(ROWS)[:-8], {}, "format-broken"),
        (parquet(ROWS)[:200], {}, "format-broken"),
        (b"PAR1" + bytes(range(256)) * 40 + b"PAR1", {}, "format-broken"),
        (workbook(ROWS)[:-30], {}, "packing-broken"),
        (zipped(b"<x", "xl/workbook.xml"), {}, "format-broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000), {}, "wrong-format"),
        (parquet(ROWS), {"format": "delimited"}, "wrong-format"),
        (workbook(ROWS), {"format": "parquet"}, "wrong-format"),
        (TEXT, {"format": "xlsx"}, "wrong-format"),
        (parquet(ROWS), {"header": NAMES}, "wrong-format"),
        (TEXT, {"format": "json-lines"}, "empty-file"),
        (json_lines(ROWS), {"format": "delimited"}, "missing-columns"),
        (b'{"order_id": "1"}\n{"order_id": "' + b"x" * 5_000_000 + b'"}\n', {}, "missing-columns"),
        (b"{}" * 100, {}, "empty-file"),
        (b'{"a":1}\n\0', {}, "missing-columns"),
        (hashlib.shake_128(b"noise").digest(100_000), {}, "undecodable"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_file_of_its_format_is_refused_as_a_whole(
    data: bytes, dialect: dict[str, object], code: str
) -> None:
    assert fault(data, **dialect) == code


def test_a_line_of_json_without_end_is_given_up() -> None:
    assert fault(b'{"order_id": "' + b"x" * 200_000_000) == "record-too-long"


def test_a_stated_delimiter_that_the_header_does_not_show_is_asked_about() -> None:
    found, _ = check(delimited(ROWS, ";"), delimiter="|")
    assert "is the delimiter ';', and not '|'?" in found.errors.findings()[0].examples[0].message


def test_columns_that_nobody_reads_may_be_nested_and_others_may_not() -> None:
    nested = io.BytesIO()
    pq.write_table(pa.table({"product_id": ["a"], "name": pa.array([["x"]])}), nested)
    found, _ = check(nested.getvalue(), "products")
    assert [finding.code for finding in found.errors.findings()] == ["nested-columns"]


def test_parquet_that_unfolds_without_end_is_given_up() -> None:
    target = io.BytesIO()
    pq.write_table(pa.table({"product_id": pa.repeat("a", 10_000_000).dictionary_encode()}), target)
    assert len(target.getvalue()) < 40_000
    assert check(target.getvalue(), "products")[0].errors.findings()[0].code == "packing-bomb"


def test_two_cells_far_apart_are_no_sheet_that_anybody_reads() -> None:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write(0, 0, "order_id")
    sheet.write(1_048_575, 16_383, "1")
    book.close()
    assert fault(target.getvalue()) == "workbook-too-large"


def test_a_workbook_that_is_mostly_nothing_is_given_up() -> None:
    data = io.BytesIO(workbook(ROWS))
    with (
        zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("xl/media", "w") as member,
    ):
        for _ in range(300):
            member.write(bytes(1_000_000))
    assert fault(data.getvalue()) == "workbook-too-large"


@pytest.mark.parametrize("value", ["INF", "NaN", "-1e999", "1e308", "", "x"])
def test_a_cell_that_is_no_number_is_no_crash(value: str) -> None:
    source = zipfile.ZipFile(io.BytesIO(workbook(MENDED[:20])))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name in source.namelist():
            part = source.read(name)
            if "sheet1" in name:
                part = part.replace(b'<c r="F2"><v>0</v>', f'<c r="F2"><v>{value}</v>'.encode())
                assert value.encode() in part
            file.writestr(name, part)
    found, _ = check(target.getvalue())
    assert found.unusable or (found.rows, found.accepted) == (20, 19)


def test_a_workbook_with_a_damaged_part_is_refused() -> None:
    data = bytearray(workbook(ROWS))
    part = zipfile.ZipFile(io.BytesIO(bytes(data))).getinfo("xl/worksheets/sheet1.xml")
    for place in range(60, part.compress_size // 2):
        data[part.header_offset + place] = 0xFF
    assert fault(bytes(data)) == "format-broken"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("xl/worksheets/sheet1.xml", b'r="A3"', b'r="A99999999999999999999"'),
        ("xl/worksheets/sheet1.xml", b'r="A3"', b"r = 'ZZZ1048576'"),
        ("xl/sharedStrings.xml", b'uniqueCount="', b'uniqueCount="42949'),
    ],
)
def test_a_workbook_that_claims_more_than_memory_holds_is_refused(name: str, old: bytes, new: bytes) -> None:
    source = zipfile.ZipFile(io.BytesIO(workbook(ROWS)))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for part in source.namelist():
            data = source.read(part)
            assert old in data or part != name
            file.writestr(part, data.replace(old, new) if part == name else data)
    assert fault(target.getvalue()) == "workbook-too-large"
