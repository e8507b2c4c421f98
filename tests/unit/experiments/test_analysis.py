"""The comparison of arms says what the textbook says, and nothing where nothing can be said."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tombola.experiments.analysis import ArmSums, compare, sample_ratio_mismatch, welch_interval

SHARE = Decimal("0.1")
amounts = st.lists(st.integers(-(10**7), 10**7), min_size=2, max_size=40).filter(lambda some: len(set(some)) > 1)


@given(amounts, amounts)
def test_the_interval_is_welchs(invited: list[int], control: list[int]) -> None:
    expected = stats.ttest_ind(invited, control, equal_var=False)
    bounds = expected.confidence_interval(0.95)
    found = welch_interval(ArmSums.of(invited), ArmSums.of(control))
    assert found.low == pytest.approx(bounds.low, rel=1e-6, abs=1e-3)
    assert found.high == pytest.approx(bounds.high, rel=1e-6, abs=1e-3)
    assert found.degrees_of_freedom == pytest.approx(expected.df, rel=1e-6)


def test_amounts_in_the_billions_lose_no_digit() -> None:
    near = [10**12 + offset for offset in (1, 2, 3, 4)]
    assert ArmSums.of(near).variance == ArmSums.of([1, 2, 3, 4]).variance


@given(st.integers(0, 400), st.integers(0, 60))
def test_the_split_is_tested_exactly(invited: int, control: int) -> None:
    total, share = invited + control, 0.1
    lower = stats.binom.cdf(control, total, share)
    upper = stats.binom.sf(control - 1, total, share)
    expected = min(1.0, 2 * min(lower, upper))
    assert sample_ratio_mismatch(invited, control, SHARE) == pytest.approx(expected, rel=1e-9)


def test_a_split_that_no_fair_assignment_gives_is_called_out() -> None:
    fair = compare(ArmSums(900, 0, 1), ArmSums(100, 0, 1), share=SHARE, prizes_minor=0)
    lost = compare(ArmSums(900, 0, 1), ArmSums(40, 0, 1), share=SHARE, prizes_minor=0)
    assert fair.balanced
    assert not lost.balanced


def test_prizes_come_off_the_invited_arm_and_leave_the_width_alone() -> None:
    found = compare(ArmSums.of([500, 700, 900]), ArmSums.of([300, 400, 500]), share=SHARE, prizes_minor=600)
    assert found.difference_minor == 300
    assert found.prize_minor == 200
    assert found.net_minor == 100
    assert found.interval is not None
    assert found.net_interval is not None
    assert found.net_interval.high - found.net_interval.low == pytest.approx(found.interval.high - found.interval.low)
    assert found.net_interval.low == pytest.approx(found.interval.low - 200)


def test_prizes_that_both_arms_could_win_come_off_neither() -> None:
    found = compare(ArmSums.of([5, 7]), ArmSums.of([3, 4]), share=SHARE, prizes_minor=None)
    assert found.net_minor is None
    assert found.net_interval is None


@pytest.mark.parametrize(
    ("invited", "control", "share", "why"),
    [
        ([5, 6, 7], [], Decimal(0), "no-control"),
        ([5, 6, 7], [], SHARE, "too-few-shoppers"),
        ([5, 6, 7], [4], SHARE, "too-few-shoppers"),
        ([5], [4, 5], SHARE, "too-few-shoppers"),
        ([], [], SHARE, "too-few-shoppers"),
        ([5, 5], [4, 4], SHARE, "no-spread"),
    ],
)
def test_too_little_to_say_gives_no_interval_and_a_reason(
    invited: list[int], control: list[int], share: Decimal, why: str
) -> None:
    found = compare(ArmSums.of(invited), ArmSums.of(control), share=share, prizes_minor=0)
    assert found.interval is None
    assert found.undecided == why
    assert not found.decided


def test_a_control_group_that_bought_nothing_has_no_ratio() -> None:
    found = compare(ArmSums.of([5, 6] * 30), ArmSums.of([0] * 30), share=SHARE, prizes_minor=0)
    assert found.ratio is None
    assert found.difference_minor == 5.5


@pytest.mark.parametrize(
    ("invited", "control", "ratio"),
    [
        ([5, 7] * 15, [3, 4] * 15, 12 / 7),
        ([5, 7] * 15, [3, 4] * 14 + [3], None),
        ([5, 7] * 14 + [5], [3, 4] * 15, None),
        ([0] * 29 + [10_000], [1] * 30, None),
    ],
    ids=["30 of each", "29 in control", "29 invited", "interval below having spent nothing"],
)
def test_a_ratio_is_told_only_where_it_means_something(
    invited: list[int], control: list[int], ratio: float | None
) -> None:
    found = compare(ArmSums.of(invited), ArmSums.of(control), share=SHARE, prizes_minor=0)
    assert found.ratio == (None if ratio is None else pytest.approx(ratio))
    assert found.difference_minor is not None


def test_a_clear_difference_is_told_from_chance() -> None:
    clear = compare(ArmSums.of([100, 101, 102] * 20), ArmSums.of([10, 11, 12] * 5), share=SHARE, prizes_minor=0)
    hazy = compare(ArmSums.of([0, 300] * 20), ArmSums.of([10, 280] * 5), share=SHARE, prizes_minor=0)
    assert clear.decided
    assert not hazy.decided
