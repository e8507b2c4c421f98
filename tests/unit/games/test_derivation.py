"""Everything that can be won is fixed by two keys and a witness."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tombola.draws.claims import narrowed, probes
from tombola.games.derivation import token_id, winning_moments
from tombola.games.limits import PersonLimit, opening_slots, slot_order
from tombola.games.records import CampaignVersion

ID_KEY, SEED = bytes(range(32)), bytes(range(32, 64))
OF = CampaignVersion("june-wheel", 1)
OPENS, CLOSES = datetime(2017, 6, 15, tzinfo=UTC), datetime(2017, 6, 22, tzinfo=UTC)


def moments(count: int, *, witness: str = "a witness", seed: bytes = SEED, rules: str = "rules") -> list[datetime]:
    return [moment.at for moment in winning_moments(seed, witness, rules, OF, (OPENS, CLOSES), [count])]


def test_these_inputs_give_this_token_id_for_ever() -> None:
    made = token_id(ID_KEY, "rules", "june-wheel", "corner-shop", "order/o-1", 1)
    assert made == "4804681ec00da252a075f005751ca1f015c8fc36cd96c2ccec924daa89998388"


def test_these_inputs_give_these_moments_for_ever() -> None:
    assert [at.isoformat() for at in moments(3)] == [
        "2017-06-15T20:59:55.748848+00:00",
        "2017-06-18T00:47:25.626637+00:00",
        "2017-06-21T16:33:13.808478+00:00",
    ]


def test_every_input_of_a_token_id_counts() -> None:
    inputs = (ID_KEY, "rules", "june-wheel", "corner-shop", "order/o-1", 1)
    others = (SEED, "rules2", "june-wheel2", "corner-shop2", "order/o-2", 2)
    made = {token_id(*inputs[:index], other, *inputs[index + 1 :]) for index, other in enumerate(others)}  # type: ignore[arg-type]
    assert len(made | {token_id(*inputs)}) == 7


def test_inputs_cannot_run_into_one_another() -> None:
    assert token_id(ID_KEY, "r", "ab", "c", "e", 1) != token_id(ID_KEY, "r", "a", "bc", "e", 1)


def test_witness_seed_and_rules_each_change_every_moment() -> None:
    base = set(moments(200))
    for other in (moments(200, witness="another"), moments(200, seed=ID_KEY), moments(200, rules="others")):
        assert not base & set(other)


def test_moments_are_ascending_inside_the_window_and_spread_over_it() -> None:
    drawn = moments(7_000)
    assert drawn == sorted(drawn)
    assert all(OPENS <= at < CLOSES for at in drawn)
    by_day = [sum((at - OPENS).days == day for at in drawn) for day in range(7)]
    # Chi-squared over 7 days: 6 degrees of freedom pass 22.5 once in a thousand. The inputs are fixed.
    assert sum((count - 1000) ** 2 / 1000 for count in by_day) < 22.5


def test_moments_that_fall_together_stay_as_many_as_the_rules_say() -> None:
    drawn = [
        moment.at for moment in winning_moments(SEED, "w", "r", OF, (OPENS, OPENS + timedelta(microseconds=3)), [50])
    ]
    assert len(drawn) == 50
    assert len(set(drawn)) == 3


@given(st.integers(0, 3_000), st.integers(0, 3_000), st.integers(0, 3_000))
def test_the_first_unclaimed_moment_is_found_in_few_readings(low: int, claimed: int, due: int) -> None:
    low, claimed = min(low, claimed), min(claimed, due)
    low, readings, high = min(low, claimed), 0, due
    while low < high:
        numbers = list(probes(low, high))
        assert len(numbers) <= 12
        low, high = narrowed(low, high, [(number, number < claimed) for number in numbers])
        readings += 1
    assert low == claimed
    assert readings <= 12


@given(st.integers(1, 50_000))
def test_slots_share_a_limit_exactly(limit: int) -> None:
    slots = list(opening_slots(OF, limit))
    capacities = [slot.capacity or 0 for slot in slots]
    assert sum(capacities) == limit
    assert max(capacities) - min(capacities) <= 1
    assert 1 <= len(slots) <= 16


def test_without_a_limit_slots_are_there_to_be_closed() -> None:
    slots = list(opening_slots(OF, None))
    assert len(slots) == 16
    assert all(slot.has_room for slot in slots)
    assert not slots[0].model_copy(update={"status": "closed"}).has_room


@given(st.text(max_size=20), st.integers(1, 16))
def test_a_token_tries_every_slot_once(entry: str, count: int) -> None:
    assert sorted(slot_order("corner-shop", entry, count)) == list(range(count))


def test_a_shopper_limit_counts_an_entry_once_and_frees_it() -> None:
    empty = PersonLimit(campaign=OF.text, retailer="corner-shop", kind="shopper", who="s-1")
    once = empty.counting("order/o-1#1", OPENS)
    assert once.counting("order/o-1#1", CLOSES) == once
    assert not once.has_room(1)
    assert once.without("order/o-1#1").has_room(1)
