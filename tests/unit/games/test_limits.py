"""Limits by household, store, day and week: kept under races, opened when needed, closed by the campaign's own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tombola.campaigns.usecases import end_campaign, live_campaigns
from tombola.ports.documents import DocumentKey, Where

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Game

NOON = datetime(2017, 6, 15, 12, 30, tzinfo=UTC)
FEW = {"per_shopper": None, "per_store": 4, "per_day": 3, "per_week": 5, "per_household": 2}


def reasons(game: Game, **orders: dict[str, object]) -> list[str]:
    return [game.issue(game.order(order_id, **more)).reason for order_id, more in orders.items()]


def scopes(game: Game) -> dict[str, int]:
    found = game.ports.documents.query("slots", [Where("campaign", "==", "june-wheel/v1")])
    return {f"{each.fields['scope']}#{each.fields['slot']}": int(str(each.fields["used"])) for each in found}


def test_a_household_has_its_own_limit_whoever_of_it_orders(launch: Callable[..., Game]) -> None:
    game = launch(limits={"per_household": 2})
    ordered = {f"o-{n}": {"shopper": f"s-{n}", "household": "h-1"} for n in range(3)}
    assert reasons(game, **ordered) == ["qualifies", "qualifies", "household-limit-reached"]
    assert reasons(game, other={"shopper": "s-9", "household": "h-2"}) == ["qualifies"]
    assert game.books().problems == ()


def test_an_order_without_a_household_earns_nothing_where_households_are_limited(launch: Callable[..., Game]) -> None:
    game = launch(limits={"per_household": 2})
    assert reasons(game, one={}) == ["no-household"]
    assert game.books().tokens == 0


def test_stores_days_and_weeks_are_counted_apart_and_all_at_once(launch: Callable[..., Game]) -> None:
    game = launch(limits={**FEW, "per_household": None})
    game.ports.clock.set(datetime(2017, 6, 20, tzinfo=UTC))
    on = [NOON + timedelta(days=day) for day in range(5)]
    assert reasons(game, **{f"a{n}": {"ordered_at": on[0]} for n in range(4)}) == ["qualifies"] * 3 + ["day-sold-out"]
    assert reasons(game, **{f"b{n}": {"ordered_at": on[1]} for n in range(2)}) == ["qualifies", "store-sold-out"]
    elsewhere = {f"c{n}": {"ordered_at": on[1], "store_id": "2"} for n in range(2)}
    assert reasons(game, **elsewhere) == ["qualifies", "week-sold-out"]
    monday = {f"d{n}": {"ordered_at": on[4], "store_id": "2"} for n in range(3)}
    assert reasons(game, **monday) == ["qualifies"] * 3
    assert game.books().problems == ()


def test_a_slot_of_a_day_is_there_only_once_somebody_needed_it(launch: Callable[..., Game]) -> None:
    game = launch(limits={"per_shopper": None, "per_campaign": 10, "per_day": 3})
    assert set(scopes(game)) == {"campaign#0"}
    game.earn()
    assert scopes(game) == {"campaign#0": 1, "day/2017-06-15#0": 1}


def test_a_cancelled_order_frees_every_place_and_takes_them_again_when_it_revives(launch: Callable[..., Game]) -> None:
    game = launch(limits={**FEW, "per_day": 1})
    game.earn("o-1", household="h")
    held = game.entry().slots
    assert [name.partition("#")[0] for name in held] == [
        "campaign", "store/corner-shop/1", "day/2017-06-15", "week/2017-W24",
    ]  # fmt: skip
    game.issue(game.order("o-1", household="h", cancelled=True))
    assert (game.entry().slots, set(scopes(game).values())) == ((), {0})
    game.issue(game.order("o-1", household="h"))
    assert game.entry().slots == held
    game.issue(game.order("o-1", household="h", cancelled=True))
    game.earn("o-2", household="h")
    assert reasons(game, **{"o-1": {"household": "h"}}) == ["day-sold-out"]
    assert game.books().problems == ()


def test_a_played_token_keeps_its_places_for_ever(launch: Callable[..., Game]) -> None:
    game = launch(limits={**FEW, "per_household": None, "per_day": 1})
    game.play(game.earn())
    game.issue(game.order(cancelled=True))
    assert reasons(game, **{"o-2": {}}) == ["day-sold-out"]
    assert game.books().problems == ()


def test_a_token_moves_with_its_order_to_another_store_and_day(launch: Callable[..., Game]) -> None:
    game = launch(limits={**FEW, "per_household": None, "per_store": 1})
    game.earn()
    moved = game.issue(game.order(store_id="2", ordered_at=NOON + timedelta(days=1)))
    assert moved.state == "open"
    assert {name for name, used in scopes(game).items() if used and not name.startswith("campaign")} == {
        "store/corner-shop/2#0", "day/2017-06-16#0", "week/2017-W24#0",
    }  # fmt: skip
    game.earn("o-2")
    back = game.issue(game.order(store_id="1"))
    assert (back.state, back.reason) == ("revoked", "store-sold-out")
    assert game.books().problems == ()


def test_a_day_nobody_ordered_on_before_the_end_gives_no_token_after_it(launch: Callable[..., Game]) -> None:
    """The slot of a new day would be created open; what every token needs of the campaign is closed."""
    game = launch(limits={"per_day": 3, "per_store": 3})
    stale = replace(game, ports=replace(game.ports, memo=type(game.ports.memo)()))
    live_campaigns(stale.ports)
    end_campaign(game.ports, "june-wheel")
    assert stale.issue(stale.order(store_id="new")).reason == "campaign-ended"
    assert set(scopes(game)) == {f"campaign#{number}" for number in range(5)}


def test_processes_that_open_the_same_slot_at_once_never_pass_its_limit(launch: Callable[..., Game]) -> None:
    game = launch(limits={"per_shopper": None, "per_store": 3, "per_day": 4})
    orders = [game.order(f"o-{number}", store_id=str(number % 2)) for number in range(10)]
    with ThreadPoolExecutor(10) as threads:
        said = [issued.reason for issued in threads.map(game.issue, orders)]
    assert said.count("qualifies") == 4
    assert game.books().problems == ()


def test_a_campaign_that_only_a_most_number_of_plays_limits_has_its_slots(launch: Callable[..., Game]) -> None:
    """Slots are counted by whatever limits the tokens, at the launch as at the issue."""
    game = launch(
        limits={"per_shopper": None, "per_campaign": None},
        draw={"kind": "odds", "maximum_plays": 3},
        prizes=[{"name": "basket", "kind": "basket_value", "cap": "50.00", "chance": "1/2"}],
        when_empty={"announced": "when the pool is empty, nothing can be won"},
    )
    said = [game.issue(game.order(f"o-{number}")).reason for number in range(5)]
    assert said == ["qualifies"] * 3 + ["sold-out"] * 2
    end_campaign(game.ports, "june-wheel")
    (slot,) = game.ports.documents.get([DocumentKey("slots", ("june-wheel", "1", "campaign", "0"))])
    assert slot is not None
    assert slot.fields["status"] == "closed"
