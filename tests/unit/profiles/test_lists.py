from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tombola.cli_list import app
from tombola.errors import Malformed, Unknown
from tombola.ports import Ports
from tombola.ports.documents import Create, DocumentKey
from tombola.privacy.pseudonyms import pseudonym
from tombola.profiles.usecases import has_list, lists_of, load_list
from tombola.runtime import wiring

SHOP = "corner-shop"


def test_a_list_is_exactly_what_was_loaded_last(ports: Ports) -> None:
    assert load_list(ports, SHOP, "vip", ["a", "b"]) == (2, 0)
    assert load_list(ports, SHOP, "vip", ["b", "c"]) == (1, 1)
    assert load_list(ports, SHOP, "vip", ["b", "c"]) == (0, 0)
    on = {one: lists_of(ports, SHOP, one, ["vip", "staff"]) for one in "abc"}
    assert on == {"a": frozenset(), "b": {"vip"}, "c": {"vip"}}
    assert lists_of(ports, "elsewhere", "b", ["vip"]) == frozenset()
    assert (has_list(ports, SHOP, "vip"), has_list(ports, SHOP, "staff")) == (True, False)


def test_more_members_than_one_commit_holds_are_loaded_and_emptied(ports: Ports) -> None:
    many = [f"s-{n}" for n in range(450)]
    assert load_list(ports, SHOP, "vip", many) == (450, 0)
    assert load_list(ports, SHOP, "vip", []) == (0, 450)
    assert not has_list(ports, SHOP, "vip")


def test_who_was_erased_is_not_written_down_again(ports: Ports) -> None:
    ports.documents.commit([Create(DocumentKey("profiles", (SHOP, "gone")), {"status": "erased", "revision": 1})])
    assert load_list(ports, SHOP, "vip", ["gone", "here"]) == (1, 0)
    assert lists_of(ports, SHOP, "gone", ["vip"]) == frozenset()


@pytest.fixture
def home(ports: Ports) -> Iterator[Ports]:
    """The command line over the test's own ports."""
    wiring.install(ports)
    yield ports
    wiring.install(None)


def run(home_folder: Path, *arguments: object) -> Result:
    given = ["load", *map(str, arguments), "--retailer", SHOP, "--home", str(home_folder / "home")]
    return CliRunner().invoke(app, given)


def test_a_file_of_shopper_ids_becomes_a_list_of_pseudonyms(home: Ports, tmp_path: Path) -> None:
    file = tmp_path / "vip.txt"
    file.write_text("\ufeff1042\n 77 \n\n1042\n", encoding="utf-8")
    told = run(tmp_path, "vip", file)
    assert told.stdout == "vip of corner-shop: 2 shoppers in the file; 2 added, 0 removed\n", told
    key = home.keys.get("pseudonym-corner-shop").material
    assert [lists_of(home, SHOP, pseudonym(key, SHOP, one), ["vip"]) for one in ("1042", "77")] == [{"vip"}] * 2
    members = home.documents.query("list_members", [])
    assert not any("1042" in str(each.fields) + str(each.key) for each in members)


@pytest.mark.usefixtures("home")
def test_what_is_no_list_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "vip.txt"
    file.write_text("1\n" + "x" * 201, encoding="utf-8")
    long = run(tmp_path, "vip", file).exception
    assert isinstance(long, Malformed)
    assert [problem.where for problem in long.problems] == ["line 2"]
    file.write_bytes(b"\xff")
    assert isinstance(run(tmp_path, "vip", file).exception, Malformed)
    file.write_text("1", encoding="utf-8")
    assert isinstance(run(tmp_path, "No List", file).exception, Malformed)
    assert isinstance(run(tmp_path, "vip", tmp_path / "absent").exception, Unknown)
