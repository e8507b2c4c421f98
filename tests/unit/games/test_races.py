"""Threads that want the same thing at once: limits hold, claims have no gap, one of play and cancel wins."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from tombola.errors import Gone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conftest import Game

R = TypeVar("R")


def at_once(works: Sequence[Callable[[], R]]) -> list[R]:
    """Start all at the same instant and return what each returns."""
    barrier = threading.Barrier(len(works))

    def start(work: Callable[[], R]) -> R:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(start, works))


def test_a_shoppers_limit_is_never_passed_by_racing_orders(game: Game) -> None:
    orders = [game.order(f"o-{number}") for number in range(8)]
    reasons = [issued.reason for issued in at_once([lambda o=order: game.issue(o) for order in orders])]
    assert sorted(reasons) == ["limit-reached"] * 5 + ["qualifies"] * 3
    assert game.books().problems == ()


def test_the_campaigns_limit_is_never_passed_by_racing_orders(launch: Callable[..., Game]) -> None:
    game = launch(limits={"per_shopper": None, "per_campaign": 5})
    orders = [game.order(f"o-{number}", shopper=f"s-{number}") for number in range(8)]
    reasons = [issued.reason for issued in at_once([lambda o=order: game.issue(o) for order in orders])]
    assert sorted(reasons) == ["qualifies"] * 5 + ["sold-out"] * 3
    assert game.books().problems == ()


def test_the_same_order_handled_eight_times_at_once_is_one_token(game: Game) -> None:
    order = game.order()
    issued = at_once([lambda: game.issue(order)] * 8)
    assert len({each.token_id for each in issued}) == 1
    assert game.books().tokens == 1


def test_claims_never_skip_or_repeat_under_racing_plays(launch: Callable[..., Game]) -> None:
    game = launch(limits={"per_shopper": None})
    game.ports.clock.set(datetime(2017, 6, 16, tzinfo=UTC))
    tokens = [game.earn(f"o-{number}", shopper=f"s-{number}") for number in range(12)]
    answers = at_once([lambda t=token: game.play(t) for token in tokens])
    assert all(answer.result == "won" for answer in answers)
    assert sorted(game.play_of(f"o-{number}").draw.moment for number in range(12)) == list(range(12))
    assert game.books().problems == ()


def test_a_token_played_twice_at_once_draws_once(game: Game) -> None:
    token = game.earn()
    answers = at_once([lambda: game.play(token)] * 6)
    assert len({answer.receipt for answer in answers}) == 1
    assert game.books().claims == 1


def test_of_play_and_cancel_exactly_one_comes_first(launch: Callable[..., Game]) -> None:
    game = launch(limits={"per_shopper": None})
    outcomes = set()
    for number in range(20):
        token, cancelled = game.earn(f"o-{number}"), game.order(f"o-{number}", cancelled=True)
        at_once([lambda t=token: _played(game, t), lambda o=cancelled: game.issue(o)])
        play = game.play_of(f"o-{number}")
        outcomes.add(play.state)
        assert (play.state, play.prize.state) in {("revoked", "none"), ("played", "void")}
    assert outcomes <= {"revoked", "played"}
    books = game.books()
    assert (books.accounts_balances["available"], books.problems) == (2_000_000, ())


def _played(game: Game, token: str) -> bool:
    try:
        game.play(token)
    except Gone:
        return False
    return True
