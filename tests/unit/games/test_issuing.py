"""Orders earn tokens, and lose them again: entitlements are undone, facts never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from tombola.campaigns.usecases import end_campaign
from tombola.errors import Unknown
from tombola.experiments.arms import arm
from tombola.games.usecases import issue_tokens
from tombola.orders.facts import Header, Line, OrderStatement, Payment
from tombola.orders.usecases import record_order
from tombola.ports.documents import Delete, DocumentKey, Replace, Where
from tombola.ports.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Game
    from tombola.ports import Ports

    Published = Callable[[str], list[dict[str, Any]]]

ORDERED_AT = datetime(2017, 6, 15, 12, 30, tzinfo=UTC)


def test_an_order_that_qualifies_earns_one_token(game: Game, published: Published) -> None:
    issued = game.issue(game.order())
    assert (issued.state, issued.reason) == ("open", "qualifies")
    (event,) = published("play-changed")
    assert (event["token_id"], event["state"], event["revision"]) == (issued.token_id, "open", 1)
    assert game.play_of().expires_at == game.ports.clock.now() + timedelta(days=14)
    assert game.books().problems == ()


def test_a_redelivered_order_changes_nothing_and_publishes_the_same_event(game: Game, published: Published) -> None:
    order = game.order()
    first = game.issue(order)
    before = game.play_of(), game.entry()
    game.ports.clock.advance(timedelta(hours=1))
    assert game.issue(order) == first
    assert (game.play_of(), game.entry()) == before
    assert len({event["event_id"] for event in published("play-changed")}) == 1
    assert len(published("play-changed")) == 2


def test_an_order_of_a_file_is_told_on_the_bulk_lane(game: Game, published: Published) -> None:
    game.issue(game.order(), lane="bulk")
    assert not published("play-changed")
    assert len(published("play-changed-bulk")) == 1


def test_a_crash_between_commit_and_publish_ends_right_on_redelivery(
    game: Game, ports: Ports, published: Published
) -> None:
    order = game.order()

    class Deaf:
        def publish(self, _topic: str, _messages: object) -> None:
            msg = "no connection"
            raise Unavailable(msg)

    deaf = type(ports)(**{name: getattr(ports, name) for name in type(ports).__slots__} | {"topics": Deaf()})
    with pytest.raises(Unavailable):
        issue_tokens(deaf, order, lane="live")
    assert not published("play-changed")
    game.issue(order)
    assert [event["revision"] for event in published("play-changed")] == [1]
    assert game.books().tokens == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"quantity": 1}, "criteria-not-met"),
        ({"cancelled": True}, "cancelled"),
        ({"shopper": None}, "no-shopper"),
        ({"payments": (Payment(payment_id="1", tender="gift_card", amount_minor=2000),)}, "nothing-to-win"),
        ({"returned": (2, 1000)}, "criteria-not-met"),
    ],
)
def test_an_order_that_earns_nothing_leaves_no_document(game: Game, changed: dict[str, Any], reason: str) -> None:
    assert game.issue(game.order(**changed)).reason == reason
    assert not list(game.ports.documents.query("entries", [Where("order", "==", "corner-shop/o-1")]))
    assert game.books().tokens == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"ordered_at": ORDERED_AT + timedelta(days=8)},
        {"ordered_at": ORDERED_AT - timedelta(days=1)},
        {"currency": "EUR"},
    ],
)
def test_an_order_outside_the_campaign_is_none_of_its_business(game: Game, changed: dict[str, Any]) -> None:
    assert issue_tokens(game.ports, game.order(**changed), lane="live") == []


def test_an_order_that_comes_after_the_last_play_earns_nothing(game: Game) -> None:
    game.ports.clock.set(game.launched.rules.last_play_at)
    assert game.issue(game.order()).reason == "too-late"


def test_a_token_issued_late_cannot_be_played_after_the_last_play(game: Game) -> None:
    game.ports.clock.set(game.launched.rules.last_play_at - timedelta(hours=1))
    game.earn()
    assert game.play_of().expires_at == game.launched.rules.last_play_at


def test_control_gets_no_token_by_invitation(launch: Callable[..., Game]) -> None:
    game = launch(control={"share": "0.5"})
    shoppers = [f"s-{number}" for number in range(20)]
    arms = {shopper: arm("june-wheel", 1, shopper, Decimal("0.5")).arm for shopper in shoppers}
    reasons = {shopper: game.issue(game.order(f"o-{shopper}", shopper=shopper)).reason for shopper in shoppers}
    assert set(arms.values()) == {"control", "invited"}
    assert all((reasons[shopper] == "qualifies") == (arms[shopper] == "invited") for shopper in shoppers)
    assert set(reasons.values()) == {"qualifies", "not-invited"}


def test_control_plays_where_only_the_banner_is_withheld(launch: Callable[..., Game]) -> None:
    game = launch(control={"share": "0.5", "mode": "banner"})
    control = next(f"s-{n}" for n in range(99) if arm("june-wheel", 1, f"s-{n}", Decimal("0.5")).arm == "control")
    assert game.issue(game.order(shopper=control)).reason == "qualifies"


def test_an_order_without_a_shopper_earns_a_token_where_nothing_is_by_shopper(launch: Callable[..., Game]) -> None:
    game = launch(control={"mode": "banner"}, limits={"per_shopper": None})
    assert game.issue(game.order(shopper=None)).reason == "qualifies"


def test_a_cancelled_order_revokes_its_token_and_frees_its_limits(game: Game, published: Published) -> None:
    for number in range(3):
        game.earn(f"o-{number}")
    assert game.issue(game.order("o-3")).reason == "limit-reached"
    revoked = game.issue(game.order("o-1", cancelled=True))
    assert (revoked.state, revoked.reason) == ("revoked", "cancelled")
    assert published("play-changed")[-1]["state"] == "revoked"
    assert game.issue(game.order("o-3")).reason == "qualifies"
    assert game.books().problems == ()


def test_a_revoked_token_revives_with_the_same_id_and_expiry(game: Game) -> None:
    game.earn()
    before = game.play_of()
    game.issue(game.order(returned=(2, 1000)))
    game.ports.clock.advance(timedelta(days=1))
    game.issue(game.order())
    after = game.play_of()
    assert (after.token_id, after.expires_at, after.issued_at) == (before.token_id, before.expires_at, before.issued_at)
    assert (after.state, after.base_minor, after.revision) == ("open", 2000, 3)
    assert game.books().problems == ()


def test_a_revoked_token_does_not_revive_past_the_limit(game: Game) -> None:
    game.earn("o-0")
    game.issue(game.order("o-0", cancelled=True))
    for number in range(1, 4):
        game.earn(f"o-{number}")
    assert game.issue(game.order("o-0")).reason == "limit-reached"
    assert game.play_of("o-0").state == "revoked"
    assert game.books().problems == ()


def test_a_revoked_token_does_not_revive_after_its_time(game: Game) -> None:
    game.earn()
    game.issue(game.order(cancelled=True))
    game.ports.clock.advance(timedelta(days=14))
    assert game.issue(game.order()).reason == "expired"


def test_a_base_only_falls(game: Game) -> None:
    game.earn()
    game.issue(game.order(returned=(1, 900)))
    assert game.play_of().base_minor == 1100
    game.issue(game.order())
    assert game.play_of().base_minor == 1100


def test_a_prize_is_the_lower_of_what_check_out_and_the_retailer_said(game: Game) -> None:
    promised = (Line(line_id="1", product_id="milk", quantity=2, value_minor=700),)
    game.earn(promised_lines=promised)
    assert game.play_of().base_minor == 700


def test_an_authoritative_word_is_noted_on_the_play(game: Game) -> None:
    game.earn(authoritative=False)
    assert not game.play_of().authoritative
    game.issue(game.order())
    assert game.play_of().authoritative
    game.issue(game.order(authoritative=False))
    assert game.play_of().authoritative


def test_a_token_moves_with_its_order_to_another_shopper(game: Game) -> None:
    game.earn("o-0")
    game.issue(game.order("o-0", shopper="s-2"))
    assert game.entry("o-0").shopper == "s-2"
    for number in range(1, 4):
        assert game.issue(game.order(f"o-{number}")).reason == "qualifies"
    assert game.books().problems == ()


def test_a_token_does_not_move_to_a_shopper_who_has_enough(game: Game) -> None:
    for number in range(3):
        game.earn(f"o-{number}", shopper="s-2")
    game.earn("o-9")
    assert game.issue(game.order("o-9", shopper="s-2")).reason == "limit-reached"
    assert game.play_of("o-9").state == "revoked"
    assert game.books().problems == ()


def test_an_older_revision_changes_nothing_once_a_newer_one_was_handled(game: Game) -> None:
    first, second, third = game.order(), game.order(cancelled=True), game.order()
    game.issue(first)
    game.issue(third)
    assert game.issue(second).state == "open"
    assert game.entry().order_revision == 3


def test_any_order_of_revisions_ends_in_the_same_state(launch: Callable[..., Game]) -> None:
    """The order is recorded first, as it always is; its events come in any sequence, each twice."""
    game = launch(limits={"per_shopper": None})
    for number, sequence in enumerate(permutations(range(3))):
        revisions = recorded(game.ports, f"o-{number}")
        for index in (*sequence, *sequence):
            issue_tokens(game.ports, revisions[index], lane="live")
        (entry,) = game.ports.documents.query("entries", [Where("order", "==", f"corner-shop/o-{number}")]) or [None]
        assert entry.fields["outcome"] == "issued"
        assert entry.fields["order_revision"] == 3
    assert game.books().problems == ()


def test_a_late_event_of_an_order_since_cancelled_issues_nothing(game: Game) -> None:
    first, *_, last = recorded(game.ports, "o-1", ends_cancelled=True)
    assert game.issue(last).reason == "cancelled"
    assert game.issue(first).reason == "cancelled"
    assert game.books().tokens == 0


def recorded(ports: Ports, order_id: str, *, ends_cancelled: bool = False) -> list[Any]:
    """Record an order, a return below the criteria, and its correction (or a cancellation)."""

    def statement(minute: int, quantity: int, **more: object) -> OrderStatement:
        return OrderStatement(
            retailer="corner-shop",
            order_id=order_id,
            door="webhook",
            scope="whole",
            stated_at=ORDERED_AT + timedelta(minutes=minute),
            header=Header(shopper="s-1", store_id="1", ordered_at=ORDERED_AT, currency="USD"),
            lines=(Line(line_id="1", product_id="milk", quantity=quantity, value_minor=2000),),
            **more,
        )

    last = statement(3, 2, cancelled_at=ORDERED_AT) if ends_cancelled else statement(3, 2)
    return [record_order(ports, each, lane="live") for each in (statement(1, 3), statement(2, 1), last)]


def test_the_campaigns_limit_is_never_passed(launch: Callable[..., Game]) -> None:
    game = launch(limits={"per_shopper": None, "per_campaign": 5})
    reasons = [game.issue(game.order(f"o-{number}")).reason for number in range(7)]
    assert reasons.count("qualifies") == 5
    assert reasons.count("sold-out") == 2
    game.issue(game.order(f"o-{reasons.index('qualifies')}", cancelled=True))
    assert game.issue(game.order("o-7")).reason == "qualifies"
    assert game.books().problems == ()


def test_a_full_slot_is_passed_over_for_one_with_room(launch: Callable[..., Game]) -> None:
    game = launch(limits={"per_shopper": None, "per_campaign": 2001})
    for slot in range(2):
        fill(game, slot)
    for number in range(10):
        game.earn(f"o-{number}")
        assert game.entry(f"o-{number}").slots == ("campaign#2",)


def fill(game: Game, slot: int) -> None:
    (snapshot,) = game.ports.documents.get([DocumentKey("slots", ("june-wheel", "1", "campaign", str(slot)))])
    fields = {**snapshot.fields, "used": snapshot.fields["capacity"]}
    game.ports.documents.commit([Replace(snapshot.key, fields, snapshot.version)])


def test_an_entry_whose_play_is_lost_is_a_fault_with_a_name(game: Game) -> None:
    game.earn()
    (snapshot,) = game.ports.documents.get([DocumentKey("plays", (game.play_of().token_id,))])
    game.ports.documents.commit([Delete(snapshot.key, snapshot.version)])
    with pytest.raises(Unknown) as refused:
        game.issue(game.order())
    assert refused.value.code == "unknown-play"


def test_an_order_of_an_ended_campaign_still_takes_its_token_back(game: Game) -> None:
    game.earn()
    end_campaign(game.ports, "june-wheel")
    game.ports.memo.clear()
    assert issue_tokens(game.ports, game.order("o-2"), lane="live") == []
    assert game.issue(game.order(cancelled=True)).state == "revoked"


def test_an_order_revised_after_its_tokens_time_finds_it_expired(game: Game) -> None:
    game.earn()
    game.ports.clock.advance(timedelta(days=14))
    assert game.issue(game.order(cancelled=True)).state == "expired"
    assert game.issue(game.order()).state == "expired"
    assert game.books().problems == ()


def test_an_order_corrected_out_of_the_campaign_loses_its_token(game: Game) -> None:
    game.earn()
    issued = game.issue(game.order(ordered_at=ORDERED_AT + timedelta(days=8)))
    assert (issued.state, issued.reason) == ("revoked", "not-in-campaign")


def test_a_prize_without_a_balance_to_give_it_back_to_is_a_fault_with_a_name(game: Game) -> None:
    game.play(game.earn())
    (snapshot,) = game.ports.documents.get([DocumentKey("balances", ("june-wheel", "1", "0"))])
    game.ports.documents.commit([Delete(snapshot.key, snapshot.version)])
    with pytest.raises(Unknown) as refused:
        game.issue(game.order(cancelled=True))
    assert refused.value.code == "unknown-balance"


def test_what_was_not_met_is_kept_with_the_entry(game: Game) -> None:
    game.earn()
    game.issue(game.order(quantity=1))
    assert game.entry().summary == "all.0 minimum_quantity 1 of 2"
