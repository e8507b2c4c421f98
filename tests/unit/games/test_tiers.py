"""A basket that meets further tiers earns one more token each, and loses each by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tombola.games.usecases import issue_tokens
from tombola.ports.documents import Replace, Where

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Game
    from tombola.games.answers import Issued
    from tombola.orders.facts import Order

THREE = [{"all": [{"minimum_quantity": 4}]}, {"all": [{"minimum_quantity": 6}]}]


def issue(game: Game, order: Order) -> list[Issued]:
    return issue_tokens(game.ports, order, lane="live")


def states(issued: list[Issued]) -> list[tuple[int, str | None, str]]:
    return [(each.tier, each.state, each.reason) for each in issued]


def test_every_tier_that_is_met_earns_a_token_and_the_next_says_what_it_asks(launch: Callable[..., Game]) -> None:
    game = launch(further_tiers=THREE)
    issued = issue(game, game.order(quantity=5))
    assert states(issued) == [(1, "open", "qualifies"), (2, "open", "qualifies"), (3, None, "criteria-not-met")]
    assert "5 of 6" in issued[2].summary
    assert len({each.token_id for each in issued}) == 3
    assert game.books().problems == ()


def test_a_basket_that_meets_nothing_is_told_of_the_first_tier_only(launch: Callable[..., Game]) -> None:
    game = launch(further_tiers=THREE)
    assert states(issue(game, game.order(quantity=1))) == [(1, None, "criteria-not-met")]


def test_revisions_add_revoke_and_revive_tiers_each_by_itself(launch: Callable[..., Game]) -> None:
    game = launch(further_tiers=THREE)
    first = issue(game, game.order(quantity=3))
    more = issue(game, game.order(quantity=6))
    assert [each.state for each in more] == ["open"] * 3
    fewer = issue(game, game.order(quantity=4))
    assert states(fewer)[2] == (3, "revoked", "criteria-not-met")
    assert [each.state for each in issue(game, game.order(quantity=4, cancelled=True))] == ["revoked"] * 3
    again = issue(game, game.order(quantity=6))
    assert [(each.token_id, each.state) for each in again] == [(each.token_id, "open") for each in more]
    assert first[0].token_id == again[0].token_id
    assert game.books().problems == ()


def test_a_tier_that_is_met_only_while_the_first_is_not_earns_nothing(launch: Callable[..., Game]) -> None:
    game = launch(criteria={"all": [{"maximum_quantity": 3}]}, further_tiers=[{"all": [{"minimum_quantity": 4}]}])
    assert states(issue(game, game.order(quantity=5))) == [(1, None, "criteria-not-met")]


def test_limits_count_tokens_and_not_orders(launch: Callable[..., Game]) -> None:
    game = launch(further_tiers=THREE, limits={"per_shopper": 2})
    issued = issue(game, game.order(quantity=6))
    assert [each.reason for each in issued] == ["qualifies", "qualifies", "limit-reached"]
    assert issue(game, game.order("o-2", quantity=6))[0].reason == "limit-reached"
    assert game.books().problems == ()


def test_the_last_places_of_a_campaign_go_to_the_first_tiers(launch: Callable[..., Game]) -> None:
    game = launch(further_tiers=THREE, limits={"per_shopper": None, "per_campaign": 2})
    issued = issue(game, game.order(quantity=6))
    assert [each.reason for each in issued] == ["qualifies", "qualifies", "sold-out"]


def test_tiers_that_need_places_of_several_slots_find_them(launch: Callable[..., Game]) -> None:
    """5 slots with 1,000 places each, all but one of them taken in every slot."""
    game = launch(further_tiers=THREE, limits={"per_shopper": None, "per_campaign": 5000})
    found = list(game.ports.documents.query("slots", [Where("campaign", "==", "june-wheel/v1")]))
    writes = [Replace(each.key, {**each.fields, "used": 999}, each.version) for each in found]
    game.ports.documents.commit(writes)
    issued = issue(game, game.order(quantity=6))
    assert [each.state for each in issued] == ["open"] * 3
    assert len({game.entry(tier=tier).slots for tier in (1, 2, 3)}) == 3


def test_played_tiers_fall_with_what_is_left_of_the_order_in_one_commit(launch: Callable[..., Game]) -> None:
    game = launch(further_tiers=THREE)
    tokens = [str(each.token_id) for each in issue(game, game.order(quantity=6))]
    answers = [game.play(game.text(token)) for token in tokens]
    assert [answer.result for answer in answers] == ["won"] * 3
    issue(game, game.order(quantity=6, returned=(2, 500)))
    plays = [game.look(token) for token in tokens]
    assert [play.prize.held("reserved") for play in plays] == [1500, 1500, 0]
    assert [play.prize.state for play in plays] == ["reserved", "reserved", "void"]
    assert game.books().problems == ()


def test_ten_tiers_with_every_limit_are_one_commit(launch: Callable[..., Game]) -> None:
    counted = Counted()
    tiers: list[Any] = [{"all": [{"minimum_quantity": quantity}]} for quantity in range(3, 12)]
    every = {"per_shopper": 10, "per_household": 10, "per_store": 20, "per_day": 20, "per_week": 20}
    game = launch(further_tiers=tiers, limits=every)
    counted.watch(game)
    issued = issue(game, game.order(quantity=20, household="h"))
    assert [each.state for each in issued] == ["open"] * 10
    assert counted.commits == 1
    assert game.books().problems == ()


def test_an_order_in_more_campaigns_than_one_commit_holds_earns_all_its_tokens(launch: Callable[..., Game]) -> None:
    tiers: list[Any] = [{"all": [{"minimum_quantity": quantity}]} for quantity in range(3, 12)]
    games = [launch(campaign=f"wheel-{number}", further_tiers=tiers, limits={"per_shopper": 10}) for number in range(9)]
    counted = Counted()
    counted.watch(games[0])
    order = games[0].order(quantity=20, ordered_at=games[0].ports.clock.now())
    issued = issue(games[0], order)
    assert [each.state for each in issued] == ["open"] * 90
    assert counted.commits > 1
    assert issue(games[0], order) == issued
    assert all(game.books().problems == () for game in games)


class Counted:
    """Counts the commits of a game that write something."""

    def __init__(self) -> None:
        self.commits = 0

    def watch(self, game: Game) -> None:
        inner, count = game.ports.documents, self.count

        class Watched:
            get, query = inner.get, inner.query

            def commit(self, writes: list[object], events: tuple[object, ...] = ()) -> None:
                count(writes)
                inner.commit(writes, events)

        game.ports = replace(game.ports, documents=Watched())

    def count(self, writes: list[object]) -> None:
        self.commits += bool(writes)
