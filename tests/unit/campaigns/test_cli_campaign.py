import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tombola.adapters.embedded.objects import EmbeddedObjects
from tombola.cli_campaign import app
from tombola.errors import Conflict, Unknown
from tombola.runtime import wiring

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
    assert "worst case 2000.00 of 2000.00 USD" in result.stdout
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
    assert "window     2027-03-01T05:00:00+00:00 to 2027-04-01T04:00:00+00:00" in shown
    assert "tokens     0, of which 0 played and 0 won" in shown
    assert "left       2000.00 USD can still be won" in shown


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
    assert "worst case 2000.00 of 2000.00 USD" in result.stdout
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
