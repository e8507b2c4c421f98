import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tombola.campaigns.checking import CheckedCampaign, check
from tombola.retailers.model import Dialect, Retailer
from tombola.yaml_text import read

Known = Mapping[str, Retailer]
Fields = Mapping[str, Any]
Dump = Callable[[Fields], str]
FALLBACK = {"fallback": {"kind": "fixed", "worth": "0.50"}}
ODDS: Fields = {
    "draw": {"kind": "odds", "maximum_plays": 5000},
    "prizes": [{"name": "basket", "kind": "basket_value", "cap": "50.00", "chance": "1/100"}],
    "when_empty": FALLBACK,
}
NOTE = {"name": "note", "kind": "fixed", "amount": "1.00"}
BIKE = {"name": "bike", "kind": "physical", "value": "900.00"}
VOUCHER = {"name": "voucher", "kind": "coupon", "face_value": "2.00"}
YOGURT = {"of": {"categories": ["YOGURT"]}, "minimum_quantity": 2}


def audience(**segment: object) -> Fields:
    return {"audience": {"consent": "profile", "segments": [segment]}}


@pytest.fixture
def found(campaign_text: str, retailers: Known) -> Callable[[Fields], list[tuple[str, str]]]:
    """Check the file with some fields changed; return fields and words of its faults, or else of its warnings."""

    def of(changed: Fields) -> list[tuple[str, str]]:
        checked = check(json.dumps({**read(campaign_text).value, **changed}), retailers)
        if isinstance(checked, CheckedCampaign):
            return [(f"warning: {each.where.partition(': ')[2]}", each.says) for each in checked.warnings]
        return [(each.where.partition(": ")[2], f"{each.found}; {each.expected}") for each in checked]

    return of


@pytest.mark.parametrize(
    ("changed", "where", "words"),
    [
        ({**ODDS, "prizes": [{**NOTE, "chance": "2/3"}, {**VOUCHER, "chance": "1/2"}]}, "prizes", "1.167 together"),
        ({**ODDS, "prizes": [{**NOTE, "chance": "1e-999999999"}]}, "prizes #1.chance", "1e-999999999"),
        ({**ODDS, "when_empty": None}, "when_empty", "nothing; with odds, a fallback or the words"),
        ({**ODDS, "draw": {"kind": "odds"}}, "draw", "odds without maximum_plays"),
        ({"draw": {"kind": "winning_moments", "maximum_plays": 5}}, "draw", "winning_moments with maximum_plays"),
        ({**ODDS, "draw": {"kind": "winning_moments"}}, "prizes #1", "no moments; moments, as the draw is by"),
        ({**ODDS, "draw": {"kind": "winning_moments"}}, "prizes #1.chance", "1/100; none, as the draw is by"),
        ({"draw": ODDS["draw"], "when_empty": FALLBACK}, "prizes #1.moments", "40; none, as the draw is by odds"),
        ({"prizes": [{**BIKE, "moments": 3, "stock": 2}]}, "prizes #1.stock", "2; at least the 3 moments"),
        ({"prizes": [{**VOUCHER, "moments": 3, "stock": 2}]}, "prizes #1.stock", "2; at least the 3 moments"),
        ({"prizes": [{**NOTE, "moments": 1}] * 2}, "prizes #2.name", "'note' a second time"),
        ({"prizes": [{**NOTE, "moments": 1, "name": "fallback"}]}, "prizes #1.name", "another name"),
        ({**ODDS, "pool": {"amount": 40, "currency": "USD"}}, "prizes #1.cap", "50.00; at most the pool, 40 USD"),
        ({"when_empty": FALLBACK, "limits": {}}, "when_empty.fallback", "limits.per_campaign: money is set aside"),
        ({"limits": {"per_day": 10**7}}, "limits.per_day", "115.7 a second; at most 16 a second"),
        (
            {"limits": {"per_week": 20_000}, "weekly_hours": [{"days": ["sunday"], "ends": "00:10"}]},
            "limits.per_week", "20000 tokens in 0.2 open hours, 33.3 a second",
        ),
        ({**ODDS, "draw": {"kind": "odds", "maximum_plays": 10**8}, "limits": {"per_shopper": 1},
          "prizes": [{**NOTE, "chance": "1/2"}]}, "draw.maximum_plays", "18.7 wins of money a second"),
        ({**ODDS, "draw": {"kind": "odds", "maximum_plays": 10**8}}, "draw.maximum_plays", "37.4 a second; at most 16"),
        ({**ODDS, "draw": {"kind": "odds", "maximum_plays": 10**7}, "limits": {"per_shopper": 1},
          "prizes": [{**VOUCHER, "chance": "1/2", "stock": 10}]}, "prizes #1.stock", "1.9 wins a second"),
        ({"audience": {"segments": [{"bought_within_weeks": 4}]}}, "audience.consent", "'none'; a purpose"),
        (audience(bought_within_weeks=4, not_bought_for_weeks=8), "audience.segments #1.bought_within_weeks", "more"),
        (audience(new_within_weeks=4, not_bought_for_weeks=8), "audience.segments #1.new_within_weeks", "than"),
        (audience(minimum_orders=1, within_weeks=4, not_bought_for_weeks=8), "audience.segments #1.within_weeks", "4"),
        (audience(minimum_orders=3, maximum_orders=2), "audience.segments #1.maximum_orders", "2; at least"),
        (audience(affinity=[{"of": {"departments": ["FUEL"]}}]), "audience.segments #1.affinity #1.of", "departments;"),
        (audience(affinity=[{"of": {"brands": ["a"], "categories": ["b"]}}]), "audience.segments #1.affinity #1.of",
         "brands and categories; one of products, brands, categories"),
        (audience(minimum_spend="0.005"), "audience.segments #1.minimum_spend", "at most 2 decimals"),
        ({"weekly_hours": [{"days": ["monday"], "begins": "09:00", "ends": "08:00"}]}, "weekly_hours #1", "time after"),
        ({"weekly_hours": [{"days": ["monday"], "begins": "09:00Z", "ends": "17:00Z"}]}, "weekly_hours #1.begins",
         "with a zone; a local time"),
        ({"weekly_hours": [{"days": ["monday"], "ends": "17:00+02:00"}]}, "weekly_hours #1.ends", "with a zone"),
        ({"window": {"opens": "2027-03-01T00:00", "closes": "2027-03-03T00:00", "time_zone": "UTC"},
          "weekly_hours": [{"days": ["friday"]}]}, "weekly_hours #1", "hours on friday that never come"),
        ({"criteria": {"all": [{"minimum_spend": 5, "maximum_spend": 4}]}}, "criteria.all #1.maximum_spend", "4;"),
        ({"further_tiers": [{"all": [{"minimum_spend": "0.001"}]}]}, "further_tiers #1.all #1.minimum_spend", "2 dec"),
        ({"pool": {"amount": 2000, "currency": "USD", "unrecovered_returns": 2001}}, "pool.unrecovered_returns",
         "2001; at most the pool, 2000"),
        ({"free_entry": {"amount": "1.001", "how": "by post"}}, "free_entry.amount", "at most 2 decimals"),
        ({"window": {"opens": "2027-03-01T00:00", "closes": "9999-12-31T00:00", "time_zone": "UTC"}}, "window.closes",
         "the year 9999; 1900 to 2199"),
        ({"reveal_by": "9999-12-31T23:59:59-12:00"}, "reveal_by", "the year 9999; 1900 to 2199"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_with_its_place(
    changed: Fields, where: str, words: str, found: Callable[[Fields], list[tuple[str, str]]]
) -> None:
    faults = found(changed)
    assert [said for place, said in faults if place == where and words in said], faults


@pytest.mark.parametrize(
    ("changed", "where", "words"),
    [
        ({**ODDS, "prizes": [{**BIKE, "stock": 4, "chance": "1/1000"}]}, "prizes #1.stock", "5 wins are to be"),
        ({"prizes": [{**VOUCHER, "moments": 3, "stock": 2}], "when_empty": FALLBACK}, "prizes #1.stock", "2 for 3"),
        ({"when_empty": FALLBACK}, "when_empty.fallback", "is never won"),
        ({"limits": {"per_day": 500_000}}, "limits.per_day", "at 4 times the average its 16 slots"),
        ({"limits": {"per_day": 30, "per_week": 20}}, "limits.per_day", "30 is never reached: per_week is 20"),
        ({**ODDS, "limits": {"per_campaign": 5001}}, "limits.per_campaign", "never reached: maximum_plays is 5000"),
        (audience(), "audience.segments #1", "states nothing"),
        ({"further_tiers": [{"all": [{"of": {"categories": ["GIFT CARDS"]}, "minimum_quantity": 1}]},
                            {"all": [{"minimum_spend": "9.00"}]}]}, "further_tiers #2", "asks for no more"),
        ({}, "eligibility.countries #1", "US may ask for a way to take part without buying"),
        ({"matures_after_days": 0}, "pool.unrecovered_returns", "prizes are due at once"),
        ({"retailers": ["mapped"], "first_order": True}, "retailers #1", "first_order needs shopper_id"),
        ({"retailers": ["mapped"], "limits": {"per_household": 2}}, "retailers #1", "needs household_id"),
    ],
)  # fmt: skip
def test_what_is_doubtful_is_accepted_with_a_warning(
    changed: Fields, where: str, words: str, found: Callable[[Fields], list[tuple[str, str]]]
) -> None:
    warnings = found(changed)
    assert [said for place, said in warnings if place == f"warning: {where}" and words in said], warnings


@pytest.mark.parametrize(
    "changed",
    [
        {**ODDS, "prizes": [{**NOTE, "chance": "1/2"}, {**VOUCHER, "chance": "0.5"}]},
        {"free_entry": {"amount": "5.00", "how": "by post"}},
        {"further_tiers": [{"all": [{"minimum_spend": "10.01"}]}]},
        {"further_tiers": [{"all": [{**YOGURT, "minimum_quantity": 3}]}]},
        {"further_tiers": [{"none": [{"of": {"categories": ["GIFT CARDS"]}, "minimum_quantity": 2}, YOGURT]}]},
        {"weekly_hours": [{"days": ["sunday"], "begins": "23:00"}]},
        {"retailers": ["corner-shop"], "first_order": True, "limits": {"per_household": 2, "per_shopper": 2}},
        audience(bought_within_weeks=9, not_bought_for_weeks=8, lists=["vip"]),
        {"prizes": [{**BIKE, "moments": 3, "stock": 3}, {**VOUCHER, "moments": 3}]},
    ],
)
def test_what_is_sound_is_neither_refused_nor_warned_about(
    changed: Fields, found: Callable[[Fields], list[tuple[str, str]]]
) -> None:
    reminders = {"warning: eligibility.countries #1"}
    assert {place for place, _ in found(changed)} <= reminders


def test_a_file_with_five_faults_names_all_five(campaign_text: str, retailers: Known) -> None:
    five = {
        "control": {"share": 1, "mode": "invitation"},
        "criteria": {"all": [{"minimum_quantity": 3, "maximum_quantity": 2}]},
        "prizes": [{**BIKE, "moments": 3, "stock": 2}],
        "reveal_by": "2027-04-02T00:00:00Z",
        "limits": {"per_day": 10**7},
    }
    faults = check(json.dumps({**read(campaign_text).value, **five}, indent=1), retailers)
    assert isinstance(faults, list)
    assert sorted(fault.where.partition(": ")[2] for fault in faults) == [
        "control.share", "criteria.all #1.maximum_quantity", "limits.per_day", "prizes #1.stock", "reveal_by",
    ]  # fmt: skip


def test_a_file_in_json_says_the_same_as_in_yaml(campaign_text: str, retailers: Known) -> None:
    in_yaml = check(campaign_text, retailers)
    assert isinstance(in_yaml, CheckedCampaign)
    for indent in (None, 2, "\t"):
        in_json = check(json.dumps(read(campaign_text).value, indent=indent), retailers)
        assert isinstance(in_json, CheckedCampaign)
        assert in_json.campaign == in_yaml.campaign


def test_every_character_that_json_escapes_is_read(campaign_text: str, retailers: Known) -> None:
    titled = json.dumps({**read(campaign_text).value, "title": "Fête \\ud83d \U0001f600 / \u2028"})
    assert "\\ud83d\\ude00" in titled
    checked = check(titled.replace("/", "\\/"), retailers)
    assert isinstance(checked, CheckedCampaign)
    assert checked.campaign.title == "Fête \\ud83d \U0001f600 / \u2028"


@pytest.fixture(scope="session")
def retailers() -> dict[str, Retailer]:
    """Know one shop whose feed has the contract's own columns, and one that maps its own to some of them."""
    shop = {"country": "US", "currency": "USD"}
    mapped = Dialect(columns={"order_id": "ticket"})
    return {
        "corner-shop": Retailer(retailer="corner-shop", name="Corner Shop", feeds={"orders": Dialect()}, **shop),
        "mapped": Retailer(retailer="mapped", name="Mapped", feeds={"orders": mapped}, **shop),
    }


def test_a_fault_in_the_criteria_hides_no_amount_of_a_prize(campaign_text: str, retailers: Known) -> None:
    broken = {
        "criteria": {"all": [{"minimum_quantity": 0}]},
        "prizes": [{"name": "basket", "kind": "basket_value", "cap": "50.001", "moments": 40}],
    }
    faults = check(json.dumps({**read(campaign_text).value, **broken}), retailers)
    assert isinstance(faults, list)
    assert [fault.where.split(": ")[1] for fault in faults] == [
        "criteria.all #1.minimum_quantity",
        "prizes #1.cap",
    ]
