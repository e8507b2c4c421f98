"""What is known around an order: an earlier one, the retailer's country, a shopper who asked to be forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tombola.ports.documents import DocumentKey, Replace
from tombola.profiles.usecases import update_profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Game

NOON = datetime(2017, 6, 15, 12, 30, tzinfo=UTC)


@pytest.fixture
def firsts(launch: Callable[..., Game]) -> Game:
    """Launch a campaign for first orders."""
    return launch(first_order=True)


def remember(game: Game, order_id: str, **more: object) -> None:
    """Let an order count in its shopper's profile, as it does in a moment after it was recorded."""
    update_profile(game.ports, game.order(order_id, **more))


def test_a_first_order_earns_its_token_and_a_later_one_does_not(firsts: Game) -> None:
    assert firsts.issue(firsts.order("o-1")).reason == "qualifies"
    remember(firsts, "o-1")
    later = firsts.order("o-2", ordered_at=NOON + timedelta(minutes=1))
    assert firsts.issue(later).reason == "not-first-order"
    assert firsts.issue(firsts.order("o-3", shopper="s-2")).reason == "qualifies"


def test_a_later_order_that_is_known_already_does_not_matter(firsts: Game) -> None:
    remember(firsts, "o-2", ordered_at=NOON + timedelta(days=1))
    assert firsts.issue(firsts.order("o-1")).reason == "qualifies"


def test_an_order_is_not_earlier_than_itself(firsts: Game) -> None:
    remember(firsts, "o-1")
    assert firsts.issue(firsts.order("o-1")).reason == "qualifies"


def test_a_cancelled_earlier_order_does_not_matter(firsts: Game) -> None:
    remember(firsts, "o-0", ordered_at=NOON - timedelta(days=300))
    assert firsts.issue(firsts.order("o-1")).reason == "not-first-order"
    remember(firsts, "o-0", ordered_at=NOON - timedelta(days=300), cancelled=True)
    assert firsts.issue(firsts.order("o-1")).reason == "qualifies"


def test_what_is_learnt_later_of_earlier_orders_takes_no_token_away(firsts: Game) -> None:
    firsts.earn("o-1")
    remember(firsts, "o-0", ordered_at=NOON - timedelta(days=300))
    assert firsts.issue(firsts.order("o-1")).state == "open"
    firsts.issue(firsts.order("o-1", cancelled=True))
    assert firsts.issue(firsts.order("o-1")).state == "open"


def test_an_order_without_a_shopper_is_nobodys_first(launch: Callable[..., Game]) -> None:
    game = launch(first_order=True, limits={"per_shopper": None})
    assert game.issue(game.order(shopper=None)).reason == "no-shopper"


def test_a_retailer_of_another_country_gives_no_token(launch: Callable[..., Game]) -> None:
    game = launch()
    (info,) = game.ports.objects.list("config", "retailers/")
    with game.ports.objects.open(info.ref) as stream:
        text = stream.read()
    game.ports.objects.replace("config", "retailers/corner-shop.yaml", text.replace(b"country: US", b"country: FR"))
    game.ports.memo.clear()
    assert game.issue(game.order()).reason == "country"
    assert game.books().tokens == 0


def forget(game: Game, shopper: str) -> None:
    """Leave a shopper's profile as erasure does."""
    (profile,) = game.ports.documents.get([DocumentKey("profiles", ("corner-shop", shopper))])
    assert profile is not None
    fields = {**profile.fields, "status": "erased", "counts": b"", "facts": b""}
    game.ports.documents.commit([Replace(profile.key, fields, profile.version)])


def test_a_shopper_who_was_forgotten_gets_no_new_token_and_no_old_one_again(game: Game) -> None:
    game.earn("o-1")
    game.earn("o-2")
    game.issue(game.order("o-2", cancelled=True))
    remember(game, "o-1")
    forget(game, "s-1")
    assert game.issue(game.order("o-3")).reason == "erased"
    assert game.issue(game.order("o-2")).reason == "erased"
    assert game.play_of("o-2").state == "revoked"
    assert game.issue(game.order("o-1")).state == "open"
    assert game.issue(game.order("o-4", shopper="s-2")).reason == "qualifies"
    assert game.books().problems == ()
