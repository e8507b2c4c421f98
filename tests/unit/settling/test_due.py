"""What is due is found by an index, and nothing that is due is missed."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tombola.errors import Gone
from tombola.games.plays import Play, shards_of
from tombola.ports.documents import Where
from tombola.settling.due import step_due
from tombola.settling.usecases import settle_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from .conftest import Game

V1 = "june-wheel/v1"


def all_plays(game: Game) -> list[Play]:
    found = game.ports.documents.query("plays", [Where("campaign", "==", V1)])
    return [Play.model_validate(each.fields) for each in found]


def indexed(game: Game, until: datetime) -> set[str]:
    """Return the tokens that the index says are due."""
    shards = [[Where("shard", "==", shard), Where("due_at", "<=", until)] for shard in shards_of(V1)]
    return {str(each.fields["token_id"]) for where in shards for each in game.ports.documents.query("plays", where)}


def must_change(play: Play, now: datetime) -> bool:
    """Tell whether time changes a play, from its states alone."""
    waits = play.prize.state == "reserved" and play.authoritative and now >= play.matures_at
    given_up = play.prize.state == "matured" and play.prize.claim_by is not None and now >= play.prize.claim_by
    return (play.state == "open" and now >= play.expires_at) or waits or given_up


def happens(game: Game, dice: random.Random) -> None:
    order_id = f"o-{dice.randrange(9)}"
    match dice.choice(["order", "promise", "return", "cancel", "play", "play", "settle"]):
        case "order":
            game.issue(game.order(order_id))
        case "promise":
            game.issue(game.order(order_id, authoritative=False))
        case "return":
            game.issue(game.order(order_id, returned=(1, dice.randrange(2001))))
        case "cancel":
            game.issue(game.order(order_id, cancelled=True))
        case "settle":
            settle_version(game.ports, "june-wheel", 1)
        case "play":
            plays = all_plays(game)
            if plays:
                try:
                    game.play(game.text(dice.choice(plays).token_id))
                except Gone as gone:
                    assert gone.code in {"expired-token", "revoked-token"}  # noqa: PT017 (both are answers)


@pytest.mark.parametrize("seed", range(6))
def test_the_index_holds_exactly_what_is_due_whatever_the_order_of_changes(
    seed: int, launch: Callable[..., Game]
) -> None:
    game = launch(limits={"per_shopper": None}, claim_within_days=10)
    dice = random.Random(seed)  # noqa: S311 (a reproducible sequence, no secret)
    for _ in range(40):
        happens(game, dice)
        game.ports.clock.advance(timedelta(hours=dice.randrange(60)))
        now = game.ports.clock.now()
        assert indexed(game, now) == {play.token_id for play in all_plays(game) if must_change(play, now)}
    for _ in range(3):
        settle_version(game.ports, "june-wheel", 1)
    assert indexed(game, game.ports.clock.now()) == set()
    assert game.books().problems == ()


def test_what_is_not_due_yet_is_not_read(game: Game) -> None:
    game.earn("o-1")
    game.play(game.earn("o-2"))
    game.ports.clock.advance(timedelta(days=13))
    assert indexed(game, game.ports.clock.now()) == set()
    assert settle_version(game.ports, "june-wheel", 1) == 0


def test_a_prize_that_nobody_claims_in_time_goes_back_to_the_pool(launch: Callable[..., Game]) -> None:
    game = launch(claim_within_days=10)
    game.play(game.earn())
    game.ports.clock.advance(timedelta(days=30))
    assert settle_version(game.ports, "june-wheel", 1) == 1
    game.ports.clock.advance(timedelta(days=9))
    assert settle_version(game.ports, "june-wheel", 1) == 0
    game.ports.clock.advance(timedelta(days=1))
    assert settle_version(game.ports, "june-wheel", 1) == 1
    prize = game.play_of().prize
    assert (prize.state, prize.released_minor, game.books().problems) == ("void", 2000, ())


def test_where_the_rules_state_no_time_a_prize_waits_for_ever(game: Game) -> None:
    game.play(game.earn())
    game.ports.clock.advance(timedelta(days=30))
    settle_version(game.ports, "june-wheel", 1)
    assert game.play_of().due_at is None
    assert step_due(game.play_of(), None, game.ports.clock.now() + timedelta(days=9000)) is None
