"""Games with odds, several prizes, stocks, coupons and pools that run out, played through the real documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tombola.draws.odds import number, prize_of, thresholds
from tombola.errors import Gone
from tombola.games.derivation import coupon_code
from tombola.games.opening import balance_count
from tombola.ports.documents import DocumentKey, Replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Game

SEED_KEY = "campaign-june-wheel-v1-seed"
ODDS = {"kind": "odds", "maximum_plays": 5000}
COUPON = {"fallback": {"kind": "coupon", "worth": "1.00", "title": "a sip"}}
EVEN: list[dict[str, Any]] = [
    {"name": "basket", "kind": "basket_value", "cap": "50.00", "chance": "1/4"},
    {"name": "sip", "kind": "coupon", "face_value": "1.50", "chance": "1/4"},
]


def odds(launch: Callable[..., Game], prizes: list[dict[str, Any]], **changed: Any) -> Game:  # noqa: ANN401
    more = {"limits": {"per_shopper": None}, "when_empty": COUPON, **changed}
    return launch(prizes=prizes, draw=ODDS, **more)


def seed_of(game: Game) -> bytes:
    return game.ports.keys.get(SEED_KEY, 1).material


def test_every_token_wins_what_its_number_says(launch: Callable[..., Game]) -> None:
    game, kinds = odds(launch, EVEN), set()
    for order in range(24):
        answer = game.play(game.earn(f"o-{order}"))
        play = game.play_of(f"o-{order}")
        drawn = number(seed_of(game), game.launched.rules_hash, game.launched.witness, play.token_id)
        index = prize_of(drawn, thresholds(game.launched.rules.prizes))
        assert play.draw.number == f"{drawn:016x}"
        assert play.draw.prize == ("" if index is None else EVEN[index]["name"])
        assert (answer.prize.name if answer.prize else "") == play.draw.prize
        kinds.add(play.draw.prize)
    assert kinds == {"", "basket", "sip"}
    assert game.books().problems == ()


def test_a_coupons_code_follows_from_the_seed_and_is_the_same_however_often_it_is_asked(
    launch: Callable[..., Game],
) -> None:
    game = odds(launch, [{"name": "sip", "kind": "coupon", "face_value": "1.50", "chance": "1"}])
    token = game.earn()
    first, again = game.play(token), game.play(token)
    code = coupon_code(seed_of(game), game.launched.rules_hash, game.play_of().token_id)
    assert (first.prize.code, first.prize.amount, first.prize.kind) == (code, "1.50", "coupon")
    assert (again.prize, again.receipt) == (first.prize, first.receipt)
    assert len(code) == 12


def test_a_pool_that_runs_out_stops_the_issuing_and_open_tokens_play_for_the_fallback(
    launch: Callable[..., Game],
) -> None:
    prize = {"name": "note", "kind": "fixed", "amount": "20.00", "chance": "1"}
    game = odds(launch, [prize], pool={"amount": "50.00"})
    tokens = [game.earn(f"o-{order}") for order in range(4)]
    answers = [game.play(token) for token in tokens]
    assert [answer.prize.name for answer in answers] == ["note", "note", "fallback", "fallback"]
    assert [answer.prize.kind for answer in answers] == ["money", "money", "coupon", "coupon"]
    assert game.issue(game.order("o-9")).reason == "campaign-ended"
    books = game.books()
    assert (books.accounts_balances["available"], books.problems) == (1000, ())


def test_a_fallback_in_money_was_set_aside_at_the_launch_for_every_token_there_can_be(
    launch: Callable[..., Game],
) -> None:
    prize = {"name": "note", "kind": "fixed", "amount": "20.00", "chance": "1"}
    game = odds(launch, [prize], pool={"amount": "20.00"}, when_empty={"fallback": {"kind": "fixed", "worth": "0.50"}})
    answers = [game.play(game.earn(f"o-{order}")) for order in range(1)]
    rest = [game.earn(f"p-{order}") for order in range(2)]
    answers += [game.play(token) for token in rest]
    assert [answer.prize.amount for answer in answers] == ["20.00", "0.50", "0.50"]
    books = game.books()
    assert (books.accounts_balances["funded"], books.problems) == (-(2000 + 5000 * 50), ())


def test_the_last_thing_of_a_stock_goes_to_one(launch: Callable[..., Game]) -> None:
    game = odds(launch, [{"name": "mug", "kind": "physical", "value": "9.00", "stock": 1, "chance": "1"}])
    tokens = [game.earn(f"o-{order}") for order in range(2)]
    answers = [game.play(token) for token in tokens]
    assert [(answer.prize.name, answer.prize.kind) for answer in answers] == [
        ("mug", "physical"),
        ("fallback", "coupon"),
    ]
    assert [game.play_of(f"o-{order}").draw.stock_left for order in range(2)] == [0, 0]


def test_moments_are_shared_out_among_the_prizes(launch: Callable[..., Game]) -> None:
    game = launch(
        prizes=[
            {"name": "note", "kind": "fixed", "amount": "20.00", "moments": 200},
            {"name": "mug", "kind": "physical", "value": "9.00", "stock": 200, "moments": 200},
        ],
        limits={"per_shopper": None},
    )
    names = {game.play(game.earn(f"o-{order}")).prize.name for order in range(16)}
    assert names == {"note", "mug"}
    assert game.books().problems == ()


def test_a_fixed_prize_stays_whole_while_the_order_qualifies_and_falls_with_it(launch: Callable[..., Game]) -> None:
    game = odds(launch, [{"name": "note", "kind": "fixed", "amount": "20.00", "chance": "1"}])
    game.play(game.earn())
    game.issue(game.order(returned=(1, 1900)))
    assert game.play_of().prize.held("reserved") == 2000
    game.issue(game.order(cancelled=True))
    assert (game.play_of().prize.state, game.play_of().prize.released_minor) == ("void", 2000)


def test_a_loss_touches_no_balance(launch: Callable[..., Game]) -> None:
    game = odds(launch, [{"name": "note", "kind": "fixed", "amount": "20.00", "chance": "1/1000000000"}])
    key = DocumentKey("balances", ("june-wheel", "1", "0"))
    (before,) = game.ports.documents.get([key])
    assert game.play(game.earn()).result == "lost"
    (after,) = game.ports.documents.get([key])
    assert after == before


def test_a_closed_balance_gives_nothing_more(launch: Callable[..., Game]) -> None:
    game = odds(launch, [{"name": "note", "kind": "fixed", "amount": "20.00", "chance": "1"}])
    token = game.earn()
    (found,) = game.ports.documents.get([DocumentKey("balances", ("june-wheel", "1", "0"))])
    game.ports.documents.commit([Replace(found.key, {**found.fields, "status": "closed"}, found.version)])
    with pytest.raises(Gone) as refused:
        game.play(token)
    assert refused.value.code == "campaign-ended"


def test_many_wins_a_second_are_paid_from_several_documents(launch: Callable[..., Game]) -> None:
    day = {"opens": "2017-06-15T00:00:00", "closes": "2017-06-15T14:00:00"}
    prizes = [{"name": "note", "kind": "fixed", "amount": "1.00", "moments": 100_000}]
    game = launch(prizes=prizes, window=day, limits={"per_shopper": None}, pool={"amount": "100000.00"})
    assert balance_count(game.launched.rules) == 2
    for order in range(12):
        game.play(game.earn(f"o-{order}"))
    used = {name for order in range(12) for name in game.play_of(f"o-{order}").prize.portions}
    assert used == {"0", "1"}
    assert game.books().problems == ()
