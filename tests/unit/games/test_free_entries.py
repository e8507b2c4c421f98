"""Who takes part without buying has the same limits and the same chances, and wins the amount that the rules state."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tombola.campaigns.usecases import end_campaign
from tombola.errors import Conflict, Malformed, Unauthenticated, Unknown
from tombola.experiments.arms import arm
from tombola.games.entries import Entry
from tombola.games.usecases import enter_free
from tombola.orders.signatures import sign
from tombola.ports.documents import Where
from tombola.privacy.pseudonyms import pseudonym
from tombola.runtime.races import decide_again

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Game
    from tombola.games.answers import OfferedPlay

    Published = Callable[[str], list[dict[str, Any]]]

SECRET = b"webhook-corner-shop, 32 bytes or more of it"
PSEUDONYM = b"pseudonym-corner-shop, 32 bytes or more of it"
FREE = {"amount": "7.50", "how": "by letter to the sponsor"}


@pytest.fixture
def open_game(launch: Callable[..., Game]) -> Game:
    """Launch a campaign that takes free entries."""
    return launch(free_entry=FREE)


def enter(game: Game, entry_id: str = "letter-1", secret: bytes = SECRET, **more: object) -> OfferedPlay:
    now = game.ports.clock.now()
    message = {
        "type": "entry.free", "campaign": "june-wheel", "entry_id": entry_id, "shopper_id": "1042",
        "entered_at": now.isoformat(), **more,
    }  # fmt: skip
    body = json.dumps(message).encode()
    return decide_again(lambda: enter_free(game.ports, "corner-shop", sign(secret, "msg-1", now, body), body))


def entries(game: Game) -> list[Entry]:
    found = game.ports.documents.query("entries", [Where("campaign", "==", "june-wheel/v1")])
    return [Entry.model_validate(each.fields) for each in found]


def test_a_free_entry_earns_a_token_that_wins_the_stated_amount(open_game: Game, published: Published) -> None:
    offered = enter(open_game)
    assert (offered.reason, offered.tier, offered.play_url) == ("qualifies", 1, "/play-game")
    (entry,) = entries(open_game)
    assert (entry.kind, entry.entry, entry.order) == ("free", "free/letter-1", "")
    assert (open_game.look(entry.token_id).kind, published("play-changed")[0]["state"]) == ("free", "open")
    open_game.ports.clock.advance(timedelta(hours=1))
    answer = open_game.play(str(offered.token))
    assert answer.prize is not None
    assert answer.prize.amount == "7.50"
    assert open_game.books().problems == ()


def test_the_same_entry_asked_again_is_the_same_token_also_after_the_campaign_ended(open_game: Game) -> None:
    first = enter(open_game)
    open_game.ports.clock.advance(timedelta(hours=1))
    assert enter(open_game) == first
    end_campaign(open_game.ports, "june-wheel")
    assert enter(open_game) == first
    assert enter(open_game, "letter-2").reason == "not-in-campaign"
    assert open_game.books().tokens == 1


def test_free_entries_and_orders_of_a_shopper_share_one_limit(open_game: Game) -> None:
    shopper = pseudonym(PSEUDONYM, "corner-shop", "1042")
    open_game.earn("o-1", shopper=shopper)
    assert [enter(open_game, f"letter-{n}").reason for n in range(3)] == ["qualifies", "qualifies", "limit-reached"]
    assert open_game.issue(open_game.order("o-2", shopper=shopper)).reason == "limit-reached"
    assert open_game.books().problems == ()


def test_free_entries_share_the_limit_of_one_store_and_those_of_days(launch: Callable[..., Game]) -> None:
    game = launch(free_entry=FREE, limits={"per_store": 2, "per_day": 4})
    said = [enter(game, f"letter-{n}", shopper_id=f"{n}").reason for n in range(3)]
    assert said == ["qualifies", "qualifies", "store-sold-out"]
    orders = [game.issue(game.order(f"o-{n}", shopper=f"s-{n}", store_id=f"{n}")).reason for n in range(3)]
    assert orders == ["qualifies", "qualifies", "day-sold-out"]
    assert game.books().problems == ()


def test_a_campaign_without_free_entries_takes_none(game: Game) -> None:
    assert enter(game).reason == "no-free-entry"
    assert entries(game) == []


def test_the_control_group_of_an_invitation_gets_no_token_by_this_way_either(launch: Callable[..., Game]) -> None:
    game = launch(free_entry=FREE, control={"share": "0.5"})
    arms = {
        number: arm("june-wheel", 1, pseudonym(PSEUDONYM, "corner-shop", str(number)), Decimal("0.5")).arm
        for number in range(12)
    }
    said = {number: enter(game, f"letter-{number}", shopper_id=str(number)).reason for number in arms}
    assert said == {n: "not-invited" if each == "control" else "qualifies" for n, each in arms.items()}
    assert set(said.values()) == {"not-invited", "qualifies"}


def test_an_entry_dated_before_the_launch_or_after_the_window_earns_nothing(open_game: Game) -> None:
    early = open_game.launched.launched_at - timedelta(seconds=1)
    assert enter(open_game, entered_at=early.isoformat()).reason == "not-in-campaign"
    open_game.ports.clock.advance(timedelta(days=8))
    assert enter(open_game).reason == "not-in-campaign"


def test_another_shopper_cannot_ask_for_an_entry_that_is_taken(open_game: Game) -> None:
    enter(open_game)
    with pytest.raises(Conflict) as refused:
        enter(open_game, shopper_id="2000")
    assert refused.value.code == "another-shopper"


def test_a_free_entry_cannot_pose_as_an_order_nor_an_order_as_one(open_game: Game) -> None:
    enter(open_game, "o-1")
    open_game.earn("o-1", shopper="s-2")
    open_game.earn("free/o-1", shopper="s-3")
    assert len({entry.token_id for entry in entries(open_game)}) == 3
    assert open_game.books().problems == ()


def test_a_relaunched_campaign_gives_a_known_entry_its_first_token(launch: Callable[..., Game]) -> None:
    first = launch(free_entry=FREE)
    token = enter(first).token
    end_campaign(first.ports, "june-wheel")
    second = launch(free_entry=FREE, title="June wheel, once more")
    second.ports.clock.advance(timedelta(seconds=1))
    assert enter(second).token == token
    assert enter(second, "letter-2").reason == "qualifies"
    assert [game.books().tokens for game in (first, second)] == [1, 1]


@pytest.mark.parametrize(
    ("changed", "fault", "where"),
    [
        ({"surprise": 1}, Malformed, "surprise"),
        ({"type": "order.checked_out"}, Malformed, "type"),
        ({"entered_at": "2017-06-15T15:00:01Z"}, Malformed, "entered_at"),
        ({"campaign": "july-wheel"}, Unknown, None),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(
    open_game: Game, changed: dict[str, object], fault: type[Malformed], where: str | None
) -> None:
    with pytest.raises(fault) as refused:
        enter(open_game, **changed)
    assert where in {None, *(problem.where for problem in refused.value.problems)}
    assert entries(open_game) == []


def test_an_entry_that_nobody_signed_is_none(open_game: Game) -> None:
    with pytest.raises(Unauthenticated):
        enter(open_game, secret=b"forged")
    assert entries(open_game) == []
