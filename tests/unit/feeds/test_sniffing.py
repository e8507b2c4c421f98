"""Proposing a dialect: every part with what shows it, and nothing that was only guessed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tombola import cli
from tombola.feeds.notations import decimal_marks
from tombola.feeds.sniffing import encoding_of, structure
from tombola.local.file_check import check_file, retailer_of
from tombola.retailers.model import Dialect

Sniff = Callable[..., tuple[int, str, str]]
HEADER = "ORDER_ID;LINE ID;STORE;ordered at;PRODUCT_ID;QUANTITY;VALUE;COUPON"


@pytest.fixture
def sniff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Sniff:
    """Return a caller of `tombola dialect sniff`; it gives exit code, output and error output."""

    def call(content: bytes, *options: str, name: str = "file") -> tuple[int, str, str]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SystemExit) as ended:
            cli.main(["dialect", "sniff", str(tmp_path / name), *options])
        return int(ended.value.code or 0), *capsys.readouterr()

    return call


def german(separator: str = ";") -> str:
    rows = [f"{n};{n};Süd;{n % 28 + 1:02}.06.2017 10:00:00;p{n};2;1.2{n:02},50;NULL" for n in range(50)]
    return "\n".join([HEADER, *rows, ""]).replace(";", separator)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16", "utf-16-be"])
def test_the_printed_yaml_is_a_dialect_by_which_the_file_is_accepted(
    sniff: Sniff, tmp_path: Path, encoding: str, separator: str
) -> None:
    code, out, err = sniff(german(separator).encode(encoding))
    assert (code, err) == (0, "")
    said = yaml.safe_load(out)
    dialect = Dialect.model_validate(said["feeds"]["orders"])
    assert (dialect.decimal_mark, dialect.thousands_mark, dialect.nulls) == (",", ".", ("", "NULL"))
    assert dialect.datetime_formats == ("%d.%m.%Y %H:%M:%S",)
    (tmp_path / "dialect.yaml").write_text(out, encoding="utf-8")
    sender = retailer_of("orders", None, tmp_path / "dialect.yaml", "EUR", tmp_path)
    receipt = check_file(tmp_path / "file", "orders", sender, None, lambda *_: None)
    assert (receipt.verdict, receipt.accepted, receipt.errors) == ("accepted", 50, ())


def test_every_finding_comes_with_what_shows_it(sniff: Sniff) -> None:
    _, out, _ = sniff(german().encode(), "--json")
    said = json.loads(out)
    assert said["feed"] == "orders"
    assert "1.200,50" in said["dialect"]["decimal_mark"]["evidence"]
    assert all(one["evidence"] for one in said["dialect"].values())
    assert "time_zone" not in said["dialect"]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("product_id,updated_at\np,03/04/2017\n", "does the day or the month come first in 03/04/2017?"),
        ("product_id,updated_at\np,last week\n", "how are times written? One is 'last week'"),
        ("1,Cola,2.5\n2,Fanta,3.5\n", "how are the columns called?"),
        ("quantity,name\n1,a\n", "which column, or constant, is order_id?"),
    ],
)
def test_what_nothing_shows_is_asked_and_not_guessed(sniff: Sniff, text: str, question: str) -> None:
    code, out, _ = sniff(text.encode(), *(["--feed", "orders"] if "order_id" in question else []))
    assert code == 1
    assert question in out
    (dialect,) = yaml.safe_load(out)["feeds"].values()
    assert "datetime_formats" not in Dialect.model_validate(dialect).model_fields_set


@pytest.mark.parametrize("content", [b"", b"\x1f\x8bcut", b"PAR1"])
def test_a_file_that_is_none_exits_with_1_and_a_code(sniff: Sniff, content: bytes) -> None:
    code, out, err = sniff(content)
    assert (code, out) == (1, "")
    assert err.split(":")[0] in {"empty-file", "packing-broken", "format-broken"}


def test_a_file_that_cannot_be_opened_exits_with_2(sniff: Sniff, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        sniff(b"", name="folder")
    with pytest.raises(SystemExit) as ended:
        cli.main(["dialect", "sniff", str(tmp_path / "none")])
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"plain", "utf-8"),
        ("Käse".encode(), "utf-8"),
        ("\ufeffa".encode(), "utf-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "utf-16-le"),
        ("1 €".encode("cp1252"), "cp1252"),
        ("1 €".encode("iso-8859-15"), "iso-8859-15"),
        ("Käse".encode("cp1252"), "cp1252"),
    ],
)
def test_an_encoding_is_told_by_its_bytes(data: bytes, encoding: str) -> None:
    assert encoding_of(data)[0] == encoding


@pytest.mark.parametrize(
    ("line", "names", "found"),
    [
        ("a;b,c;d", ["a", "d"], (";", '"')),
        ("'a','b'", ["a", "b"], (",", "'")),
        ("a b c", ["a"], (",", '"')),
        ("a|b", [], ("|", '"')),
        ('"a;b",c', ["c"], (",", '"')),
    ],
)
def test_delimiter_and_quote_are_told_by_the_header(line: str, names: list[str], found: tuple[str, str]) -> None:
    assert structure(line, names) == found


@pytest.mark.parametrize(
    ("cells", "marks"),
    [
        (["1", "2"], (".", "")),
        (["1,234"], (".", "")),
        (["1.234"], (".", "")),
        (["1,5"], (",", "")),
        (["1.234,5"], (",", ".")),
        (["1.234.567"], (",", ".")),
        (["1,234,567"], (".", ",")),
        (["1 234,50"], (",", " ")),
        (["1,5", "1.5"], (".", "")),
        (["1'234.50", "2.5"], (".", "'")),
    ],
)
def test_a_decimal_mark_is_told_only_beyond_doubt(cells: list[str], marks: tuple[str, str]) -> None:
    assert decimal_marks(cells)[:2] == marks


def test_numbers_and_times_are_read_off_columns_whose_meaning_only_the_sender_knows(sniff: Sniff) -> None:
    rows = [f"T{n};{n % 28 + 1:02}/03/2026 08:15;EAN{n};{n},50" for n in range(40)]
    code, out, _ = sniff("\n".join(["Ticket;Vendu le;Article;Net", *rows, ""]).encode(), "--feed", "orders")
    dialect = yaml.safe_load(out)["feeds"]["orders"]
    assert (dialect["decimal_mark"], dialect["datetime_formats"]) == (",", ["%d/%m/%Y %H:%M"])
    assert (code, "which column, or constant, is ordered_at?" in out) == (1, True)
