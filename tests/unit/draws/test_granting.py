"""What is granted never exceeds what there is, and what was looked at is rewritten."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.campaigns.model import Campaign
from tombola.draws.granting import Granted, Means, grant
from tombola.errors import Conflict
from tombola.games.ledger import ACCOUNTS, Balance, Posting, move, post
from tombola.games.plays import Play
from tombola.games.stocks import Stock

NOW = datetime(2017, 6, 15, 12, tzinfo=UTC)
OF = "june-wheel/v1"
PRIZES: list[dict[str, Any]] = [
    {"name": "basket", "kind": "basket_value", "cap": "50.00", "chance": "1/10"},
    {"name": "note", "kind": "fixed", "amount": "20.00", "chance": "1/10"},
    {"name": "sip", "kind": "coupon", "face_value": "1.50", "chance": "1/10"},
    {"name": "mug", "kind": "physical", "value": "9.00", "stock": 2, "chance": "1/10"},
]


def rules(**changed: Any) -> Campaign:  # noqa: ANN401 (any field of the file)
    return Campaign.model_validate(
        {
            "campaign": "june-wheel",
            "title": "June wheel",
            "sponsor": {"name": "Example Dairy", "kind": "brand"},
            "retailers": ["corner-shop"],
            "window": {"opens": "2017-06-15T00:00:00", "closes": "2017-06-22T00:00:00", "time_zone": "UTC"},
            "control": {"share": "0", "mode": "invitation"},
            "criteria": {},
            "game": "wheel",
            "prizes": PRIZES,
            "draw": {"kind": "odds", "maximum_plays": 1000},
            "when_empty": {"fallback": {"kind": "coupon", "worth": "1.00"}},
            "pool": {"amount": "2000.00", "currency": "USD"},
            "reveal_by": "2017-09-30T00:00:00Z",
            "eligibility": {
                "countries": ["US"],
                "minimum_age": 18,
                "age_checked": "at the claim",
                "excluded_persons": ["employees"],
                "excluded_categories": [],
                "rules_url": "https://rules.example/1",
                "rules_version": "1",
            },
            **changed,
        }
    )


def balance(name: str, amount: int) -> Balance:
    empty = Balance(campaign=OF, balance=name, currency="USD", accounts=dict.fromkeys(ACCOUNTS, 0))
    return post(empty, cause="launch", kind="fund", legs=move("funded", "available", amount), at=NOW)[0]


def play(base_minor: int) -> Play:
    return Play(
        campaign=OF,
        token_id="ab" * 32,
        retailer="corner-shop",
        tier=1,
        currency="USD",
        states=("open",),
        state_times=(NOW,),
        state_at=NOW,
        shard=f"{OF}/00",
        issued_at=NOW,
        expires_at=NOW + timedelta(days=14),
        matures_at=NOW + timedelta(days=30),
        base_minor=base_minor,
        authoritative=True,
        order_revision=1,
        signing_version=1,
    )


def granted(base_minor: int, prize: int, means: Means, campaign: Campaign | None = None) -> Granted:
    campaign = campaign or rules()
    return grant(campaign, play(base_minor), campaign.prizes[prize], means, NOW)


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=5), st.integers(0, 5000))
def test_a_prize_is_paid_in_full_from_what_there_is_or_not_at_all(amounts: list[int], base_minor: int) -> None:
    balances = [balance(str(number), amount) for number, amount in enumerate(amounts)]
    found = granted(base_minor, 0, Means(balances, code="CODE"))
    paid_in_full = sum(amounts) >= base_minor
    assert found.ran_out == (not paid_in_full)
    assert found.prize.reserved_minor == (base_minor if paid_in_full else 0)
    after = {record.balance: record for record in found.records if isinstance(record, Balance)}
    postings = [record for record in found.records if isinstance(record, Posting)]
    assert all(sum(each.accounts.values()) == 0 and each.accounts["available"] >= 0 for each in after.values())
    assert sum(posting.legs["reserved"] for posting in postings) == found.prize.reserved_minor
    assert {name: one.reserved_minor for name, one in found.prize.portions.items()} == {
        posting.balance: posting.legs["reserved"] for posting in postings
    }
    assert set(after) == set(found.prize.portions) if paid_in_full else len(after) == len(balances)


def test_a_win_that_no_balance_can_pay_alone_draws_on_several() -> None:
    found = granted(5000, 0, Means([balance("1", 3000), balance("0", 2500)]))
    assert {name: one.reserved_minor for name, one in found.prize.portions.items()} == {"1": 3000, "0": 2000}
    assert (found.witness["sequences"], found.witness["available_minor"]) == ({"1": 2, "0": 2}, 500)


def test_the_first_balance_that_can_pay_alone_does() -> None:
    found = granted(1000, 0, Means([balance("1", 999), balance("0", 2500)]))
    assert list(found.prize.portions) == ["0"]


def test_an_empty_pool_gives_the_fallback_and_rewrites_what_it_saw() -> None:
    found = granted(0, 1, Means([balance("0", 1999)], code="SIP"))
    assert (found.prize.name, found.prize.kind, found.prize.worth_minor, found.prize.code) == (
        "fallback", "coupon", 100, "SIP",
    )  # fmt: skip
    (rewritten,) = found.records
    assert isinstance(rewritten, Balance)
    assert (rewritten.revision, rewritten.accounts["available"], found.ran_out) == (3, 1999, True)


def test_a_loss_that_was_announced_grants_nothing() -> None:
    campaign = rules(when_empty={"announced": "While the money lasts"})
    found = granted(0, 1, Means([balance("0", 1999)]), campaign)
    assert (found.prize.name, found.prize.state, found.ran_out) == ("", "none", True)


def test_a_fallback_in_money_is_paid_from_what_was_set_aside_for_it() -> None:
    campaign = rules(when_empty={"fallback": {"kind": "fixed", "worth": "1.00"}})
    assert campaign.fallback_minor == 100_000
    found = granted(0, 1, Means([balance("0", 1999)], balance("fallback", 100)), campaign)
    assert ({name: one.reserved_minor for name, one in found.prize.portions.items()}, found.prize.name) == (
        {"fallback": 100}, "fallback",
    )  # fmt: skip
    with pytest.raises(Conflict, match="opened with one for every token"):
        granted(0, 1, Means([balance("0", 1999)], balance("fallback", 99)), campaign)


def test_a_thing_comes_from_its_stock_and_the_last_one_only_once() -> None:
    last = Stock(campaign=OF, prize="mug", left=1)
    found = granted(0, 3, Means(stock=last))
    assert (found.prize.kind, found.prize.worth_minor, found.witness) == ("physical", 900, {"stock_left": 0})
    (left,) = found.records
    assert isinstance(left, Stock)
    gone = granted(0, 3, Means(stock=left, code="SIP"))
    assert (gone.prize.name, gone.ran_out, gone.witness) == ("fallback", True, {"stock_left": 0})


def test_a_coupon_without_a_stock_never_runs_out_and_writes_nothing() -> None:
    found = granted(0, 2, Means(code="SIP"))
    assert (found.prize.kind, found.prize.code, found.prize.worth_minor, found.records) == ("coupon", "SIP", 150, ())


def test_a_basket_worth_nothing_wins_nothing_and_empties_nothing() -> None:
    found = granted(0, 0, Means([balance("0", 10)]))
    assert (found.prize.name, found.prize.state, found.ran_out) == ("basket", "none", False)
