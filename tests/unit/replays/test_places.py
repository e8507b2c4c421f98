"""Limits over a whole period let the tokens be that limits as documents would have let be."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tombola.campaigns.model import Campaign
from tombola.games.entries import Entry
from tombola.games.limits import PersonLimit, new_slot
from tombola.games.records import CampaignVersion
from tombola.issuing.entrants import Entrant
from tombola.issuing.places import Places, Seated, seated, wanted
from tombola.replays.places import Earning, issue

OF = CampaignVersion("june-wheel", 1)
SUNDAY = datetime(2027, 3, 7, 22, 30, tzinfo=UTC)
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        name: st.integers(1, most)
        for name, most in (
            ("per_shopper", 3), ("per_household", 3), ("per_store", 4), ("per_day", 4), ("per_week", 6),
            ("per_campaign", 9),
        )
    },
)  # fmt: skip
EARNINGS = st.lists(
    st.builds(
        Earning,
        retailer=st.just("corner-shop"),
        shopper=st.sampled_from(["s-1", "s-2", None]),
        household=st.sampled_from(["h-1", "h-2", None]),
        store_id=st.sampled_from(["1", "2"]),
        at=st.integers(0, 40).map(lambda hours: SUNDAY + timedelta(hours=hours)),
        tiers=st.integers(1, 3),
        base_minor=st.integers(0, 9),
    ),
    max_size=14,
).map(lambda earnings: sorted(earnings, key=lambda each: each.at))


@settings(max_examples=60)
@given(limits=LIMITS, earnings=EARNINGS)
def test_the_same_tokens_are_let_be_as_by_the_games_documents(
    limits: dict[str, int], earnings: list[Earning], campaign_with: Callable[..., Campaign]
) -> None:
    rules = campaign_with(limits=limits)
    entrants = [_entrant(number, earning) for number, earning in enumerate(earnings)]
    places, by_tier, refused = _every_place(rules, entrants), Counter[int](), 0
    for who, earning in zip(entrants, earnings, strict=True):
        for tier in range(1, earning.tiers + 1):
            taken = seated(places, wanted(rules, who), _entry(who, tier), earning.at)
            if isinstance(taken, Seated):
                places, by_tier[tier] = taken.places, by_tier[tier] + 1
            else:
                refused += 1
    issued = issue(rules, earnings)
    assert issued.by_tier == by_tier
    assert issued.refused.total() == refused
    assert len(issued.bases) == by_tier.total()


def test_a_refusal_says_which_limit_was_reached(campaign_with: Callable[..., Campaign]) -> None:
    def refused(**limits: int) -> dict[str, int]:
        twice = [Earning("corner-shop", "s-1", "h-1", "1", SUNDAY, 1, 5)] * 2
        return dict(issue(campaign_with(limits=limits), twice).refused)

    assert refused(per_shopper=1) == {"limit-reached": 1}
    assert refused(per_household=1) == {"household-limit-reached": 1}
    assert refused(per_store=1) == {"store-sold-out": 1}
    assert refused(per_day=1) == {"day-sold-out": 1}
    assert refused(per_week=1) == {"week-sold-out": 1}
    assert refused(per_campaign=1) == {"sold-out": 1}


def _entrant(number: int, earning: Earning) -> Entrant:
    return Entrant(
        kind="order", retailer=earning.retailer, entry=f"order/o-{number}", order="", revision=1, authoritative=True,
        shopper=earning.shopper, household=earning.household, store_id=earning.store_id, at=earning.at,
    )  # fmt: skip


def _entry(who: Entrant, tier: int) -> Entry:
    return Entry(
        campaign=OF.text, retailer=who.retailer, entry=who.entry, tier=tier, token_id="", order="",
        shopper=who.shopper, household=who.household, order_revision=1, outcome="issued", reason="",
    )  # fmt: skip


def _every_place(rules: Campaign, entrants: list[Entrant]) -> Places:
    """Return the documents of all places that these could ask for, empty."""
    needs = [wanted(rules, who) for who in entrants]
    named = {holder: holder.split("/", 1) for need in needs for holder in need.holders}
    lists = {
        holder: PersonLimit.model_validate({"campaign": OF.text, "retailer": "corner-shop", "kind": kind, "who": who})
        for holder, (kind, who) in named.items()
    }
    slots = [
        new_slot(OF, scope, most, n) for need in needs for scope, most in need.scopes.items() for n in need.tried[scope]
    ]
    return Places(lists, {slot.name: slot for slot in slots})
