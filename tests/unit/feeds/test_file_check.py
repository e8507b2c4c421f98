"""`tombola check`: a retailer's own machine says what the intake would say."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tombola import cli
from tombola.feeds.events import FileRef
from tombola.feeds.receipts import Receipt
from tombola.feeds.staging import read_rows
from tombola.local.file_check import check_file, retailer_of
from tombola.ports import Ports
from tombola.ports.objects import ObjectRef

Judge = Callable[..., Receipt]
Orders = Callable[..., str]
GOOD = [f"{order},{line},42,s1,2017-06-01T10:00:00,p1,1,2.50,0,0" for order in range(1, 10) for line in (1, 2)]
BAD = "10,1,42,s1,2017-06-01T10:00:00,p1,one,2.50,0,0"
MENDED = BAD.replace("one", "1")
WITHOUT = {"seconds", "started_at", "receipt", "object", "generation", "files", "rejected_file", "page", "signature"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    """Point the command line to a home folder that does not exist."""
    before = os.environ.get("TOMBOLA_HOME")
    os.environ["TOMBOLA_HOME"] = str(tmp_path / "no-home")
    yield tmp_path / "no-home"
    os.environ.pop("TOMBOLA_HOME")
    if before is not None:
        os.environ["TOMBOLA_HOME"] = before


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return a caller of `tombola check` on a text; it gives exit code, output and error output."""

    def call(content: str | bytes, *options: str, feed: str = "orders", name: str = "june.csv") -> tuple[int, str, str]:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(SystemExit) as ended:
            cli.main(["check", str(file), "--feed", feed, *options])
        return int(ended.value.code or 0), *capsys.readouterr()

    return call


Run = Callable[..., tuple[int, str, str]]


def test_an_accepted_and_a_partial_file_exit_with_0(run: Run, orders: Orders) -> None:
    assert run(orders(*GOOD))[0] == 0
    code, out, err = run(orders(*GOOD, BAD))
    assert (code, err) == (0, "")
    assert out.startswith("partial: The file was taken, except for rejected rows. Of 19 rows, 18 accepted, 1 rejected")
    assert "line 20: one" in out


@pytest.mark.parametrize("content", ["", "\x00" * 99, "order_id\n1\n", b"\x1f\x8b\x08cut off"])
def test_a_file_that_is_none_exits_with_1_and_has_a_receipt(run: Run, content: str | bytes) -> None:
    code, out, _ = run(content, "--json")
    assert code == 1
    assert Receipt.model_validate_json(out).verdict == "quarantined"


def test_a_file_of_too_many_bad_rows_exits_with_1(run: Run, orders: Orders) -> None:
    code, out, _ = run(orders(GOOD[0], BAD))
    assert code == 1
    assert out.startswith("quarantined: Nothing of the file was taken.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{}/none.csv", "--feed", "orders"], "No such file"),
        (["{}", "--feed", "orders"], "cannot read"),
        (["/dev/null", "--feed", "orders"], "it is no file"),
        (["{}/f.csv", "--feed", "prices"], "prices"),
        (["{}/f.csv"], "--feed"),
        (["{}/f.csv", "--feed", "orders", "--retailer", "nobody"], "nobody.yaml"),
        (["{}/f.csv", "--feed", "orders", "--retailer", "x", "--dialect", "y"], "either"),
        (["{}/f.csv", "--feed", "orders", "--dialect", "{}/no.yaml"], "No such file"),
        (["{}/f.csv", "--feed", "orders", "--dialect", "{}/f.csv"], "describes no dialect"),
        (["{}/f.csv", "--feed", "orders", "--dialect", "{}/bad.yaml"], "no YAML"),
        (["{}/f.csv", "--feed", "orders", "--dialect", "{}/odd.yaml"], "delimeter"),
        (["{}/f.csv", "--feed", "orders", "--currency", "dollars"], "currency"),
        (["{}/f.csv", "--feed", "orders", "--out", "{}/f.csv"], "cannot write"),
        (["{}/rejected.csv", "--feed", "orders", "--out", "{}"], "written over"),
    ],
)
def test_what_cannot_be_read_exits_with_2_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    for name, text in {"f.csv": "a\n", "bad.yaml": "{", "odd.yaml": "delimeter: x", "rejected.csv": "mine"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        cli.main(["check", *(one.format(tmp_path) for one in arguments)])
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert said in captured.err.replace("\n", " ")
    assert captured.out == ""
    assert (tmp_path / "rejected.csv").read_text(encoding="utf-8") == "mine"


def test_the_receipt_is_the_one_the_intake_gives(run: Run, orders: Orders, judge: Judge, tmp_path: Path) -> None:
    text = orders(*GOOD, BAD, GOOD[0], "11,1,42,s1,2017-06-01T10:00:00,,0,0,0,0")
    (tmp_path / "shop.yaml").write_text(
        "{retailer: corner-shop, name: S, country: US, currency: USD, feeds: {orders: {time_zone: America/New_York}}}",
        encoding="utf-8",
    )
    code, out, err = run(text, "--json", "--retailer", str(tmp_path / "shop.yaml"))
    here, there = json.loads(out), json.loads(judge(text).model_dump_json())
    there["warnings"] = [one for one in there["warnings"] if one["code"] != "unknown-product"]
    there["figures"]["unknown_products"] = 0.0
    assert {name: here[name] for name in here.keys() - WITHOUT} == {name: there[name] for name in here.keys() - WITHOUT}
    assert (code, err, here["files"], here["rejected_file"]) == (0, "", [], None)


def test_a_retailer_is_found_by_its_id_in_the_home_folder(run: Run, orders: Orders, home: Path) -> None:
    folder = home / "config" / "retailers"
    folder.mkdir(parents=True)
    shop = "{retailer: shop, name: S, country: US, currency: JPY, feeds: {orders: {delimiter: ';'}}}"
    (folder / "shop.yaml").write_text(shop, encoding="utf-8")
    code, out, _ = run(orders(*GOOD).replace(",", ";").replace("2.50", "250"), "--json", "--retailer", "shop")
    receipt = Receipt.model_validate_json(out)
    assert (code, receipt.retailer, receipt.accepted, receipt.dialect_stated) == (0, "shop", 18, ("delimiter",))
    assert run("product_id\n", "--retailer", "shop", feed="products")[0] == 2


@pytest.mark.parametrize("text", ["delimiter: ';'", "feeds: {orders: {delimiter: ';'}}"])
def test_a_dialect_can_be_given_alone(run: Run, orders: Orders, tmp_path: Path, text: str) -> None:
    (tmp_path / "dialect.yaml").write_text(text, encoding="utf-8")
    option = ("--dialect", str(tmp_path / "dialect.yaml"))
    assert run(orders(*GOOD).replace(",", ";"), *option)[0] == 0
    assert run("product_id\n", "--dialect", str(tmp_path / "dialect.yaml"), feed="products", name="p.csv")[0] in {0, 1}


def test_the_folder_holds_receipt_accepted_and_rejected_rows_and_nothing_of_the_check_before(
    run: Run, orders: Orders, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    text = orders(*GOOD, BAD)
    assert run(text, "--out", str(out), "--json")[1].strip() == (out / "receipt.json").read_text(encoding="utf-8")
    assert sorted(path.name for path in out.iterdir()) == [
        "accepted.parquet",
        "receipt.html",
        "receipt.json",
        "rejected.csv",
    ]
    assert (out / "rejected.csv").read_text(encoding="utf-8") == orders(BAD)
    assert pq.read_table(out / "accepted.parquet").num_rows == 18
    receipt = Receipt.model_validate_json((out / "receipt.json").read_bytes())
    assert [file.name for file in receipt.files] == ["accepted.parquet"]
    assert run(orders(BAD), "--out", str(out))[0] == 1
    assert sorted(path.name for path in out.iterdir()) == ["receipt.html", "receipt.json", "rejected.csv"]
    assert run(orders(*GOOD), "--out", str(out))[0] == 0
    assert sorted(path.name for path in out.iterdir()) == ["accepted.parquet", "receipt.html", "receipt.json"]


def test_nothing_is_written_without_a_folder(run: Run, orders: Orders, tmp_path: Path) -> None:
    run(orders(*GOOD, BAD))
    assert [path.name for path in tmp_path.iterdir()] == ["june.csv"]


def test_what_is_written_names_no_shopper(run: Run, orders: Orders, tmp_path: Path) -> None:
    run(orders(*GOOD), "--out", str(tmp_path / "out"))
    shoppers = set(pq.read_table(tmp_path / "out" / "accepted.parquet")["shopper"].to_pylist())
    assert len(shoppers) == 1
    assert shoppers != {"42"}


def test_progress_is_told_to_the_last_byte(tmp_path: Path, orders: Orders) -> None:
    (tmp_path / "june.csv").write_text(orders(*GOOD), encoding="utf-8")
    told: list[tuple[int, int, int]] = []
    sender = retailer_of("orders", None, None, "USD", tmp_path)
    check_file(tmp_path / "june.csv", "orders", sender, None, lambda *state: told.append(state))
    size = (tmp_path / "june.csv").stat().st_size
    assert told[-1][:2] == (size, size)


def rows(ports: Ports, *files: FileRef) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for file in files:
        with ports.objects.open(ObjectRef(file.bucket, file.name, file.generation)) as stream:
            found += read_rows(stream)
    return sorted(({name: value for name, value in row.items() if name != "source_line"} for row in found), key=str)


def test_mended_rejects_sent_alone_complete_the_file(ports: Ports, judge: Judge, orders: Orders) -> None:
    clean = judge(orders(*GOOD, MENDED), file="clean.csv")
    partial = judge(orders(*GOOD, BAD), file="partial.csv")
    assert partial.rejected_file is not None
    rejected = partial.rejected_file
    with ports.objects.open(ObjectRef(rejected.bucket, rejected.name, rejected.generation)) as stream:
        mended = judge(stream.read().replace(b"one", b"1"), file="mended.csv")
    assert (partial.verdict, mended.verdict) == ("partial", "accepted")
    assert rows(ports, *partial.files, *mended.files) == rows(ports, *clean.files)
