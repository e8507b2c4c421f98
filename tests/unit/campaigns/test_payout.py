from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import permutations, product
from math import sqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tombola.campaigns.liability import liability
from tombola.campaigns.model import Campaign
from tombola.campaigns.payout import FEWEST_RUNS, simulate

Build = Callable[..., Campaign]
BASKET = {"name": "basket", "kind": "basket_value", "cap": "2.00"}
FIXED = {"name": "note", "kind": "fixed", "amount": "1.50"}
COUPON = {"name": "voucher", "kind": "coupon", "face_value": "0.70"}
BIKE = {"name": "bike", "kind": "physical", "value": "9.00", "stock": 1}


def by_odds(build: Build, pool: str, plays: int, *prizes: Mapping[str, object], fallback: str = "0.25") -> Campaign:
    return build(
        prizes=prizes,
        draw={"kind": "odds", "maximum_plays": plays},
        pool={"amount": pool, "currency": "USD"},
        when_empty={"fallback": {"kind": "fixed", "worth": fallback}},
        limits={},
    )


def by_moments(build: Build, *prizes: Mapping[str, object], **changed: Any) -> Campaign:  # noqa: ANN401 (any field)
    return build(prizes=prizes, draw={"kind": "winning_moments"}, **changed)


def outcomes(rules: Campaign, bases: Sequence[int], tokens: int) -> Iterator[tuple[Fraction, int]]:
    """Every outcome of a game by odds with its probability and its cost: spelled out, one play after the other."""
    chances = [prize.probability for prize in rules.prizes]
    sides = [(None, 1 - sum(chances)), *zip(rules.prizes, chances, strict=True)]
    for plays in product(product(sides, bases), repeat=tokens):
        probability, cost, left = Fraction(1), 0, rules.pool_minor
        stocks = {prize.name: prize.stock for prize in rules.prizes}
        for (prize, chance), base in plays:
            probability *= chance / len(bases)
            if prize is None:
                continue
            worth = rules.worth_minor(prize)
            stock = stocks[prize.name]
            granted = worth if prize.kind != "basket_value" else min(base, worth)
            if (prize.is_money and granted > left) or stock == 0:
                granted = rules.fallback_minor // (rules.most_tokens or 1)
            elif prize.is_money:
                left -= granted
            elif stock is not None:
                stocks[prize.name] = stock - 1
            cost += granted
        yield probability, cost


@pytest.mark.parametrize(
    ("pool", "tokens", "prizes"),
    [
        ("100.00", 3, [{**BASKET, "chance": "1/2"}]),
        ("2.00", 3, [{**BASKET, "chance": "1/2"}, {**FIXED, "chance": "1/3"}]),
        ("1.00", 3, [{**FIXED, "chance": "1/2"}]),
        ("3.00", 4, [{**FIXED, "chance": "3/4"}, {**BIKE, "chance": "1/8"}]),
        ("3.00", 2, [{**COUPON, "chance": "1/2"}, {**BIKE, "chance": "1/2"}]),
    ],
)
def test_the_simulated_mean_and_spread_are_those_of_all_outcomes_spelled_out(
    pool: str, tokens: int, prizes: list[Mapping[str, object]], campaign_with: Build
) -> None:
    rules, bases, runs = by_odds(campaign_with, pool, 10, *prizes), (100, 180, 500), 40_000
    exact = list(outcomes(rules, bases, tokens))
    assert sum(probability for probability, _ in exact) == 1
    mean = float(sum(probability * cost for probability, cost in exact))
    variance = float(sum(probability * cost**2 for probability, cost in exact)) - mean**2
    found = simulate(rules, bases, tokens, seed=1, runs=runs)
    error = sqrt(variance / runs)
    assert abs(found.expected_minor - mean) <= 4 * error + 1
    assert error * 0.95 <= found.standard_error_minor <= error * 1.05 + 1
    assert found.high_minor <= max(cost for _, cost in exact)
    likely = float(sum(probability for probability, cost in exact if cost <= found.high_minor))
    assert likely > 0.998


def test_every_moment_is_claimed_if_there_is_a_play_for_it(campaign_with: Build) -> None:
    rules = by_moments(campaign_with, {**FIXED, "moments": 3}, {**COUPON, "moments": 1})
    all_of_them = simulate(rules, (), 100, seed=1)
    assert (all_of_them.expected_minor, all_of_them.high_minor, all_of_them.standard_error_minor) == (520, 520, 0)
    assert (all_of_them.money_minor, all_of_them.wins, all_of_them.ran_out) == (450, 4.0, 0.0)
    half = simulate(rules, (), 2, seed=1)
    exact = [sum(pair) for pair in permutations((150, 150, 150, 70), 2)]
    assert half.expected_minor == pytest.approx(sum(exact) / len(exact), abs=3)
    assert simulate(rules, (), 0, seed=1).high_minor == 0


def test_the_same_seed_gives_the_same_answer_and_another_one_another(campaign: Campaign) -> None:
    bases = (500, 1_500, 4_000, 9_000)
    first, again, other = (simulate(campaign, bases, 30, seed) for seed in (1, 1, 2))
    assert first == again != other


def test_many_wins_a_run_are_simulated_in_fewer_runs(campaign_with: Build) -> None:
    rules = by_odds(campaign_with, "9999999.00", 10**6, {**FIXED, "chance": "1/20"})
    found = simulate(rules, (), 10**6, seed=1)
    assert found.runs == FEWEST_RUNS
    assert found.expected_minor == pytest.approx(7_500_000, rel=0.001)


def test_not_more_tokens_are_played_than_the_rules_let_be(campaign_with: Build) -> None:
    rules = by_odds(campaign_with, "10.00", 7, {**FIXED, "chance": "1/2"})
    assert simulate(rules, (), 10**9, seed=1).tokens == 7


def test_prizes_by_the_baskets_value_ask_for_baskets(campaign: Campaign) -> None:
    with pytest.raises(ValueError, match="no basket values; expected at least one"):
        simulate(campaign, (), 10, seed=1)


chances = st.sampled_from(["1/3", "1/4", "1/100", "1/6"])
moments = st.integers(1, 30)


@settings(max_examples=60)
@given(data=st.data())
def test_no_simulation_ever_costs_more_than_the_worst_case(data: st.DataObject, campaign_with: Build) -> None:
    odds = data.draw(st.booleans())
    how = {"chance": chances} if odds else {"moments": moments}
    kinds = data.draw(st.lists(st.sampled_from([BASKET, FIXED, COUPON, BIKE, {**COUPON, "stock": 2}]), max_size=2))
    prizes = [
        {**kind, "name": f"p{n}", **{field: data.draw(drawn) for field, drawn in how.items()}}
        for n, kind in enumerate([*kinds, BASKET])
    ]
    if odds:
        rules = by_odds(campaign_with, data.draw(st.sampled_from(["1.00", "2.50", "40.00"])), 60, *prizes)
    else:
        fallback = {"fallback": {"kind": "coupon", "worth": "0.30"}}
        rules = by_moments(campaign_with, *prizes, when_empty=fallback)
    bases = data.draw(st.lists(st.integers(0, 1_000), min_size=1, max_size=5))
    tokens = data.draw(st.integers(0, 80))
    found = simulate(rules, bases, tokens, seed=data.draw(st.integers(0, 99)), runs=200)
    worst = liability(rules)
    assert 0 <= found.expected_minor <= found.high_minor + found.standard_error_minor * 20 + 1
    assert found.high_minor <= worst.worst_case_minor
    assert found.expected_minor <= worst.worst_case_minor
    assert found.money_minor <= worst.money_minor + worst.fallback_minor
