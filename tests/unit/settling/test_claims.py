"""A prize is asked for with its token, once it is due; what is kept are dated facts, no bank data, no documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from tombola.errors import Conflict, Forbidden, Gone, Unauthenticated
from tombola.settling.claiming import ClaimRequest
from tombola.settling.usecases import settle_version

from .conftest import Cashier

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Game


def test_a_prize_that_is_due_is_claimed_once_and_answered_alike(cashier: Cashier) -> None:
    token = cashier.win()
    cashier.wait()
    first = cashier.claim(token)
    cashier.game.ports.clock.advance(cashier.game.launched.rules.play_within)
    again = cashier.claim(token, country="FR", age_confirmed="")
    assert (first, first.state, first.prize.amount) == (again, "claimed", "20.00")
    claim = cashier.game.play_of().prize.claim
    assert (claim.country, claim.age_confirmed, claim.rules_version) == ("US", "seen at the till", "1")


def test_a_prize_that_became_due_this_minute_need_not_wait_for_the_hour(cashier: Cashier) -> None:
    token = cashier.win()
    cashier.game.ports.clock.advance(cashier.game.launched.rules.matures_after)
    assert cashier.claim(token).state == "claimed"
    assert cashier.money()["payable"] == 2000
    settle_version(cashier.game.ports, "june-wheel", 1)
    assert cashier.game.play_of().prize.state == "claimed"


def test_what_the_rules_ask_for_is_all_named_at_once(cashier: Cashier) -> None:
    token = cashier.win()
    cashier.wait()
    with pytest.raises(Forbidden) as refused:
        cashier.claim(token, country="FR", age_confirmed=" ")
    assert refused.value.code == "not-eligible"
    assert [problem.where for problem in refused.value.problems] == ["country", "age_confirmed"]
    assert cashier.claim(token).state == "claimed"


def test_where_the_rules_ask_for_no_age_none_need_be_confirmed(launch: Callable[..., Game]) -> None:
    cashier = Cashier(launch(eligibility={"minimum_age": 0}))
    token = cashier.win()
    cashier.wait()
    assert cashier.claim(token, age_confirmed="").state == "claimed"


def test_a_claim_before_its_time_says_when(cashier: Cashier) -> None:
    token = cashier.win()
    with pytest.raises(Conflict) as refused:
        cashier.claim(token)
    assert refused.value.code == "not-due-yet"
    assert "2017-07-15T13:00:00" in refused.value.problems[0].expected


def test_a_prize_whose_order_no_system_of_record_stated_says_so(cashier: Cashier) -> None:
    token = cashier.win(authoritative=False)
    cashier.wait()
    with pytest.raises(Conflict) as refused:
        cashier.claim(token)
    assert "retailer's own system" in refused.value.problems[0].expected


def test_a_void_prize_is_gone(cashier: Cashier) -> None:
    token = cashier.win()
    cashier.game.issue(cashier.game.order(cancelled=True))
    with pytest.raises(Gone) as refused:
        cashier.claim(token)
    assert refused.value.code == "void-prize"


def test_an_unplayed_a_lost_and_a_forged_token_have_nothing_to_claim(launch: Callable[..., Game]) -> None:
    cashier = Cashier(launch(prizes=[{"name": "basket", "kind": "basket_value", "cap": "50.00", "moments": 1}]))
    cashier.game.ports.clock.advance(cashier.game.launched.rules.window.closes_at - cashier.game.ports.clock.now())
    tokens = [cashier.game.earn(f"o-{number}") for number in range(3)]
    cashier.game.play(tokens[0])
    cashier.game.play(tokens[1])
    codes = []
    for token in tokens[1:]:
        with pytest.raises(Conflict) as refused:
            cashier.claim(token)
        codes.append(refused.value.code)
    assert codes == ["no-prize", "not-played"]
    with pytest.raises(Unauthenticated):
        cashier.claim(tokens[0][:-3])


@pytest.mark.parametrize("age", ["passport 12AB34567", "two\nlines", "x" * 121])
def test_no_number_of_a_document_can_be_stated(age: str) -> None:
    with pytest.raises(ValidationError):
        ClaimRequest(token="t", country="US", age_confirmed=age)
