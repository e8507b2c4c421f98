from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.campaigns.model import Campaign, Launched
from tombola.experiments.choosing import Choice, DecisionPoint, choose
from tombola.privacy.consent import Consent
from tombola.yaml_text import read

FILE = Path(__file__).parents[1] / "campaigns" / "files" / "wheel.yaml"
AT = datetime(2027, 3, 10, 12, tzinfo=UTC)
INTERESTS = {("brand", "National"): 3.5, ("category", "YOGURT"): 1.0, ("category", "BEER"): 2.0, ("product", "p1"): 9.0}


def launched(name: str, **changed: object) -> Launched:
    rules = Campaign.model_validate({**read(FILE.read_bytes()).value, "campaign": name, **changed})
    return Launched(
        rules=rules, version=1, rules_hash="", witness="w", commitment={}, launched_at=AT - timedelta(days=20),
        status="launched",
    )  # fmt: skip


def asking_for(name: str, of: dict[str, list[str]], **changed: object) -> Launched:
    return launched(name, criteria={"all": [{"of": of, "minimum_quantity": 1}]}, **changed)


def point(**changed: object) -> DecisionPoint:
    given_consent = Consent(purpose="ads", granted=True, effective_at=AT - timedelta(days=1))
    known = {
        "retailer": "corner-shop", "shopper": "s", "store_id": "7", "channel": "web", "at": AT,
        "consents": (given_consent,), "interests": INTERESTS,
    }  # fmt: skip
    return DecisionPoint(**{**known, **changed})  # type: ignore[arg-type]


def chosen(choice: Choice) -> str | None:
    return None if choice.proposal is None else choice.proposal.launched.rules.campaign


EVERYBODY = {"share": 0, "mode": "invitation"}


def test_the_campaign_closest_to_the_shoppers_taste_comes_first() -> None:
    campaigns = [
        asking_for("beer", {"categories": ["BEER"]}, control=EVERYBODY),
        asking_for("dairy", {"brands": ["National"], "categories": ["YOGURT"]}, control=EVERYBODY),
        asking_for("unknown", {"brands": ["Nobody"]}, control=EVERYBODY),
    ]
    choice = choose(campaigns, point())
    assert chosen(choice) == "dairy"
    assert [(reason.campaign, reason.why) for reason in choice.reasons] == [
        ("beer", "another-first"),
        ("unknown", "another-first"),
    ]
    assert chosen(choose([*campaigns, asking_for("one", {"products": ["p1"]})], point())) == "one"


@given(st.permutations(["a-1", "b-1", "c-1"]))
def test_equal_campaigns_are_ranked_by_name_whatever_their_order(names: list[str]) -> None:
    assert chosen(choose([launched(name) for name in names], point(interests={}))) == "a-1"


def test_a_shopper_of_the_best_campaigns_control_group_is_shown_no_other() -> None:
    control = {"share": "0.999999", "mode": "invitation"}
    dairy = asking_for("dairy", {"brands": ["National"]}, control=control)
    choice = choose([dairy, asking_for("beer", {"categories": ["BEER"]}, control=EVERYBODY)], point())
    assert chosen(choice) == "dairy"
    assert choice.proposal is not None
    assert not choice.proposal.shown
    assert [reason.why for reason in choice.reasons] == ["not-invited", "another-first"]


@pytest.mark.parametrize(
    ("rules", "where", "why"),
    [
        ({"stores": ["8"]}, {}, "other-store"),
        ({"channels": ["store"]}, {}, "other-channel"),
        ({}, {"at": AT + timedelta(days=60)}, "not-open"),
        ({}, {"consents": ()}, "no-consent"),
        ({"audience": {"consent": "partner"}}, {}, "no-consent"),
    ],
)
def test_a_campaign_that_may_not_be_shown_says_why(
    rules: dict[str, object], where: dict[str, object], why: str
) -> None:
    choice = choose([launched("wheel", **rules)], point(**where))
    assert choice.proposal is None
    assert [reason.why for reason in choice.reasons] == [why]


AGREED = [Consent(purpose=purpose, granted=True, effective_at=AT) for purpose in ("profile", "ads", "partner")]
VIP = {"consent": "ads", "segments": [{"lists": ["vip"]}, {"bought_within_weeks": 4}]}


def test_whoever_is_in_one_of_the_segments_is_shown_the_campaign() -> None:
    vip = launched("wheel", audience=VIP, control=EVERYBODY)
    assert chosen(choose([vip], point(consents=AGREED, lists=frozenset({"vip"})))) == "wheel"
    refused = choose([vip], point(consents=AGREED))
    assert [(reason.campaign, reason.why) for reason in refused.reasons] == [("wheel", "not-in-audience")]


@pytest.mark.parametrize("purpose", ["profile", "ads"])
def test_segments_hold_only_of_those_who_agreed_to_be_profiled_and_to_what_is_asked(purpose: str) -> None:
    consents = [consent for consent in AGREED if consent.purpose != purpose]
    choice = choose([launched("wheel", audience=VIP)], point(consents=consents, lists=frozenset({"vip"})))
    assert [reason.why for reason in choice.reasons] == ["no-consent"]


def test_a_campaign_without_a_purpose_needs_no_consent() -> None:
    assert chosen(choose([launched("wheel", audience={"consent": "none"})], point(consents=()))) == "wheel"


def test_where_no_store_is_known_a_store_campaign_may_be_shown() -> None:
    assert chosen(choose([launched("wheel", stores=["8"])], point(store_id=None))) == "wheel"


def test_other_retailers_campaigns_are_not_even_mentioned() -> None:
    assert choose([launched("wheel", retailers=["elsewhere"])], point()) == Choice(None, ())
