"""Reading: the lines editors show, the bytes as sent, and faults as values."""

import contextlib
import csv
import gzip
import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.feeds.formats import open_records
from tombola.feeds.measuring import Measured
from tombola.feeds.reading import Reader
from tombola.feeds.texts import READ_BYTES
from tombola.feeds.unusable import Unusable
from tombola.retailers.model import Dialect


def open_text(data: bytes, dialect: Dialect, piece: int = READ_BYTES) -> Reader:
    found = open_records(Measured(io.BytesIO(data)), dialect, piece=piece)
    assert isinstance(found, Reader)
    return found


def sent(reader: Reader, *rows: str) -> bytes:
    return reader.form.preamble + b"".join(reader._texts.encoded(row) for row in rows)


def read(data: bytes, piece: int = READ_BYTES, **dialect: str) -> tuple[Reader, list[tuple[int, list[str], str]]]:
    reader = open_text(data, Dialect.model_validate(dialect), piece)
    rows = [
        (int(block.lines[index]), record, block.text(index))
        for block in reader.blocks()
        for index, record in enumerate(reader.records(block))
    ]
    return reader, rows


def fault_of(data: bytes, **dialect: str) -> Unusable:
    with pytest.raises(Unusable) as caught:
        read(data, **dialect)
    return caught.value


def test_a_record_has_the_line_an_editor_shows_also_after_quoted_newlines_and_blank_lines() -> None:
    _, rows = read(b'a,b\n1,"x\ny\nz"\n\n2,y\r\n3,"q\r\nr"\n4,z')
    assert [line for line, _, _ in rows] == [2, 6, 7, 9]
    assert rows[0][1] == ["1", "x\ny\nz"]


def test_a_record_keeps_the_bytes_it_was_sent_in() -> None:
    data = b'a,b\n1,"x\ny"\n2,"say ""hi"""\r\n3,z'
    reader, rows = read(data)
    assert sent(reader, *(text for _, _, text in rows)) == data


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(codec="cp1252", exclude_characters="\0"), max_size=8)] * 2), max_size=30
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.integers(1, 40),
)
def test_whatever_a_writer_quotes_comes_back_with_its_bytes(
    rows: list[tuple[str, str]], encoding: str, piece: int
) -> None:
    text = "a,b\r\n" + "".join('"{}","{}"\r\n'.format(*(cell.replace('"', '""') for cell in row)) for row in rows)
    data = text.encode(encoding)
    reader, found = read(data, piece, encoding=encoding)
    assert [record for _, record, _ in found] == [list(row) for row in rows]
    assert sent(reader, *(text for _, _, text in found)) == data


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    assert read(b"\xef\xbb\xbfa,b\n1,2\n")[0].header == ["a", "b"]
    assert read("\ufeffa,b\n1,2\n".encode("utf-16-be"), encoding="utf-16")[1][0][1] == ["1", "2"]


def test_gzip_is_recognised_by_its_first_bytes() -> None:
    assert read(gzip.compress(b"a,b\n1,2\n"))[1] == [(2, ["1", "2"], "1,2\n")]


def test_what_was_read_is_measured_to_the_last_byte() -> None:
    source = Measured(io.BytesIO(b"a,b\n1,2\n"))
    open_records(source, Dialect())
    assert source.finish() == hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    assert source.size == 8


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"", "empty-file", 1),
        (b"\n\n", "empty-file", 1),
        (b"a,b\n1,2\n3,\xff\n", "undecodable", 3),
        (b"a,b\n1,2\n3,\xc3", "undecodable", 3),
        (b"a,b\n1,2\n3,\0\n", "nul-bytes", 3),
        (b'a,b\n1,2\n3,"x\n4,y\n', "unclosed-quote", 3),
        (b"a,b\n1," + b"x" * 140_000 + b"\n", "record-too-long", 2),
        (b"a,b\n1," + b"x" * 2_000_000, "record-too-long", 2),
        (b'a,b\n1,"' + b"x,y\n" * 500_000, "record-too-long", 2),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 10_000, mtime=0)[:-20], "packing-broken", None),
        (b"\x1f\x8bnonsense", "packing-broken", None),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(data: bytes, code: str, line: int | None) -> None:
    fault = fault_of(data)
    assert (fault.code, fault.line) == (code, line)


def test_an_utf_8_mark_in_a_file_of_another_encoding_is_not_guessed_away() -> None:
    assert fault_of(b"\xef\xbb\xbfa,b\n", encoding="cp1252").code == "wrong-encoding"


def test_gzip_that_unpacks_without_end_is_given_up() -> None:
    assert fault_of(gzip.compress(b"a,b\n" + (b"1," + b"x" * 100_000 + b"\n") * 100, 9)).code == "packing-bomb"


@pytest.mark.parametrize("rest", [b"3,\xff\n", b"3,\0\n", b'3,"x'])
def test_records_before_a_fault_are_read(rest: bytes) -> None:
    blocks = open_text(b"a,b\n1,2\n" + rest, Dialect()).blocks()
    assert next(blocks).text(0) == "1,2\n"
    with pytest.raises(Unusable):
        next(blocks)


def test_a_misplaced_quote_breaks_its_own_record_only() -> None:
    reader = open_text(b'a,b\n1,2\n"x"y,3\n4,5\n', Dialect())
    (block,) = reader.blocks()
    assert list(block.broken) == [1]
    assert [block.text(index) for index in range(3)] == ["1,2\n", '"x"y,3\n', "4,5\n"]


PIECES = st.lists(
    st.sampled_from(["a", "1", ",", '"', '"', '""', "\n", "\r\n", "\r", '"x\ny"', "\u00e9", '","', "2,3\n"]),
    max_size=40,
)


@given(PIECES, st.integers(1, 30))
def test_records_and_their_lines_are_those_of_the_csv_module(pieces: list[str], piece: int) -> None:
    text = "".join(pieces)
    lines = io.StringIO(text, newline="").readlines()
    expected, line, found = [], 0, csv.reader(iter(lines), strict=True)
    while True:
        try:
            record = next(found)
        except (csv.Error, StopIteration) as end:
            if isinstance(end, StopIteration) or "unexpected end" in str(end):
                break
            record = [""]
        if record:
            expected.append((line + 2, record, "".join(lines[line : found.line_num])))
        line = found.line_num
    reader = open_text(b"a,b\n" + text.encode(), Dialect(), piece)
    rows = []
    with contextlib.suppress(Unusable):
        for block in reader.blocks():
            for index, record in enumerate(reader.records(block)):
                rows.append((int(block.lines[index]), record, block.text(index)))
    assert rows == expected
