"""What is told of payments: money, coupons and things go one way, told twice or late it ends in the same state."""

from __future__ import annotations

import json
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from tombola.errors import Conflict, Malformed, Unauthenticated, Unknown
from tombola.settling.usecases import write_off_prize

from .conftest import Cashier

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Game

SURE: dict[str, Any] = {
    "draw": {"kind": "odds", "maximum_plays": 50},
    "when_empty": {"announced": "nothing more can be won"},
    "limits": {"per_shopper": None, "per_campaign": 50},
}
MUG = {"name": "mug", "kind": "physical", "value": "9.00", "stock": 2, "chance": "1"}
SIP = {"name": "sip", "kind": "coupon", "face_value": "1.50", "chance": "1"}


@pytest.fixture
def due(cashier: Cashier) -> Cashier:
    """Win 20.00 with order o-1 and claim it."""
    token = cashier.win()
    cashier.wait()
    cashier.claim(token)
    return cashier


def state(cashier: Cashier) -> str:
    return cashier.game.play_of().prize.state


def test_a_claimed_prize_is_paid_once_however_often_it_is_told(due: Cashier) -> None:
    first, again = due.tell("paid"), due.tell("paid")
    assert (first, first.counted, first.prize_state) == (again, "20.00", "paid")
    assert due.money()["paid"] == 2000


def test_a_prize_may_be_paid_in_parts(due: Cashier) -> None:
    assert due.tell("paid", payment_id="a", amount="15.00").prize_state == "claimed"
    assert due.tell("paid", payment_id="b", amount="5.00").prize_state == "paid"
    assert due.money()["paid"] == 2000


def test_a_second_payment_of_a_paid_prize_is_kept_and_not_counted(due: Cashier) -> None:
    due.tell("paid", payment_id="a")
    assert due.tell("paid", payment_id="b").counted == "0.00"
    assert due.tell("returned", payment_id="b").prize_state == "paid"
    assert due.money()["paid"] == 2000


def test_a_refused_payment_changes_nothing_and_a_returned_one_is_due_again(due: Cashier) -> None:
    due.tell("refused", payment_id="a")
    assert (state(due), due.money()["payable"]) == ("claimed", 2000)
    due.tell("paid", payment_id="b")
    due.tell("returned", payment_id="b")
    assert (state(due), due.money()["payable"]) == ("claimed", 2000)
    assert due.tell("paid", payment_id="c").prize_state == "paid"


@pytest.mark.parametrize("told", list(permutations(["refused", "paid", "returned"])))
def test_whatever_the_order_in_which_it_is_told_a_payment_ends_alike(told: tuple[str, ...], due: Cashier) -> None:
    for outcome in (*told, *told):
        due.tell(outcome)
    assert (state(due), due.money()["payable"]) == ("claimed", 2000)


def test_what_is_paid_for_an_order_that_came_back_is_owed_and_netted(due: Cashier) -> None:
    due.tell("paid")
    due.game.issue(due.game.order(returned=(1, 500)))
    assert (due.money()["recoverable"], due.money()["paid"], state(due)) == (500, 1500, "paid")
    assert due.tell("netted", payment_id="note-1", amount="2.00").counted == "2.00"
    due.tell("netted", payment_id="note-1", amount="2.00")
    assert due.money()["recoverable"] == 300
    with pytest.raises(Conflict) as refused:
        due.tell("netted", payment_id="note-2", amount="3.01")
    assert refused.value.code == "more-than-recoverable"


def test_what_nobody_gets_back_is_written_off_within_the_rules_bound(launch: Callable[..., Game]) -> None:
    pool = {"amount": "20000.00", "currency": "USD", "unrecovered_returns": "25.00"}
    cashier = Cashier(launch(pool=pool))
    tokens = {order: cashier.win(order) for order in ("o-1", "o-2")}
    cashier.wait()
    for order, token in tokens.items():
        cashier.claim(token)
        cashier.tell("paid", order, payment_id=f"p-{order}")
        cashier.game.issue(cashier.game.order(order, cancelled=True))
    first = cashier.game.play_of("o-1").token_id
    assert write_off_prize(cashier.game.ports, first, "the till closed down") == 2000
    assert write_off_prize(cashier.game.ports, first, "the till closed down") == 0
    with pytest.raises(Conflict) as refused:
        write_off_prize(cashier.game.ports, cashier.game.play_of("o-2").token_id, "also")
    assert refused.value.code == "above-unrecovered-returns"
    assert (cashier.money()["written_off"], cashier.money()["recoverable"]) == (2000, 2000)


def test_money_that_comes_back_for_an_order_that_came_back_goes_to_the_pool(due: Cashier) -> None:
    due.tell("paid")
    due.game.issue(due.game.order(cancelled=True))
    assert due.tell("returned").prize_state == "void"
    assert due.money() == {"expired": 2_000_000}


def test_a_prize_that_fell_while_it_was_being_paid_takes_only_what_is_due(due: Cashier) -> None:
    due.game.issue(due.game.order(returned=(1, 800)))
    answer = due.tell("paid")
    assert (answer.counted, answer.prize_state) == ("12.00", "paid")
    due.game.issue(due.game.order(cancelled=True))
    assert due.tell("paid", payment_id="late").counted == "0.00"
    assert due.money()["recoverable"] == 1200


def test_part_paid_and_then_cancelled_gives_back_the_rest_and_owes_the_part(due: Cashier) -> None:
    due.tell("paid", amount="5.00")
    due.game.issue(due.game.order(cancelled=True))
    assert state(due) == "paid"
    assert due.money()["recoverable"] == 500
    assert "payable" not in due.money()


def test_what_nobody_claimed_must_not_be_paid(cashier: Cashier) -> None:
    cashier.win()
    with pytest.raises(Conflict) as early:
        cashier.tell("paid")
    cashier.wait()
    with pytest.raises(Conflict) as unclaimed:
        cashier.tell("paid")
    assert (early.value.code, unclaimed.value.code) == ("not-claimed", "not-claimed")


def test_an_unplayed_token_has_no_prize_to_pay(cashier: Cashier) -> None:
    cashier.game.earn()
    with pytest.raises(Conflict) as refused:
        cashier.tell("paid")
    assert refused.value.code == "no-prize"


def test_one_id_is_one_payment(due: Cashier) -> None:
    due.tell("paid")
    for outcome, amount in (("paid", "19.99"), ("netted", "20.00")):
        with pytest.raises(Conflict) as refused:
            due.tell(outcome, amount=amount)
        assert refused.value.code == "payment-differs"


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "1.999"}, "amount"),
        ({"currency": "EUR"}, "currency"),
        ({"type": "order.stated"}, "type"),
        ({"payment_id": "DE89 3704 0044 0532 0130 00"}, "payment_id"),
        ({"iban": "x"}, "iban"),
    ],
)
def test_a_bad_message_names_the_field(changed: dict[str, str], where: str, due: Cashier) -> None:
    body = {"type": "prize.paid", "payment_id": "p", "token_id": due.game.play_of().token_id}
    with pytest.raises(Malformed) as refused:
        due.send(json.dumps({**body, "amount": "20.00", "currency": "USD", **changed}).encode())
    assert where in {problem.where for problem in refused.value.problems}


def test_only_the_retailer_of_the_play_may_tell(due: Cashier) -> None:
    with pytest.raises(Unauthenticated):
        due.send(b"{}", secret=b"somebody else's secret, 32 bytes or more")
    body = {"type": "prize.paid", "payment_id": "p", "token_id": "0" * 64, "amount": "1.00", "currency": "USD"}
    with pytest.raises(Unknown):
        due.send(json.dumps(body).encode())


@pytest.mark.parametrize("prize", [MUG, SIP], ids=["thing", "coupon"])
def test_a_thing_is_delivered_and_a_coupon_redeemed_the_same_way(
    prize: dict[str, Any], launch: Callable[..., Game]
) -> None:
    cashier = Cashier(launch(prizes=[prize], **SURE))
    token = cashier.win()
    with pytest.raises(Conflict):
        cashier.tell("paid", amount=None)
    cashier.wait()
    assert cashier.claim(token).prize.name == prize["name"]
    with pytest.raises(Malformed):
        cashier.tell("paid")
    assert cashier.tell("paid", amount=None).prize_state == "paid"
    assert cashier.tell("returned", amount=None).prize_state == "claimed"
    assert cashier.tell("paid", payment_id="again", amount=None).prize_state == "paid"
    cashier.game.issue(cashier.game.order(cancelled=True))
    assert (state(cashier), cashier.game.play_of().prize.fallen) == ("paid", True)
    assert cashier.tell("returned", payment_id="again", amount=None).prize_state == "void"
    assert cashier.game.books().problems == ()


def test_a_thing_whose_order_falls_is_not_put_back_into_the_stock(launch: Callable[..., Game]) -> None:
    cashier = Cashier(launch(prizes=[MUG], **SURE))
    cashier.win("o-1")
    cashier.game.issue(cashier.game.order("o-1", cancelled=True))
    cashier.win("o-2")
    tokens = [cashier.game.earn("o-3")]
    assert cashier.game.play(tokens[0]).prize.name == ""
    (mug, fallback) = cashier.game.books().prizes
    assert (mug.won, mug.granted, mug.void, mug.left, fallback.granted) == (3, 2, 1, 0, 0)
    assert cashier.game.books().problems == ()
