import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tombola.adapters.embedded.objects import EmbeddedObjects
from tombola.cli_campaign import app
from tombola.errors import Conflict, Malformed, Unknown
from tombola.runtime import wiring
from tombola.yaml_text import read

FILE = Path(__file__).parent / "files" / "wheel.yaml"
SHOP = b"{retailer: corner-shop, name: Corner Shop, country: US, currency: USD, feeds: {}}"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, named by the environment as for any process; afterwards nobody remembers it."""
    folder = tmp_path / "home"
    EmbeddedObjects(folder).replace("config", "retailers/corner-shop.yaml", SHOP)
    monkeypatch.setenv("TOMBOLA_HOME", str(folder))
    wiring.install(None)
    yield folder
    wiring.install(None)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def fault(result: Result) -> BaseException | None:
    return result.exception


def test_a_good_file_is_summed_up_with_its_worst_case(home: Path) -> None:
    result = run("check", FILE, "--home", home)
    assert result.exit_code == 0
    assert re.search(r"winning moments: 40 x 50.00 \(basket\) +2,000.00", result.stdout)
    assert re.search(r"all of it +2,000.00", result.stdout)
    assert "of 0 baskets none would have earned a token" in result.stderr
    warning = "warning: line 33, column 15: eligibility.countries #1: for US, ask counsel about entry without purchase"
    assert warning in result.stderr
    assert "found" not in result.stderr


@pytest.mark.usefixtures("home")
def test_every_fault_is_printed_with_its_place_and_the_exit_code_is_1(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    text = FILE.read_text(encoding="utf-8").replace("moments: 40", "moments: 0").replace("game: wheel", "game: whale")
    bad.write_text(text, encoding="utf-8")
    for command in ("check", "commit"):
        result = run(command, bad)
        assert result.exit_code == 1
        assert [line.split(": found")[0] for line in result.stdout.splitlines()] == [
            "line 25, column 1: game",
            "line 26, column 59: prizes #1.moments",
        ]


@pytest.mark.usefixtures("home")
def test_a_launch_inside_the_window_warns_of_moments_that_nobody_could_win(tmp_path: Path) -> None:
    late, text = tmp_path / "late.yaml", FILE.read_text(encoding="utf-8")
    closing = text.replace("closes: 2027-04-01", "closes: 2150-01-01").replace("reveal_by: 2027", "reveal_by: 2151")
    late.write_text(closing.replace("opens: 2027-03-01", "opens: 1990-01-01"), encoding="utf-8")
    run("commit", late)
    warned = run("launch", "spring-wheel", "--witness", "w").stderr
    assert " of 40 moments are past already; the first plays win them" in warned


@pytest.mark.usefixtures("home")
def test_a_campaign_lives_its_life_on_the_command_line() -> None:
    committed = run("commit", FILE)
    assert "spring-wheel version 1: committed" in committed.stdout
    assert run("commit", FILE).stdout == committed.stdout
    assert "spring-wheel version 1 is launched" in run("launch", "spring-wheel", "--witness", "Bailiff 4711").stdout
    assert "spring-wheel version 1 is ended since" in run("end", "spring-wheel").stdout
    shown = run("show", "spring-wheel").stdout
    assert "spring-wheel version 1: ended" in shown
    assert "witness    Bailiff 4711" in shown
    assert "title      Spring wheel" in shown
    assert "window     2027-03-01 00:00 to 2027-04-01 00:00, America/New_York" in shown
    assert "tokens     0, of which 0 played and 0 won" in shown
    assert "left       2000.00 USD can still be won" in shown
    assert "prize 1    basket: what the basket cost, up to 50.00 USD; 40 moments" in shown
    assert "worst case 2,000.00 USD, with 2,000.00 USD in the pool" in shown


GAME = {
    "prizes": [
        {"name": "note", "kind": "fixed", "amount": "5.00", "chance": "1/10"},
        {"name": "voucher", "kind": "coupon", "face_value": "1.00", "chance": "1/5", "stock": 100},
        {"name": "bike", "kind": "physical", "title": "a bike", "value": "900.00", "stock": 2, "chance": "1/2000"},
    ],
    "draw": {"kind": "odds", "maximum_plays": 1000},
    "when_empty": {"fallback": {"kind": "fixed", "worth": "0.20"}},
    "pool": {"amount": "300.00", "currency": "USD", "unrecovered_returns": "20.00"},
    "further_tiers": [{"all": [{"minimum_spend": "30.00"}]}],
    "first_order": True,
    "free_entry": {"amount": "5.00", "how": "by post"},
    "audience": {"consent": "profile", "segments": [{"lists": ["vip"]}]},
}


@pytest.mark.usefixtures("home")
def test_a_game_by_odds_is_told_with_every_part_of_its_worst_case_and_its_payout(tmp_path: Path) -> None:
    game, values = tmp_path / "game.json", tmp_path / "values"
    game.write_text(json.dumps({**read(FILE.read_bytes()).value, **GAME}), encoding="utf-8")
    values.write_text("10.00\n" * 300, encoding="utf-8")
    result = run("check", game, "--basket-values", values)
    assert "warning: audience.segments: nobody is on the list vip of corner-shop" in result.stderr
    told = result.stdout
    for part in (
        r"the pool, by odds +300.00", r"things in stock +1,800.00", r"coupons at face value +100.00",
        r"fallback of open tokens +200.00", r"returns that are not got back +20.00", r"all of it +2,420.00",
        r"set aside at the launch +500.00",
        r"prize 3 +bike: a bike worth 900.00 USD; chance 1/2000; 2 in stock", r"earns +up to 2 tokens a basket, of",
        r"audience +one segment, who agreed to profile", r"if empty +0.20 USD for a win that cannot be paid",
        r"these baskets +300 ", r"2 times as many +600 ", r"5 times as many +1,000 ", r"from 300 basket values",
    ):  # fmt: skip
        assert re.search(part, told), (part, told)
    run("commit", game)
    assert "draw       odds, at most 1,000 plays" in run("show", "spring-wheel").stdout


@pytest.mark.usefixtures("home")
def test_values_that_are_no_amounts_are_named_line_by_line(tmp_path: Path) -> None:
    values = tmp_path / "values"
    values.write_text("10.00\nmuch\n", encoding="utf-8")
    refused = fault(run("check", FILE, "--basket-values", values))
    assert isinstance(refused, Malformed)
    assert [problem.where for problem in refused.problems] == ["line 2"]


@pytest.mark.usefixtures("home")
def test_a_running_campaign_for_the_same_baskets_is_named_with_its_dates(tmp_path: Path) -> None:
    run("commit", FILE)
    run("launch", "spring-wheel", "--witness", "w", "--yes")
    other = tmp_path / "other.yaml"
    text = FILE.read_text(encoding="utf-8").replace("campaign: spring-wheel", "campaign: yogurt-week")
    other.write_text(text.replace("opens: 2027-03-01", "opens: 2027-03-20"), encoding="utf-8")
    told = run("check", other).stdout
    assert "overlaps   spring-wheel, 2027-03-20 to 2027-04-01, at corner-shop (store, web, app); both mean" in told
    assert "both mean brands: National; categories: YOGURT" in told
    assert "one basket could earn 2 tokens at most" in told
    assert "overlaps" not in run("check", FILE).stdout


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("now", "said"),
    [("2027-03-01T04:59:59Z", "not open yet"), ("2027-03-01T05:00:00Z", "open"), ("2027-04-01T04:00:00Z", "over")],
)
def test_a_launched_campaign_is_open_or_over_as_the_clock_says(
    monkeypatch: pytest.MonkeyPatch, now: str, said: str
) -> None:
    monkeypatch.setenv("TOMBOLA_REPLAY_FROM", now)
    run("commit", FILE)
    run("launch", "spring-wheel", "--witness", "w")
    assert f"now        {said}\n" in run("show", "spring-wheel").stdout
    run("end", "spring-wheel")
    assert "now        ended\n" in run("show", "spring-wheel").stdout


@pytest.mark.usefixtures("home")
def test_no_key_is_ever_printed(home: Path) -> None:
    shown = run("commit", FILE).stdout + run("show", "spring-wheel").stdout
    for file in (home / "keys").rglob("*"):
        if file.is_file():
            assert file.read_bytes().hex() not in shown


@pytest.mark.usefixtures("home")
def test_what_cannot_be_done_is_a_fault(tmp_path: Path) -> None:
    assert isinstance(fault(run("launch", "nowhere", "--witness", "w")), Unknown)
    assert isinstance(fault(run("check", tmp_path / "absent.yaml")), Unknown)
    assert isinstance(fault(run("check", tmp_path)), Unknown)
    run("commit", FILE)
    assert isinstance(fault(run("end", "spring-wheel")), Conflict)


def test_a_file_is_checked_without_a_home_as_far_as_that_goes(home: Path, tmp_path: Path) -> None:
    shutil.rmtree(home)
    result = run("check", FILE)
    assert result.exit_code == 0
    assert "warning: line 4, column 1: retailers: " in result.stderr
    assert re.search(r"all of it +2,000.00", result.stdout)
    assert "payout not estimated: there is no home folder" in result.stderr
    bad = tmp_path / "bad.yaml"
    bad.write_text(FILE.read_text(encoding="utf-8").replace("moments: 40", "moments: 0"), encoding="utf-8")
    assert run("check", bad).exit_code == 1
    assert isinstance(fault(run("check", FILE, "--home", home)), Unknown)
    assert not home.exists()


def test_without_a_home_nothing_is_made(home: Path) -> None:
    shutil.rmtree(home)
    assert isinstance(fault(run("show", "spring-wheel")), Unknown)
    assert not home.exists()


@pytest.mark.usefixtures("home")
def test_a_file_of_10_mb_is_refused_without_being_read(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_bytes(b"a" * 10_000_000)
    result = run("check", large)
    assert result.exit_code == 1
    assert "expected a file of at most 262144 bytes" in result.stdout
