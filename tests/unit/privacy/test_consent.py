"""Consent is a dated fact; without one there is none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tombola.privacy.consent import Consent, agreed, merge

START = datetime(2017, 1, 1, tzinfo=UTC)
consents = st.builds(
    Consent,
    purpose=st.sampled_from(["profile", "ads", "partner"]),
    granted=st.booleans(),
    effective_at=st.integers(0, 3).map(lambda days: START + timedelta(days=days)),
)


def said(granted: bool, days: int) -> Consent:  # noqa: FBT001 (a yes or a no is what it is about)
    return Consent(purpose="profile", granted=granted, effective_at=START + timedelta(days=days))


def test_nobody_has_agreed_by_default() -> None:
    assert not agreed([], "profile", START)


def test_the_latest_word_in_force_wins() -> None:
    facts = [said(granted=False, days=2), said(granted=True, days=1)]
    assert agreed(facts, "profile", START + timedelta(days=1))
    assert not agreed(facts, "profile", START + timedelta(days=2))


def test_a_word_not_yet_in_force_does_not_count() -> None:
    assert not agreed([said(granted=True, days=1)], "profile", START)


def test_one_purpose_says_nothing_about_another() -> None:
    assert not agreed([said(granted=True, days=0)], "ads", START)


@given(st.lists(consents))
def test_at_one_instant_the_refusal_wins(facts: list[Consent]) -> None:
    refused = [*facts, said(granted=False, days=3)]
    assert not agreed(merge(refused, facts), "profile", START + timedelta(days=3))


@given(st.lists(consents, max_size=5), st.lists(consents, max_size=5), st.lists(consents, max_size=5))
@settings(max_examples=50)
def test_merging_is_commutative_associative_and_idempotent(
    one: list[Consent], two: list[Consent], three: list[Consent]
) -> None:
    assert merge(one, two, three) == merge(merge(three, two), one) == merge(one, merge(two, three, two))


@given(st.lists(consents), st.integers(0, 4))
def test_merging_never_changes_the_answer(facts: list[Consent], days: int) -> None:
    at = START + timedelta(days=days)
    assert agreed(merge(facts), "profile", at) == agreed(facts, "profile", at)


@pytest.mark.parametrize("at", ["2017-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_instants_without_a_zone_or_at_the_ends_of_the_calendar_are_refused(at: str) -> None:
    with pytest.raises(ValidationError):
        Consent.model_validate({"purpose": "ads", "granted": True, "effective_at": at})
