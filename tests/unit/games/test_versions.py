"""A campaign's rules change: orders keep the version that they were made under."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tombola.adapters.embedded.clock import ReplayClock
from tombola.campaigns.lifecycle import canonical
from tombola.campaigns.usecases import commit_campaign, end_campaign, launch_campaign
from tombola.games.usecases import issue_tokens
from tombola.ports.documents import Where

CHANGED_AT = datetime(2017, 6, 15, 14, tzinfo=UTC)


@pytest.fixture
def game(launch: Callable[..., Any], clock: ReplayClock) -> Any:  # noqa: ANN401 (the class stands in conftest)
    """Order under version 1; then version 2, which asks for more and pays less, takes its place."""
    game = launch()
    game.earn("early")
    rules = game.launched.rules
    changed = {**rules.model_dump(mode="json"), "criteria": {"all": [{"minimum_quantity": 5}]}}
    changed["prizes"] = [{"name": "note", "kind": "fixed", "amount": "1.00", "moments": 400}]
    text = canonical(type(rules).model_validate(changed))
    version = commit_campaign(game.ports, text, id_key=os.urandom(32), seed=os.urandom(32))
    assert version.version == 2
    clock.set(CHANGED_AT)
    end_campaign(game.ports, rules.campaign)
    launch_campaign(game.ports, rules.campaign, "another witness")
    clock.advance(timedelta(minutes=30))
    return game


def versions(game: Any, order_id: str) -> list[int]:  # noqa: ANN401
    found = game.ports.documents.query("entries", [Where("order", "==", f"corner-shop/{order_id}")])
    return sorted(int(entry.fields["campaign"].rpartition("/v")[2]) for entry in found)


def test_an_order_keeps_the_version_it_was_made_under(game: Any) -> None:  # noqa: ANN401
    game.issue(game.order("early", quantity=9))
    assert versions(game, "early") == [1]
    assert game.play_of("early").state == "open"
    game.issue(game.order("early", quantity=1))
    assert game.play_of("early").state == "revoked"
    assert versions(game, "early") == [1]


def test_its_token_is_drawn_for_the_prizes_of_its_version(game: Any, clock: ReplayClock) -> None:  # noqa: ANN401
    clock.advance(timedelta(days=10))  # after every winning moment
    game.play(game.text(game.play_of("early").token_id))
    prize = game.play_of("early").prize
    assert (prize.name, prize.reserved_minor) == ("basket", 2_000)


def test_a_later_order_is_judged_by_the_new_version_alone(game: Any) -> None:  # noqa: ANN401
    later = CHANGED_AT + timedelta(minutes=10)
    assert not any(
        issued.token_id for issued in issue_tokens(game.ports, game.order("few", ordered_at=later), lane="live")
    )
    game.issue(game.order("many", quantity=5, ordered_at=later))
    assert versions(game, "many") == [2]


def test_an_order_made_between_two_versions_takes_part_in_neither(game: Any, clock: ReplayClock) -> None:  # noqa: ANN401
    end_campaign(game.ports, "june-wheel")
    clock.advance(timedelta(hours=1))
    assert issue_tokens(game.ports, game.order("late", quantity=9, ordered_at=clock.now()), lane="live") == []
    assert versions(game, "late") == []


def test_an_order_of_the_old_version_that_comes_late_does_not_get_into_the_new_one(game: Any) -> None:  # noqa: ANN401
    made = CHANGED_AT - timedelta(minutes=10)
    assert issue_tokens(game.ports, game.order("late", quantity=9, ordered_at=made), lane="live") == []
    assert versions(game, "late") == []
