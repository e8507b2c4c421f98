"""A token takes all its places or none, and whatever comes and goes, the limits count exactly the tokens that stand."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tombola.campaigns.model import Campaign
from tombola.games.entries import Entry
from tombola.games.limits import PersonLimit, new_slot
from tombola.games.records import CampaignVersion
from tombola.issuing.entrants import Entrant
from tombola.issuing.places import Places, Seated, Wanted, seated, wanted

OF = CampaignVersion("june-wheel", 1)
SUNDAY = datetime(2017, 6, 18, 22, 30, tzinfo=UTC)
LIMITS = {"per_shopper": 3, "per_household": 4, "per_store": 5, "per_day": 6, "per_week": 8, "per_campaign": 10}
FILE = Path(__file__).parents[1] / "campaigns" / "files" / "wheel.yaml"


def rules(limits: dict[str, int] = LIMITS, zone: str = "UTC") -> Campaign:
    text = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    window = {"opens": "2017-06-15T00:00:00", "closes": "2017-06-22T00:00:00", "time_zone": zone}
    return Campaign.model_validate({**text, "window": window, "limits": limits})


RULES = rules()


def entrant(number: int, shopper: int = 0, household: int = 0, store: int = 0, day: int = 0) -> Entrant:
    at = SUNDAY + timedelta(days=day)
    return Entrant(
        kind="order", retailer="corner-shop", entry=f"order/o-{number}", order="", revision=1, authoritative=True,
        shopper=f"s{shopper}", household=f"h{household}", store_id=f"{store}", at=at,
    )  # fmt: skip


def entry_of(who: Entrant) -> Entry:
    return Entry(
        campaign=OF.text, retailer=who.retailer, entry=who.entry, token_id="", order="", shopper=who.shopper,
        household=who.household, order_revision=1, outcome="revoked", reason="",
    )  # fmt: skip


def every_place(of_rules: Campaign, *entrants: Entrant) -> Places:
    """Return the documents of all places that these could ask for, empty."""
    needs = [wanted(of_rules, who) for who in entrants]
    lists = {
        holder: PersonLimit.model_validate(
            {
                "campaign": OF.text,
                "retailer": "corner-shop",
                **dict(zip(("kind", "who"), holder.split("/"), strict=True)),
            }
        )
        for need in needs
        for holder in need.holders
    }
    slots = [
        new_slot(OF, scope, most, n) for need in needs for scope, most in need.scopes.items() for n in need.tried[scope]
    ]
    return Places(lists, {slot.name: slot for slot in slots})


persons = st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2))


@given(st.lists(st.tuples(st.integers(0, 13), st.one_of(st.sampled_from(["revoke", "play"]), persons)), max_size=60))
def test_whatever_is_issued_moved_revoked_revived_and_played_the_limits_count_what_stands(
    steps: list[tuple[int, str | tuple[int, int, int, int]]],
) -> None:
    """A step with persons issues, revives or moves a token. Once it is played, nothing touches its places."""
    asked = [(number, entrant(number, *who)) for number, who in steps if not isinstance(who, str)]
    played: set[int] = set()
    places = every_place(RULES, *(who for _, who in asked))
    standing: dict[int, tuple[Entrant, Entry]] = {}
    for number, who in steps:
        if number in played:
            continue
        if who == "play":
            played |= standing.keys() & {number}
            continue
        if isinstance(who, str):
            if number in standing:
                places = places.released(standing.pop(number)[1])
            continue
        new = entrant(number, *who)
        before = standing.get(number, (new, entry_of(new)))[1]
        taken = seated(places, wanted(RULES, new), before, SUNDAY)
        others = [each for other, (each, _) in standing.items() if other != number]
        assert isinstance(taken, Seated) == all(has_room(new, others))
        if not isinstance(taken, Seated):
            places = places.released(before)
            standing.pop(number, None)
            continue
        places = taken.places
        update = {"slots": taken.slots, "shopper": new.shopper, "household": new.household}
        standing[number] = (new, before.model_copy(update=update))
    assert_counted(places, [entry for _, entry in standing.values()])


def has_room(new: Entrant, others: list[Entrant]) -> list[bool]:
    """Say of every limit, by counting people, whether one more may come."""
    same = {
        "per_shopper": lambda each: each.shopper == new.shopper,
        "per_household": lambda each: each.household == new.household,
        "per_store": lambda each: each.store_id == new.store_id,
        "per_day": lambda each: each.at.date() == new.at.date(),
        "per_week": lambda each: (each.at.date() == SUNDAY.date()) == (new.at.date() == SUNDAY.date()),
        "per_campaign": lambda _: True,
    }
    return [sum(map(same[limit], others)) < most for limit, most in LIMITS.items()]


def assert_counted(places: Places, standing: list[Entry]) -> None:
    held = Counter(name for entry in standing for name in entry.slots)
    assert {name: slot.used for name, slot in places.slots.items() if slot.used} == held
    assert all(len(entry.slots) == 4 for entry in standing)
    counted = {(holder, entry) for holder, limit in places.lists.items() for entry in limit.entries}
    assert counted == {(holder, entry.counted_as) for entry in standing for holder in entry.holders}


def test_a_token_that_lacks_one_place_takes_none() -> None:
    new = entrant(1)
    places = every_place(rules({**LIMITS, "per_week": 1}), new, entrant(2))
    first = seated(places, wanted(rules({**LIMITS, "per_week": 1}), new), entry_of(new), SUNDAY)
    assert isinstance(first, Seated)
    second = entrant(2)
    refused = seated(first.places, wanted(rules({**LIMITS, "per_week": 1}), second), entry_of(second), SUNDAY)
    assert refused == "week-sold-out"
    assert_counted(first.places, [entry_of(new).model_copy(update={"slots": first.slots})])


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("per_shopper", "limit-reached"),
        ("per_household", "household-limit-reached"),
        ("per_store", "store-sold-out"),
        ("per_day", "day-sold-out"),
        ("per_week", "week-sold-out"),
        ("per_campaign", "sold-out"),
    ],
)
def test_every_limit_has_words_of_its_own(limit: str, reason: str) -> None:
    only = rules({limit: 1})
    places = every_place(only, entrant(1), entrant(2))
    first = seated(places, wanted(only, entrant(1)), entry_of(entrant(1)), SUNDAY)
    assert isinstance(first, Seated)
    assert seated(first.places, wanted(only, entrant(2)), entry_of(entrant(2)), SUNDAY) == reason


def scopes(zone: str, at: datetime) -> set[str]:
    new = entrant(1)
    moved = Entrant(*(getattr(new, name) for name in Entrant.__slots__[:-1]), at)
    found: Wanted = wanted(rules(zone=zone), moved)
    return set(found.scopes)


def test_days_and_weeks_are_those_of_the_windows_own_zone() -> None:
    assert scopes("UTC", SUNDAY) == {"campaign", "store/corner-shop/0", "day/2017-06-18", "week/2017-W24"}
    assert scopes("Europe/Paris", SUNDAY) == {"campaign", "store/corner-shop/0", "day/2017-06-19", "week/2017-W25"}


def test_a_day_is_one_day_however_long_the_clocks_make_it() -> None:
    """On 29 October 2017 Paris had 25 hours: the last of them is still that day."""
    last = datetime(2017, 10, 29, 22, 59, tzinfo=UTC)
    assert "day/2017-10-29" in scopes("Europe/Paris", last)
    assert "day/2017-10-30" in scopes("Europe/Paris", last + timedelta(minutes=1))


def test_the_first_days_of_january_may_belong_to_the_last_week_of_the_year_before() -> None:
    assert "week/2016-W53" not in scopes("UTC", datetime(2017, 1, 1, tzinfo=UTC))
    assert "week/2016-W52" in scopes("UTC", datetime(2017, 1, 1, tzinfo=UTC))


def test_where_several_limits_are_reached_the_same_one_is_named_every_time() -> None:
    for store in range(12):
        who = entrant(store, store=store, day=store % 5)
        empty = every_place(RULES, who)
        full = {name: slot.model_copy(update={"used": slot.capacity}) for name, slot in empty.slots.items()}
        assert seated(Places(empty.lists, full), wanted(RULES, who), entry_of(who), SUNDAY) == "sold-out"
