"""Cells as the compiled code reads them, against Python reading the same cells."""

from collections.abc import Sequence
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.feeds.cell_reader import CellReader, Field, Found, Kind
from tombola.feeds.splitting import split

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs", "Cc"]), max_size=40)
ANY = Field("any", 0, Kind.TEXT, required=True)


def found(fields: Sequence[Field], records: Sequence[Sequence[str]], nulls: Sequence[str] = ("",)) -> Found:
    """Read records, each cell of which is quoted if it has to be."""
    width = max(map(len, records))
    lines = (
        ",".join('"' + one.replace('"', '""') + '"' if set(one) & set('",\r\n') else one for one in cells)
        for cells in records
    )
    block = split("".join(f"{line}\r\n" for line in lines).encode(), 1, ord(","), ord('"'))
    assert block is not None
    assert len(block) == len(records)
    reader = CellReader(fields, width=width, delimiter=",", quote='"', decimal_mark=".", nulls=nulls)
    return reader.read(block)


def read(column: pa.Array) -> list[object]:
    column.validate(full=True)
    values: list[object] = column.to_pylist()
    return values


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=400))
def test_texts_are_what_was_written_without_the_spaces_around_them(rows: list[tuple[str, str]]) -> None:
    other = Field("other", 1, Kind.TEXT, required=True, shortest=2, longest=7)
    one = found([ANY, other], [(f"x{first}", second) for first, second in rows])
    sure = one.sure.tolist()
    wanted = [(f"x{first}".strip(" "), second.strip(" ")) for first, second in rows]
    read_rows = list(zip(read(one.columns["any"]), read(one.columns["other"]), strict=True))
    assert [row for row, is_sure in zip(read_rows, sure, strict=True) if is_sure] == [
        row for row, is_sure in zip(wanted, sure, strict=True) if is_sure
    ]
    for number, (first, second) in enumerate(rows):
        fine = f"x{first}".strip() == f"x{first}".strip(" ") and second.strip() == second.strip(" ")
        assert sure[number] == (fine and 2 <= len(second.strip()) <= 7)
    assert {row for row, _, _ in one.open} == {number for number, is_sure in enumerate(sure) if not is_sure}
    assert all(text == (f"x{rows[row][0]}" if field == "any" else rows[row][1]) for row, field, text in one.open)


@given(st.lists(st.from_regex(r"[0-9]{0,16}([.,-][0-9]{0,15})?", fullmatch=True), min_size=1), st.integers(0, 3))
def test_numbers_are_exact_or_not_sure(cells: list[str], decimals: int) -> None:
    field = Field("number", 1, Kind.NUMBER, required=True, decimals=decimals, most=10**14)
    one = found([field], [("x", cell) for cell in cells])
    for cell, sure, value in zip(cells, one.sure.tolist(), read(one.columns["number"]), strict=True):
        plain = 0 < len(cell) <= 15 and cell[0].isdigit() and cell.count(".") <= 1 and cell.replace(".", "").isdigit()
        scaled = Decimal(cell).scaleb(decimals) if plain else Decimal("0.1")
        assert sure == (scaled == scaled.to_integral_value() and scaled <= 10**14)
        assert not sure or value == scaled


@pytest.mark.parametrize("default", [None, "", "fourteen bytes", "short"])
@pytest.mark.parametrize("null", ["", "nothing here", "-"])
def test_an_empty_cell_is_the_default(default: str | None, null: str) -> None:
    field = Field("one", 0, Kind.TEXT, required=False, default=default)
    one = found([field], [("a text of some length", "x"), (null, "y"), ("b", "z")] * 300, nulls=("null", null))
    assert read(one.columns["one"]) == ["a text of some length", default, "b"] * 300
    assert one.sure.all()


def test_an_empty_cell_of_a_required_field_is_not_sure() -> None:
    assert found([ANY], [("a", ""), ("", "")]).sure.tolist() == [True, False]


@pytest.mark.parametrize("width", [1, 2, 2_047, 2_049, 10_000])
def test_records_of_any_width_are_read_and_others_are_not_sure(width: int) -> None:
    last = Field("last", width - 1, Kind.TEXT, required=True)
    cells = [f"cell {number}" for number in range(width)]
    one = found([last, ANY], [cells, cells[:-1] or ["x"], cells])
    assert one.sure.tolist() == [True, width == 1, True]
    assert not one.open
    assert read(one.columns["last"])[::2] == [cells[-1]] * 2


def test_a_gtin_is_kept_as_14_digits() -> None:
    field = Field("gtin", 0, Kind.GTIN, required=False)
    one = found([field], [(one, "x") for one in ("73513537", "4006381333931", "4006381333932", '40063"81333931', "")])
    assert one.sure.tolist() == [True, True, False, False, True]
    values = read(one.columns["gtin"])
    assert (values[:2], values[4]) == (["00000073513537", "04006381333931"], None)


def test_yes_and_no_are_flags() -> None:
    field = Field("flag", 0, Kind.YES_NO, required=False, words=("yes", "y", "no"), yes=2)
    one = found([field], [(word, "x") for word in ("no", "yes", "y", "", "perhaps")] * 50)
    assert read(one.columns["flag"])[:4] == [False, True, True, None]
    assert one.sure.tolist() == [True, True, True, True, False] * 50
