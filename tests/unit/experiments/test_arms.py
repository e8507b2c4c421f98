from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.experiments.arms import Assignment, arm

SHOPPERS = [f"{number:032x}" for number in range(20_000)]


def controls(campaign: str, share: Decimal, version: int = 1) -> set[str]:
    return {shopper for shopper in SHOPPERS if arm(campaign, version, shopper, share).arm == "control"}


@pytest.mark.parametrize("share", ["0.01", "0.10", "0.5"])
def test_the_control_group_is_as_large_as_its_share(share: str) -> None:
    expected = float(share) * len(SHOPPERS)
    deviation = (expected * (1 - float(share))) ** 0.5
    assert abs(len(controls("spring-wheel", Decimal(share))) - expected) < 4 * deviation


def test_an_arm_never_changes_over_a_campaigns_versions() -> None:
    share = Decimal("0.1")
    assert controls("spring-wheel", share, 1) == controls("spring-wheel", share, 2)


def test_two_campaigns_draw_their_control_groups_independently() -> None:
    both = controls("spring-wheel", Decimal("0.1")) & controls("autumn-wheel", Decimal("0.1"))
    assert 120 < len(both) < 290


def test_a_larger_share_keeps_everybody_who_was_control_before() -> None:
    groups = [controls("spring-wheel", Decimal(share)) for share in ("0", "0.05", "0.1", "0.9", "1")]
    assert all(smaller <= larger for smaller, larger in pairwise(groups))
    assert not groups[0]
    assert len(groups[-1]) == len(SHOPPERS)


def test_arms_do_not_change_with_a_release() -> None:
    drawn = [arm("spring-wheel", 1, shopper, Decimal("0.5")).arm for shopper in ("a", "b", "c", "d", "e", "f")]
    assert drawn == ["control", "invited", "control", "invited", "invited", "control"]


@given(st.text(), st.text(), st.decimals(0, 1, places=4))
def test_the_propensity_is_that_of_the_arm_drawn(campaign: str, shopper: str, share: Decimal) -> None:
    expected = {"control": Assignment("control", float(share)), "invited": Assignment("invited", float(1 - share))}
    drawn = arm(campaign, 1, shopper, share)
    assert drawn == expected[drawn.arm]
    assert drawn.propensity > 0
