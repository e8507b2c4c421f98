"""From the end of a campaign to a checked export, on the command line."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tombola import cli_audit, cli_campaign
from tombola.adapters.embedded.objects import EmbeddedObjects
from tombola.cli_home import home_ports
from tombola.errors import Conflict, Unknown
from tombola.runtime import wiring

FILE = Path(__file__).parents[1] / "campaigns" / "files" / "wheel.yaml"
VERIFIER = Path(__file__).parents[3] / "tools" / "verify_draws.py"
SHOP = b"{retailer: corner-shop, name: Corner Shop, country: US, currency: USD, feeds: {}}"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with an ended campaign, whose last token can no longer be played."""
    folder = tmp_path / "home"
    EmbeddedObjects(folder).replace("config", "retailers/corner-shop.yaml", SHOP)
    monkeypatch.setenv("TOMBOLA_HOME", str(folder))
    monkeypatch.setenv("TOMBOLA_REPLAY_FROM", "2027-02-01T00:00:00Z")
    wiring.install(None)
    for arguments in (("commit", FILE), ("launch", "spring-wheel", "--witness", "w"), ("end", "spring-wheel")):
        assert campaign(*arguments).exit_code == 0
    at(monkeypatch, "2027-05-01T00:00:00Z")
    yield folder
    wiring.install(None)


def at(monkeypatch: pytest.MonkeyPatch, instant: str) -> None:
    monkeypatch.setenv("TOMBOLA_REPLAY_FROM", instant)
    wiring.install(None)


def campaign(*arguments: object) -> Result:
    return CliRunner().invoke(cli_campaign.app, [*map(str, arguments)], input="y\n")


def export(*arguments: object) -> Result:
    return CliRunner().invoke(cli_audit.app, ["export", *map(str, arguments)])


def verified(folder: Path) -> int:
    return subprocess.run([sys.executable, "-I", VERIFIER, folder], check=False, capture_output=True).returncode


@pytest.mark.usefixtures("home")
def test_a_campaign_is_revealed_exported_and_checked(tmp_path: Path) -> None:
    assert export("spring-wheel", "--out", tmp_path / "before").exit_code == 0
    assert verified(tmp_path / "before") == 3
    assert "audit/spring-wheel/v1/reveal.json" in campaign("reveal", "spring-wheel").stdout
    assert "revealed   2027-05-01T00:00:00+00:00" in campaign("show", "spring-wheel").stdout
    assert export("spring-wheel", "--out", tmp_path / "after").exit_code == 0
    assert verified(tmp_path / "after") == 0


@pytest.mark.usefixtures("home")
def test_an_export_goes_into_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    assert isinstance(export("spring-wheel", "--out", tmp_path / "full").exception, Conflict)
    assert isinstance(export("nobodys", "--out", tmp_path / "new").exception, Unknown)
    assert isinstance(export("spring-wheel", "--version", 2, "--out", tmp_path / "new").exception, Unknown)
    assert not (tmp_path / "new").exists()


def test_keys_that_are_late_are_said_to_be_on_the_command_line_and_the_console(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    from tombola.local.console_state import campaigns  # noqa: PLC0415 (heavy)

    assert "FAILED" not in campaign("show", "spring-wheel").stdout
    at(monkeypatch, "2028-01-01T00:00:00Z")
    assert "audit      FAILED: the keys were to be revealed by 2027-05-31" in campaign("show", "spring-wheel").stdout
    (shown,) = campaigns(home_ports(home))
    assert "they are not" in str(shown["audit"])
    campaign("reveal", "spring-wheel")
    assert "they were at 2028-01-01" in campaign("show", "spring-wheel").stdout
