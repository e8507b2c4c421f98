"""Whatever happens, the books add up; and what does not add up is named."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tombola.errors import Gone, Unknown
from tombola.ports.documents import Delete, DocumentKey, Replace, Where
from tombola.settling.usecases import reconcile, settle_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Game


ORDERED_AT = datetime(2017, 6, 15, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_orders_plays_returns_and_cancellations_adds_up(seed: int, launch: Callable[..., Game]) -> None:
    """The pool covers five prizes only by the rules' cap, so overdrawing would show."""
    game = launch(
        prizes=[{"name": "basket", "kind": "basket_value", "cap": "50.00", "moments": 5}],
        pool={"amount": "250.00"},
        limits={
            "per_shopper": 4, "per_household": 6, "per_store": 9, "per_day": 7, "per_week": 16, "per_campaign": 25,
        },
        further_tiers=[{"all": [{"minimum_quantity": 3}]}],
    )  # fmt: skip
    dice = random.Random(seed)  # noqa: S311 (a reproducible sequence, no secret)
    for _ in range(70):
        game.ports.clock.advance(timedelta(hours=dice.randrange(1, 9)))
        _happens(game, dice)
    books = game.books()
    assert books.problems == ()
    assert books.adds_up
    assert books.difference_minor == 0
    assert books.wins <= 5
    assert sum(books.accounts_balances.values()) == 0


def _happens(game: Game, dice: random.Random) -> None:
    order_id = f"o-{dice.randrange(12)}"
    made_by = {
        "shopper": f"s-{dice.randrange(3)}",
        "household": f"h-{dice.randrange(2)}",
        "store_id": f"{dice.randrange(3)}",
        "ordered_at": ORDERED_AT + timedelta(days=dice.randrange(6)),
        "quantity": dice.randrange(1, 6),
    }
    match dice.choice(["order", "order", "play", "play", "return", "cancel", "settle"]):
        case "order":
            game.issue(game.order(order_id, **made_by))
        case "return":
            game.issue(game.order(order_id, **made_by, returned=(dice.randrange(3), dice.randrange(2000))))
        case "cancel":
            game.issue(game.order(order_id, **made_by, cancelled=True))
        case "play":
            _play(game, order_id, dice)
        case "settle":
            settle_version(game.ports, "june-wheel", 1)


def _play(game: Game, order_id: str, dice: random.Random) -> None:
    entries = list(game.ports.documents.query("entries", [Where("order", "==", f"corner-shop/{order_id}")]))
    if entries:
        try:
            game.play(game.text(str(dice.choice(entries).fields["token_id"])))
        except Gone as gone:
            assert gone.code in {"expired-token", "revoked-token"}  # noqa: PT017 (both are answers, not failures)


def test_an_unknown_campaign_has_no_books(game: Game) -> None:
    with pytest.raises(Unknown):
        reconcile(game.ports, "july-wheel", 1)


def tampered(game: Game, collection: str, **changed: object) -> tuple[str, ...]:
    """Change one document behind everybody's back (`gone` deletes it) and return what the books then say."""
    found = list(game.ports.documents.query(collection, [Where("campaign", "==", "june-wheel/v1")]))
    snapshot = found[-1]
    write = Replace(snapshot.key, {**snapshot.fields, **changed}, snapshot.version)
    game.ports.documents.commit([Delete(snapshot.key, snapshot.version) if "gone" in changed else write])
    return game.books().problems


@pytest.mark.parametrize(
    ("collection", "changed", "named"),
    [
        ("balances", {"accounts": {"funded": -1, "available": 1}}, "differ by up to"),
        ("balances", {"sequence": 9}, "expected 1 to 9"),
        ("postings", {"gone": True}, "differ by up to"),
        ("plays", {"gone": True}, "entries without a token"),
        ("plays", {"state": "revoked"}, "unlike their entry"),
        ("entries", {"gone": True}, "tokens without an entry"),
        ("claims", {"gone": True}, "claims and winning plays"),
        ("claims", {"moment": 3}, "without a gap"),
        ("slots", {"used": 7}, "slots count"),
        ("limits", {"entries": ["a", "b", "c", "d"]}, "more than 3 tokens"),
        ("limits", {"entries": []}, "unlike those that stand"),
        (
            "plays",
            {"prize": {"state": "reserved", "portions": {"0": {"reserved_minor": 5001}}}},
            "above what the rules give",
        ),
    ],
)
def test_what_was_tampered_with_is_named(game: Game, collection: str, changed: dict[str, object], named: str) -> None:
    game.play(game.earn())
    assert any(named in problem for problem in tampered(game, collection, **changed))


def test_a_claim_before_its_moment_is_named(game: Game) -> None:
    game.play(game.earn())
    (claim,) = game.ports.documents.get([DocumentKey("claims", ("june-wheel", "1", "0"))])
    early = claim.fields["moment_at"] - timedelta(seconds=1)
    assert any("before their moment" in problem for problem in tampered(game, "claims", accepted_at=early))
