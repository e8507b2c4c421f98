"""Every fault in the books of prizes, payments, stocks and the closed money is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tombola.ports.documents import Create, Delete, DocumentKey, Replace, Where
from tombola.settling.usecases import settle_version

from .conftest import Cashier

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Game

PAID = {"0": {"reserved_minor": 2000, "paid_minor": 2000}}


@pytest.fixture
def paid(cashier: Cashier) -> Game:
    """Win, claim and pay one prize of money; the money is closed by then."""
    token = cashier.win()
    cashier.wait()
    cashier.claim(token)
    cashier.tell("paid")
    assert cashier.money()["paid"] == 2000
    return cashier.game


def problems(game: Game, collection: str, **changed: Any) -> str:  # noqa: ANN401 (any field of a document)
    """Change the last document of a collection behind everybody's back (`gone` deletes it); return what is said."""
    *_, found = game.ports.documents.query(collection, [Where("campaign", "==", "june-wheel/v1")])
    write = Replace(found.key, {**found.fields, **changed}, found.version)
    game.ports.documents.commit([Delete(found.key, found.version) if "gone" in changed else write])
    return "\n".join(game.books().problems)


@pytest.mark.parametrize(
    ("collection", "changed", "named"),
    [
        ("payments", {"gone": True}, "prizes unlike their payments"),
        ("payments", {"counted_minor": 1999}, "prizes unlike their payments"),
        ("payments", {"token_id": "0" * 64}, "payments of prizes that nobody won"),
        ("payments", {"outcome": "written_off"}, "2000 minor units were written off; expected at most 0"),
        ("plays", {"authoritative": False}, "due though no system of record"),
        ("plays", {"states": ["open", "revoked"]}, "states do not follow"),
        ("plays", {"draw": None}, "without a draw, or drawn and not played"),
        ("plays", {"draw": {"kind": "odds", "prize": "basket"}}, "drawn otherwise than the rules say"),
        ("plays", {"draw": {"prize": "car", "claims_seen": 0, "moment": 0}}, "prizes unlike what was won"),
        ("plays", {"draw": {"claims_seen": 0}}, "prizes unlike what was won"),
    ],
)
def test_what_was_tampered_with_is_named(collection: str, changed: dict[str, Any], named: str, paid: Game) -> None:
    assert named in problems(paid, collection, **changed)


@pytest.mark.parametrize(
    ("prize", "named"),
    [
        ({"state": "claimed"}, "money is unlike their state"),
        ({"state": "void"}, "money is unlike their state"),
        ({"claim": None}, "that nobody claimed"),
        ({"name": "car"}, "above what the rules give"),
        (
            {"portions": {"0": {"reserved_minor": 2000, "payable_minor": 2000}}},
            "balance 0: balance, postings and plays",
        ),
        ({"portions": {"1": PAID["0"]}}, "balance 1: balance, postings and plays differ"),
    ],
)
def test_a_prize_that_was_tampered_with_is_named(prize: dict[str, Any], named: str, paid: Game) -> None:
    true = paid.play_of().prize.model_dump()
    assert named in problems(paid, "plays", prize={**true, **prize})


def test_a_claim_from_a_country_that_is_not_in_the_rules_is_named(paid: Game) -> None:
    prize = paid.play_of().prize.model_dump()
    assert "not in the rules" in problems(paid, "plays", prize={**prize, "claim": {**prize["claim"], "country": "FR"}})


def test_a_token_that_is_open_after_the_money_was_closed_is_named(paid: Game) -> None:
    assert "open after the money was closed" in problems(paid, "plays", state="open")


def test_a_balance_that_alone_is_open_is_named(launch: Callable[..., Game]) -> None:
    fallback = {"fallback": {"kind": "fixed", "worth": "0.50"}}
    prizes = [{"name": "basket", "kind": "basket_value", "cap": "50.00", "chance": "1/2"}]
    draw = {"kind": "odds", "maximum_plays": 10}
    game = launch(prizes=prizes, draw=draw, when_empty=fallback)
    game.ports.clock.set(game.launched.rules.last_play_at.replace(hour=9))
    settle_version(game.ports, "june-wheel", 1)
    assert game.books().problems == ()
    assert "are closed; expected all of them or none" in problems(game, "balances", status="open")


@pytest.fixture
def mug(launch: Callable[..., Game]) -> Game:
    """Win the one mug."""
    game = launch(
        prizes=[{"name": "mug", "kind": "physical", "value": "9.00", "stock": 3, "chance": "1"}],
        draw={"kind": "odds", "maximum_plays": 50},
        when_empty={"announced": "nothing more can be won"},
    )
    game.play(game.earn())
    assert game.books().problems == ()
    return game


@pytest.mark.parametrize("changed", [{"left": 3}, {"left": -1}, {"gone": True}])
def test_a_stock_that_is_not_what_was_granted_is_named(changed: dict[str, Any], mug: Game) -> None:
    assert "expected 2: 3 less those granted" in problems(mug, "stocks", **changed)


def test_money_for_a_thing_is_named(mug: Game) -> None:
    prize = {**mug.play_of().prize.model_dump(), "portions": PAID}
    assert "money is unlike their state" in problems(mug, "plays", prize=prize)


def test_a_thing_that_was_delivered_without_word_of_it_is_named(mug: Game) -> None:
    prize = {**mug.play_of().prize.model_dump(), "state": "paid"}
    assert "prizes unlike their payments" in problems(mug, "plays", prize=prize)


def test_more_plays_than_the_rules_allow_and_a_code_given_twice_are_named(launch: Callable[..., Game]) -> None:
    game = launch(
        prizes=[{"name": "sip", "kind": "coupon", "face_value": "1.50", "chance": "1"}],
        draw={"kind": "odds", "maximum_plays": 1},
        when_empty={"announced": "nothing more can be won"},
    )
    game.play(game.earn())
    play = game.play_of()
    copy = {**play.fields(), "token_id": "f" * 64}
    game.ports.documents.commit([Create(DocumentKey("plays", ("f" * 64,)), copy)])
    said = "\n".join(game.books().problems)
    assert "2 plays; expected at most 1" in said
    assert "coupon codes given more than once" in said
