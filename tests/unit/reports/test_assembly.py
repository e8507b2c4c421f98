"""From facts to figures: local days, what is named and what is not, and lines that must add up."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.campaigns.model import Campaign, Launched
from tombola.experiments.analysis import ArmSums
from tombola.games.ledger import ACCOUNTS
from tombola.reports.assembly import assemble
from tombola.reports.facts import SMALLEST_STORE, CampaignFacts, Happened, PlayTotals, Shoppers, StoreTotals
from tombola.reports.model import CampaignReport
from tombola.reports.stores import store_rows
from tombola.settling.reconciling import Reconciliation

RULES: dict[str, Any] = {
    "campaign": "june-wheel",
    "title": "June wheel",
    "sponsor": {"name": "Example Dairy", "kind": "brand"},
    "retailers": ["corner-shop"],
    "window": {"opens": "2017-06-15T00:00:00", "closes": "2017-06-18T00:00:00", "time_zone": "America/New_York"},
    "control": {"share": "0.1", "mode": "invitation"},
    "criteria": {},
    "game": "wheel",
    "prizes": [{"name": "basket", "kind": "basket_value", "cap": "50.00", "moments": 5}],
    "draw": {"kind": "winning_moments"},
    "pool": {"amount": "100.00", "currency": "USD"},
    "reveal_by": "2017-12-30T00:00:00Z",
    "eligibility": {
        "countries": ["US"], "minimum_age": 18, "age_checked": "at the claim", "excluded_persons": ["staff"],
        "excluded_categories": [], "rules_url": "https://rules.example/1", "rules_version": "1",
    },
}  # fmt: skip
AFTER = datetime(2017, 8, 1, tzinfo=UTC)
PLAYS = (
    PlayTotals(1, "open", "none", won=False, plays=3, reserved_minor=0, released_minor=0, payable_minor=0),
    PlayTotals(1, "played", "none", won=False, plays=6, reserved_minor=0, released_minor=0, payable_minor=0),
    PlayTotals(1, "played", "reserved", won=True, plays=1, reserved_minor=900, released_minor=200, payable_minor=0),
    PlayTotals(1, "played", "matured", won=True, plays=1, reserved_minor=500, released_minor=0, payable_minor=500),
    PlayTotals(1, "played", "paid", won=True, plays=1, reserved_minor=400, released_minor=0, payable_minor=0),
    PlayTotals(1, "played", "void", won=True, plays=1, reserved_minor=300, released_minor=300, payable_minor=0),
    PlayTotals(1, "revoked", "none", won=False, plays=2, reserved_minor=0, released_minor=0, payable_minor=0),
)
SHOPPERS = Shoppers(ArmSums.of([500, 700, 900]), ArmSums.of([300, 400]), in_both_arms=0)


def books(**changed: Any) -> Reconciliation:  # noqa: ANN401 (any figure of the books)
    accounts = dict.fromkeys(ACCOUNTS, 0) | {"available": 8400, "reserved": 700, "payable": 500, "paid": 400}
    figures: dict[str, Any] = {
        "campaign": "june-wheel", "version": 1, "currency": "USD", "tokens": 15, "entries": 15, "played": 10,
        "wins": 4, "claims": 4, "moments": 5, "prizes": (), "closed": False, "unclaimed": "",
        "won_minor": 2100, "released_minor": 500, "difference_minor": 0,
        "accounts_balances": accounts, "accounts_postings": accounts, "accounts_plays": accounts, "problems": (),
    }  # fmt: skip
    return Reconciliation.model_validate({**figures, **changed})


def report(
    *,
    plays: tuple[PlayTotals, ...] = PLAYS,
    happened: tuple[Happened, ...] = (),
    shoppers: Shoppers = SHOPPERS,
    stores: tuple[StoreTotals, ...] = (),
    foreign: int = 0,
    as_of: datetime = AFTER,
    told: Reconciliation | None = None,
    **rules: Any,  # noqa: ANN401 (any field of the file)
) -> CampaignReport:
    launched = Launched(
        rules=Campaign.model_validate({**RULES, **rules}), version=1, rules_hash="00", witness="w",
        commitment={"id_key": "1d", "seed": "5e"},
        launched_at=AFTER, status="launched",
    )  # fmt: skip
    facts = CampaignFacts(plays, happened, shoppers, stores, 0, foreign)
    return assemble(launched, AFTER, facts, told or books(), as_of)


def failing(made: CampaignReport) -> list[str]:
    return [check.what for check in made.checks if not check.holds]


def test_the_figures_add_up_and_agree_with_the_books() -> None:
    made = report()
    assert made.reconciled, failing(made)
    assert made.counts.tokens_issued == 15
    assert made.counts.wins == 4
    money = made.money
    assert (money.waiting_minor, money.payable_minor, money.paid_minor, money.left_minor) == (700, 500, 400, 8400)
    assert money.prizes_minor == 1600


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"tokens": 16, "entries": 16}, "Tokens in the warehouse = tokens in the books"),
        ({"entries": 14}, "Tokens = entries that qualified"),
        ({"wins": 3}, "Wins in the warehouse = wins in the books"),
        ({"released_minor": 0}, "Money released = released in the books"),
        ({"difference_minor": 1}, "Largest difference of balances, postings and plays"),
        ({"problems": ("2 claims without a play",)}, "The books"),
    ],
)
def test_a_figure_the_books_do_not_confirm_fails_its_line(changed: dict[str, Any], what: str) -> None:
    made = report(told=books(**changed))
    assert failing(made) == [what]
    assert not made.reconciled


def test_a_play_in_a_state_nobody_knows_a_shopper_in_both_arms_or_foreign_money_is_seen() -> None:
    odd = PlayTotals(1, "lost", "none", won=False, plays=1, reserved_minor=0, released_minor=0, payable_minor=0)
    made = report(plays=(*PLAYS, odd), shoppers=Shoppers(SHOPPERS.invited, SHOPPERS.control, in_both_arms=2), foreign=3)
    assert set(failing(made)) >= {
        "Tokens issued = open + played + expired + revoked",
        "Shoppers seen in both groups",
        "Orders in a currency other than the campaign's",
    }


def test_days_are_those_of_the_shops_clock_and_quiet_ones_are_zero() -> None:
    late = Happened(datetime(2017, 6, 16, 3, 45, tzinfo=UTC), plays=2, wins=1, reserved_minor=700)  # 23:45, the 15th
    early = Happened(datetime(2017, 6, 17, 4, 0, tzinfo=UTC), plays=1, reserved_minor=50)  # midnight, the 17th
    days = report(happened=(late, early)).days
    assert [day.day for day in days] == [date(2017, 6, 15), date(2017, 6, 16), date(2017, 6, 17)]
    assert [day.plays for day in days] == [2, 0, 1]
    assert [day.cumulative_reserved_minor for day in days] == [700, 700, 750]


def test_plays_after_the_close_have_their_days_and_days_to_come_have_none() -> None:
    after = Happened(datetime(2017, 6, 20, 12, tzinfo=UTC), plays=1)
    assert report(happened=(after,)).days[-1].day == date(2017, 6, 20)
    running = report(as_of=datetime(2017, 6, 16, 12, tzinfo=UTC))
    assert [day.day for day in running.days] == [date(2017, 6, 15), date(2017, 6, 16)]
    assert len(report(as_of=datetime(2016, 1, 1, tzinfo=UTC)).days) == 1


def test_a_stray_fact_of_another_century_makes_no_endless_table() -> None:
    stray = Happened(datetime(1970, 1, 1, tzinfo=UTC), proposals=1)
    assert [day.day.year for day in report(happened=(stray,)).days] == [1969, 2017]


def store(name: str, shoppers: int, orders: int = 9, value_minor: int = 1000) -> StoreTotals:
    return StoreTotals("corner-shop", name, orders, shoppers, value_minor)


def test_a_store_of_few_shoppers_is_never_named() -> None:
    stores = (store("big", 20, 40, 90_000), store("tiny", 4, 9, 99_000), store("small", 1, 1, 500))
    named, rest = store_rows(stores, 5)
    assert (named.store_id, named.orders) == ("big", 40)
    assert (rest.store_id, rest.stores, rest.orders, rest.value_minor) == (None, 2, 10, 99_500)


@pytest.mark.parametrize(("small", "together"), [((4,), 4), ((1, 1), 1), ((1, 1, 1, 1, 1), 1), ((2, 2), 4)])
def test_where_the_small_stores_have_few_shoppers_together_a_named_one_joins_them(
    small: tuple[int, ...], together: int
) -> None:
    stores = (store("big", 20), store("middle", 6, 12), *(store(f"small-{n}", each) for n, each in enumerate(small)))
    named, rest = store_rows(stores, together)
    assert named.store_id == "big"
    assert (rest.store_id, rest.stores, rest.orders) == (None, 1 + len(small), 12 + 9 * len(small))


def test_where_nobody_is_left_to_join_them_the_small_stores_say_nothing() -> None:
    (rest,) = store_rows((store("tiny", 4), store("small", 1)), 4)
    assert rest.model_dump() == dict.fromkeys(("retailer", "store_id", "orders", "shoppers", "value_minor")) | {
        "stores": 2
    }


@given(st.lists(st.integers(0, 12), max_size=15))
def test_no_row_of_a_store_stands_for_few_shoppers(shoppers: list[int]) -> None:
    stores = tuple(store(str(n), each, value_minor=each * n) for n, each in enumerate(shoppers))
    worst = max((each for each in shoppers if each < SMALLEST_STORE), default=0)  # all were in the one store
    rows = store_rows(stores, worst)
    assert sum(row.stores for row in rows) == len(stores)
    named = [each for each in stores if each.store_id in {row.store_id for row in rows}]
    others = [each.shoppers for each in stores if each not in named]
    assert all(each.shoppers >= SMALLEST_STORE for each in named)
    assert all(max(others) >= SMALLEST_STORE for row in rows if row.store_id is None and row.orders is not None)


def test_only_the_ten_stores_that_took_most_are_listed() -> None:
    stores = tuple(StoreTotals("corner-shop", str(n), 10, 10, 1000 * n) for n in range(15))
    rows = report(stores=stores).stores
    assert [row.store_id for row in rows] == ["14", "13", "12", "11", "10", "9", "8", "7", "6", "5", None]
    assert sum(row.value_minor for row in rows) == sum(store.value_minor for store in stores)


def test_prizes_come_off_only_where_none_but_the_invited_could_win() -> None:
    assert report().experiment.prize_minor == pytest.approx(1600 / 3)
    shared = report(control={"share": "0.1", "mode": "banner"}).experiment
    assert shared.prize_minor is None
    assert shared.net_interval is None


def test_a_basket_that_earned_two_tiers_counts_once() -> None:
    second = PlayTotals(2, "played", "none", won=False, plays=5, reserved_minor=0, released_minor=0, payable_minor=0)
    counts = report(plays=(*PLAYS, second)).counts
    assert (counts.qualifying_baskets, counts.tokens_issued) == (15, 20)


def test_a_campaign_in_which_nothing_happened_has_a_report() -> None:
    nothing = dict.fromkeys(ACCOUNTS, 0) | {"available": 10_000}
    told = books(tokens=0, entries=0, wins=0, won_minor=0, released_minor=0, accounts_balances=nothing)
    made = report(plays=(), shoppers=Shoppers(ArmSums(0, 0, 0), ArmSums(0, 0, 0), 0), told=told)
    assert made.reconciled, failing(made)
    assert made.money.left_minor == made.money.pool_minor


def test_keys_that_were_not_revealed_in_time_are_a_line_that_does_not_hold() -> None:
    due = datetime.fromisoformat(RULES["reveal_by"])
    assert failing(report(as_of=due)) == []
    assert failing(report(as_of=due + timedelta(seconds=1))) == ["Keys revealed in time"]
