"""At the command line: where one prize stands, and giving up what it owes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tombola import cli
from tombola.runtime import wiring

from .conftest import Cashier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .conftest import Game


@pytest.fixture
def owing(launch: Callable[..., Game]) -> Iterator[Cashier]:
    """Pay 20.00 for an order that comes back for 5.00."""
    pool = {"amount": "20000.00", "currency": "USD", "unrecovered_returns": "4.99"}
    cashier = Cashier(launch(pool=pool))
    token = cashier.win()
    cashier.wait()
    cashier.claim(token)
    cashier.tell("paid")
    cashier.game.issue(cashier.game.order(returned=(1, 500)))
    before = os.environ.get("TOMBOLA_HOME")
    wiring.install(cashier.game.ports)
    yield cashier
    wiring.install(None)
    os.environ.pop("TOMBOLA_HOME", None)
    if before is not None:
        os.environ["TOMBOLA_HOME"] = before


def run(home: Path, *arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["prize", *arguments, "--home", str(home)])
    return int(ended.value.code or 0)


def test_a_prize_is_shown_with_its_claim_and_where_its_money_is(
    owing: Cashier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "home", "show", owing.game.play_of().token_id) == 0
    said = capsys.readouterr().out
    assert "june-wheel/v1: played; money prize basket, paid" in said
    assert "from US, age confirmed: seen at the till" in said
    rows = {line.split()[0]: line.split()[1] for line in said.splitlines()[2:]}
    assert (rows["granted"], rows["paid"], rows["recoverable"]) == ("20.00", "15.00", "5.00")


def test_more_than_the_rules_bound_is_not_given_up(
    owing: Cashier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = owing.game.play_of().token_id
    assert run(tmp_path / "home", "write-off", token, "--reason", "gone") == 2
    assert "found 5.00; expected at most 4.99" in capsys.readouterr().err
    owing.tell("netted", payment_id="note", amount="0.01")
    assert run(tmp_path / "home", "write-off", token, "--reason", "gone") == 0
    assert "4.99 USD written off" in capsys.readouterr().out
    assert owing.money()["written_off"] == 499


def test_a_token_nobody_knows_is_one_clear_line(
    owing: Cashier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert owing.game.books().tokens == 1
    assert run(tmp_path / "home", "show", "0" * 64) == 2
    assert "no play here belongs to this token" in capsys.readouterr().err
