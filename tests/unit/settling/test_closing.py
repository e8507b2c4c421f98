"""Once nothing can be won any more the money is closed: what is left over expires, and nothing of it is won again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tombola.campaigns.usecases import end_campaign
from tombola.settling.closing import last_win_at
from tombola.settling.usecases import settle_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Cashier, Game


def test_what_nobody_won_expires_an_hour_after_the_last_play(cashier: Cashier) -> None:
    cashier.win()
    clock, last = cashier.game.ports.clock, cashier.game.launched.rules.last_play_at
    clock.set(last + timedelta(minutes=59))
    settle_version(cashier.game.ports, "june-wheel", 1)
    assert cashier.money() == {"available": 1_998_000, "reserved": 2000}
    clock.advance(timedelta(minutes=1))
    settle_version(cashier.game.ports, "june-wheel", 1)
    settle_version(cashier.game.ports, "june-wheel", 1)
    assert cashier.money() == {"expired": 1_998_000, "reserved": 2000}
    assert (cashier.game.books().closed, cashier.game.books().unclaimed) == (True, "stays with the sponsor")


def test_a_campaign_that_was_ended_closes_when_its_last_token_is_over(cashier: Cashier) -> None:
    token = cashier.game.earn()
    ended = end_campaign(cashier.game.ports, "june-wheel")
    assert last_win_at(ended) == cashier.game.ports.clock.now() + timedelta(days=14)
    cashier.wait(days=13)
    assert cashier.game.play(token).result == "won"
    cashier.wait(days=1, hours=1)
    assert cashier.money() == {"expired": 1_998_000, "reserved": 2000}


def test_prizes_are_paid_after_the_close_and_what_comes_back_expires(cashier: Cashier) -> None:
    tokens = {order: cashier.win(order) for order in ("o-1", "o-2", "o-3")}
    cashier.wait()
    for token in tokens.values():
        cashier.claim(token)
    cashier.tell("paid", "o-1")
    cashier.game.issue(cashier.game.order("o-1", cancelled=True))
    cashier.tell("netted", "o-1", payment_id="note", amount="20.00")
    cashier.game.issue(cashier.game.order("o-2", cancelled=True))
    assert cashier.money() == {"expired": 1_998_000, "payable": 2000}


@pytest.mark.parametrize("end", [False, True])
def test_a_fallback_that_was_set_aside_expires_too(end: bool, launch: Callable[..., Game]) -> None:  # noqa: FBT001
    prize = {"name": "note", "kind": "fixed", "amount": "20.00", "chance": "1/1000000"}
    game = launch(
        prizes=[prize],
        draw={"kind": "odds", "maximum_plays": 100},
        pool={"amount": "20.00"},
        when_empty={"fallback": {"kind": "fixed", "worth": "0.50"}},
    )
    if end:
        end_campaign(game.ports, "june-wheel")
    game.ports.clock.advance(timedelta(days=60))
    settle_version(game.ports, "june-wheel", 1)
    books = game.books()
    assert (books.accounts_balances["expired"], books.problems) == (2000 + 100 * 50, ())
