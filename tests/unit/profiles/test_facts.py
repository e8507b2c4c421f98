"""What is stated of a shopper merges the same way in any order."""

from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from tombola.privacy.consent import Consent
from tombola.profiles.facts import ShopperFacts, join, pack, stated, unpack

START = datetime(2017, 1, 1, tzinfo=UTC)
instants = st.integers(0, 2).map(lambda days: START + timedelta(days=days))
consents = st.builds(Consent, purpose=st.sampled_from(["profile", "ads"]), granted=st.booleans(), effective_at=instants)
statements = st.builds(
    stated, instants, st.none() | instants, st.sampled_from([None, "gold", "silver"]), st.lists(consents, max_size=3)
)


@given(st.lists(statements, max_size=5), st.data())
@settings(max_examples=50)
def test_facts_end_in_equal_bytes_in_any_order_and_number(facts: list[ShopperFacts], data: st.DataObject) -> None:
    again = data.draw(st.permutations([*facts, *facts]))
    assert pack(reduce(join, again, ShopperFacts())) == pack(reduce(join, facts, ShopperFacts()))


@given(statements)
def test_unpacking_gives_back_the_facts(facts: ShopperFacts) -> None:
    assert unpack(pack(facts)) == facts


def test_the_latest_statement_of_tier_and_registration_wins_as_one() -> None:
    gold = stated(START + timedelta(days=1), None, "gold", [])
    silver = stated(START, START, "silver", [])
    assert join(gold, silver) == join(silver, gold) == gold


def test_no_bytes_are_no_facts() -> None:
    assert unpack(b"") == ShopperFacts()
