from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tombola.appraisals.overlaps import overlaps, tokens_of_one_basket
from tombola.campaigns.model import Campaign, Launched

Build = Callable[..., Campaign]
YOGURT = {"all": [{"of": {"categories": ["YOGURT"]}, "minimum_quantity": 1}]}
BEER = {"all": [{"of": {"categories": ["BEER"]}, "minimum_quantity": 1}]}


def window(opens: str, closes: str) -> Mapping[str, str]:
    return {"opens": f"{opens}T00:00:00", "closes": f"{closes}T00:00:00", "time_zone": "UTC"}


@pytest.fixture
def running(campaign_with: Build) -> Callable[..., Launched]:
    def launched(name: str, **changed: Any) -> Launched:  # noqa: ANN401 (any field)
        rules = campaign_with(campaign=name, **changed)
        at = rules.window.opens_at
        return Launched(
            rules=rules, version=1, rules_hash="", witness="w", commitment={}, launched_at=at, status="launched"
        )

    return launched


@pytest.mark.parametrize(
    ("changed", "both_mean"),
    [
        ({"criteria": YOGURT}, {"brands": ("National",), "categories": ("YOGURT",)}),
        ({"criteria": BEER}, None),
        ({"criteria": {"all": [{"minimum_spend": 5}]}}, {"brands": ("National",), "categories": ("YOGURT",)}),
        ({"criteria": BEER, "further_tiers": [YOGURT]}, {"brands": ("National",), "categories": ("YOGURT",)}),
        ({"criteria": {"any": [{"bundle": [{"of": {"products": ["p1"]}}], "minimum_bundles": 1}]}},
         {"products": ("p1",), "brands": ("National",), "categories": ("YOGURT",)}),
        ({"criteria": YOGURT, "retailers": ["elsewhere"]}, None),
        ({"criteria": YOGURT, "window": window("2027-04-02", "2027-05-01")}, None),
    ],
)  # fmt: skip
def test_campaigns_overlap_where_one_basket_may_be_meant_by_both(
    changed: Mapping[str, object], both_mean: Mapping[str, object] | None, campaign: Campaign,
    running: Callable[..., Launched],
) -> None:  # fmt: skip
    found = overlaps(campaign, [running("other", **changed)])
    assert [overlap.both_mean for overlap in found] == ([] if both_mean is None else [both_mean])


def test_campaigns_for_any_basket_overlap_anywhere(campaign_with: Build, running: Callable[..., Launched]) -> None:
    anything = {"all": [{"minimum_spend": 5}]}
    (overlap,) = overlaps(campaign_with(criteria=anything), [running("other", criteria=anything)])
    assert overlap.both_mean == {}


def test_an_overlap_says_when_and_where(campaign: Campaign, running: Callable[..., Launched]) -> None:
    other = running("other", window=window("2027-03-20", "2027-06-01"), channels=["web"], stores=["1"])
    (overlap,) = overlaps(campaign, [other])
    assert (overlap.begins_at, overlap.ends_at) == (
        datetime(2027, 3, 20, tzinfo=UTC), campaign.window.closes_at,
    )  # fmt: skip
    assert (overlap.retailers, overlap.channels) == (("corner-shop",), ("web",))


def test_campaigns_of_different_stores_or_channels_do_not_overlap(
    campaign_with: Build, running: Callable[..., Launched]
) -> None:
    rules = campaign_with(stores=["1"], channels=["web"])
    assert overlaps(rules, [running("other-a", stores=["2"]), running("other-b", channels=["store", "app"])]) == ()


def test_a_new_version_does_not_overlap_the_one_it_replaces(
    campaign: Campaign, running: Callable[..., Launched]
) -> None:
    assert overlaps(campaign, [running(campaign.campaign)]) == ()
    assert tokens_of_one_basket(campaign, [running(campaign.campaign)]) == 1


def test_one_basket_earns_of_every_campaign_that_is_open_at_once(
    campaign_with: Build, running: Callable[..., Launched]
) -> None:
    rules = campaign_with(further_tiers=[BEER])
    early, late = window("2027-02-01", "2027-03-05"), window("2027-03-20", "2027-04-20")
    others = [
        running("other-a", window=early),
        running("other-b", window=early, channels=["web"], further_tiers=[BEER, BEER]),
        running("other-c", window=late, criteria=BEER, further_tiers=[YOGURT]),
        running("other-d", retailers=["elsewhere"]),
    ]
    assert tokens_of_one_basket(rules, others) == 2 + 1 + 3
    assert tokens_of_one_basket(rules, others[2:]) == 2 + 2
    assert tokens_of_one_basket(rules, []) == 2
