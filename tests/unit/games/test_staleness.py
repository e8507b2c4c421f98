"""Other processes remember campaigns for half a minute: what they remember must cost nobody a token, or grant one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tombola.campaigns.usecases import end_campaign, live_campaigns
from tombola.games.usecases import issue_tokens
from tombola.ports.errors import PreconditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conftest import Game
    from tombola.ports import Ports
    from tombola.ports.documents import Write


def other_process(ports: Ports) -> Ports:
    """Return the same home as another process sees it, which has just looked which campaigns are live."""
    other = replace(ports, memo=type(ports.memo)(lambda: ports.clock.now().timestamp()))
    live_campaigns(other)
    return other


def test_an_ended_campaign_issues_nothing_from_then_on_whatever_another_process_remembers(game: Game) -> None:
    game.earn("o-1")
    stale = replace(game, ports=other_process(game.ports))
    end_campaign(game.ports, "june-wheel")
    assert [each.status for each in live_campaigns(stale.ports)] == ["launched"]
    assert stale.issue(stale.order("o-2")).reason == "campaign-ended"
    assert stale.issue(stale.order("o-1", cancelled=True)).state == "revoked"
    assert stale.issue(stale.order("o-1")).reason == "campaign-ended"
    assert game.books().problems == ()


def test_a_token_that_is_out_can_be_played_after_the_end(game: Game) -> None:
    token = game.earn()
    end_campaign(game.ports, "june-wheel")
    assert game.play(token).result == "won"


def test_of_a_token_and_the_end_of_its_campaign_exactly_one_comes_first(game: Game) -> None:
    """The campaign ends after a process has decided to issue and before it commits."""
    order = game.order()

    class EndsFirst:
        def __init__(self) -> None:
            self.get, self.query = game.ports.documents.get, game.ports.documents.query

        def commit(self, writes: Sequence[Write], events: Sequence[object] = ()) -> None:
            end_campaign(game.ports, "june-wheel")
            game.ports.documents.commit(writes, events)

    with pytest.raises(PreconditionFailed):
        issue_tokens(replace(game.ports, documents=EndsFirst()), order, lane="live")
    assert game.books().tokens == 0


def test_an_order_made_right_after_a_launch_earns_its_token_in_every_process(launch: Callable[..., Game]) -> None:
    game = launch()
    stale = other_process(game.ports)
    launch(campaign="june-cards")
    game.ports.clock.advance(timedelta(seconds=1))
    assert len(live_campaigns(stale)) == 1
    order = game.order(ordered_at=game.ports.clock.now())
    assert {each.campaign: each.reason for each in issue_tokens(stale, order, lane="live")} == {
        "june-wheel": "qualifies", "june-cards": "qualifies",
    }  # fmt: skip


def test_orders_made_before_the_last_reading_are_served_by_it(game: Game) -> None:
    other = other_process(game.ports)
    asked: list[str] = []

    class Listening:
        def __init__(self) -> None:
            self.get, self.commit = other.documents.get, other.documents.commit

        def query(self, collection: str, *where: object, **more: object) -> object:
            asked.append(collection)
            return other.documents.query(collection, *where, **more)

    listening = replace(other, documents=Listening())
    game.ports.clock.advance(timedelta(seconds=5))
    for number in range(3):
        issue_tokens(listening, game.order(f"o-{number}", ordered_at=game.ports.clock.now()), lane="live")
    assert asked.count("campaigns") == 1


def test_a_relaunch_gives_an_order_one_token_of_the_version_it_was_made_under(launch: Callable[..., Game]) -> None:
    first = launch()
    token = first.earn("o-1")
    stale = other_process(first.ports)
    end_campaign(first.ports, "june-wheel")
    second = launch(title="June wheel, once more")
    first.ports.clock.advance(timedelta(seconds=1))
    later = first.order("o-2", ordered_at=first.ports.clock.now())
    assert [each.version for each in issue_tokens(stale, later, lane="live")] == [2]
    assert first.issue(first.order("o-1")).version == 1
    assert first.play(token).result == "won"
    assert [game.books().tokens for game in (first, second)] == [1, 1]
    assert first.books().problems == second.books().problems == ()


@pytest.mark.parametrize(
    ("ordered_at", "reason"),
    [
        (datetime.fromisoformat("2017-06-21T23:59:59.999999+00:00"), "qualifies"),
        (datetime.fromisoformat("2017-06-21T19:59:59-04:00"), "qualifies"),
        (datetime.fromisoformat("2017-06-21T20:00:00-04:00"), None),
    ],
)
def test_the_last_instant_of_the_window_is_in_and_the_closing_is_out(
    ordered_at: datetime, reason: str | None, game: Game
) -> None:
    game.ports.clock.set(datetime.fromisoformat("2017-06-22T00:00:00+00:00"))
    issued = issue_tokens(game.ports, game.order(ordered_at=ordered_at), lane="live")
    assert [each.reason for each in issued] == ([reason] if reason else [])
