"""What was earned stays earned, whatever the catalogue says later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tombola.catalogue.shards import Statement, merge, pack, shard_of
from tombola.games.usecases import issue_tokens
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, created_or_replaced

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Game

MILK = {"all": [{"of": {"categories": ["DAIRY"]}, "minimum_quantity": 2}]}


def restock(ports: Ports, category: str, *, revision: int) -> None:
    """Say in which category milk is from now on."""
    key = DocumentKey("catalogue", ("corner-shop", f"{shard_of('milk'):02x}"))
    (snapshot,) = ports.documents.get([key])
    packed = pack(merge({}, [Statement(revision, "milk", "", "", category, "", "r")]))
    fields = {"retailer": "corner-shop", "shard": shard_of("milk"), "revision": revision, "packed": packed}
    ports.documents.commit([created_or_replaced(snapshot, key, fields)])
    ports.memo.clear()


def test_a_product_that_changes_its_category_takes_no_token_away(launch: Callable[..., Game]) -> None:
    game = launch(criteria=MILK)
    restock(game.ports, "DAIRY", revision=1)
    game.earn()
    restock(game.ports, "SNACKS", revision=2)
    game.issue(game.order())
    assert game.play_of().state == "open"


def test_a_product_that_changes_its_category_takes_no_prize_away(launch: Callable[..., Game]) -> None:
    game = launch(criteria=MILK)
    restock(game.ports, "DAIRY", revision=1)
    game.play(game.earn())
    won = game.play_of()
    assert won.prize.state == "reserved"
    restock(game.ports, "SNACKS", revision=2)
    game.issue(game.order())
    assert game.play_of().prize == won.prize
    assert game.books().adds_up


def test_a_product_that_joins_a_category_later_earns_nothing_for_an_entry_that_was_revoked(
    launch: Callable[..., Game],
) -> None:
    game = launch(criteria=MILK)
    restock(game.ports, "DAIRY", revision=1)
    game.earn()
    game.issue(game.order(quantity=1))
    restock(game.ports, "DAIRY", revision=2)
    game.issue(game.order(quantity=1))
    assert game.play_of().state == "revoked"


def test_a_new_order_is_judged_by_the_catalogue_of_its_day(launch: Callable[..., Game]) -> None:
    game = launch(criteria=MILK)
    restock(game.ports, "SNACKS", revision=1)
    assert issue_tokens(game.ports, game.order("o-1"), lane="live") == []
    restock(game.ports, "DAIRY", revision=2)
    assert game.issue(game.order("o-2")).token_id is not None
