"""Formats, packings and encodings: the same rows come out of every one, and rejects go back as they came."""

import gzip
import io
import json
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

from tombola.feeds.checking import Check, World
from tombola.feeds.events import FeedKind
from tombola.feeds.measuring import Measured
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
    world = World(shop, kind, LATEST, LATEST, {"shopper": str, "household": str}, set)
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
