"""The places a token takes: one in every limit of the rules that concerns its entrant; all of them, or none.

A revoked token gives them back, a revived one takes them again if they are free, a played one keeps them for ever. An
order that moves to another shopper, store or day moves its places too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from tombola.campaigns.model import Campaign
from tombola.games.eligibility import Reason
from tombola.games.entries import Entry
from tombola.games.limits import CAMPAIGN_SCOPE, PersonLimit, Slot, named_slot, slot_count, slot_name, slot_order
from tombola.games.records import Record
from tombola.issuing.entrants import Entrant

FULL: Mapping[str, Reason] = {
    "shopper": "limit-reached", "household": "household-limit-reached", CAMPAIGN_SCOPE: "sold-out",
    "store": "store-sold-out", "free": "store-sold-out", "day": "day-sold-out", "week": "week-sold-out",
}  # fmt: skip
"""What is said when there is no place, by the first word of a holder or a scope."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The places that a token of an entrant needs, by holder and by scope, each with the limit of the rules.

    `tried` are the numbers of a scope's slots in the order they are tried.
    """

    holders: Mapping[str, int]
    scopes: Mapping[str, int | None]
    tried: Mapping[str, tuple[int, ...]]


def wanted(rules: Campaign, entrant: Entrant) -> Wanted:
    """Return the places that a token of an entrant needs under these rules."""
    limits = rules.limits
    persons = (("shopper", entrant.shopper, limits.per_shopper), ("household", entrant.household, limits.per_household))
    scopes = dict(_scopes(rules, entrant))
    return Wanted(
        holders={f"{kind}/{who}": most for kind, who, most in persons if who is not None and most is not None},
        scopes=scopes,
        tried={
            scope: tuple(slot_order(entrant.retailer, entrant.entry, slot_count(most)))
            for scope, most in scopes.items()
        },
    )


def _scopes(rules: Campaign, entrant: Entrant) -> Iterator[tuple[str, int | None]]:
    """Yield the scopes of slots and their limits: the campaign always, so that closing its slots stops everything."""
    yield CAMPAIGN_SCOPE, rules.most_tokens
    limits, local = rules.limits, entrant.at.astimezone(ZoneInfo(rules.window.time_zone))
    year, week, _ = local.isocalendar()
    store = "free" if entrant.store_id is None else "store"
    stated = (
        ("/".join((store, entrant.retailer, *filter(None, [entrant.store_id]))), limits.per_store),
        (f"day/{local.date().isoformat()}", limits.per_day),
        (f"week/{year}-W{week:02}", limits.per_week),
    )
    yield from ((scope, most) for scope, most in stated if most is not None)


@dataclass(frozen=True, slots=True)
class Places:
    """The limits' documents as they stand within a decision: lists by holder, slots by `<scope>#<number>`.

    The tokens of one entrant share them, so each decision hands them on to the next.
    """

    lists: Mapping[str, PersonLimit] = field(default_factory=dict)
    slots: Mapping[str, Slot] = field(default_factory=dict)

    def changed_since(self, before: "Places") -> Iterator[Record]:
        """Yield the documents that differ from what they were."""
        yield from (limit for holder, limit in self.lists.items() if limit != before.lists[holder])
        yield from (slot for name, slot in self.slots.items() if slot != before.slots[name])

    def released(self, entry: Entry) -> "Places":
        """Return them with every place free that the entry's token has."""
        return self.without(entry, entry.slots, entry.holders)

    def without(self, entry: Entry, slots: Iterable[str], holders: Iterable[str]) -> "Places":
        """Return them with these of the entry's places free."""
        freed = {name: self.slots[name].freed() for name in slots if name in self.slots}
        uncounted = {holder: self.lists[holder].without(entry.counted_as) for holder in holders if holder in self.lists}
        return Places({**self.lists, **uncounted}, {**self.slots, **freed})


@dataclass(frozen=True, slots=True)
class Seated:
    """The places after a token took its own, and the names of the slots it has."""

    places: Places
    slots: tuple[str, ...]


def seated(places: Places, needed: Wanted, entry: Entry, at: datetime) -> Seated | Reason:
    """Return the places with all that are needed taken, or the reason why one cannot be.

    What the entry has already and still needs it keeps; what it has and no longer needs is freed.
    """
    kept = {scope: name for name in entry.slots if (scope := named_slot(name)[0]) in needed.scopes}
    left = places.without(entry, set(entry.slots) - set(kept.values()), entry.holders - needed.holders.keys())
    lists = dict(left.lists)
    for holder, most in needed.holders.items():
        if entry.counted_as not in lists[holder].entries and not lists[holder].has_room(most):
            return FULL[holder.partition("/")[0]]
        lists[holder] = lists[holder].counting(entry.counted_as, at)
    slots = dict(left.slots)
    for scope in [each for each in needed.scopes if each not in kept]:
        tried = [slots[name] for number in needed.tried[scope] if (name := slot_name(scope, number)) in slots]
        found = next((slot for slot in tried if slot.has_room), None)
        if found is None:
            return _refusal(scope, tried)
        slots[found.name], kept[scope] = found.taken(), found.name
    return Seated(Places(lists, slots), tuple(kept[scope] for scope in needed.scopes))


def _refusal(scope: str, tried: list[Slot]) -> Reason:
    """Say that the campaign is over where its slots are closed or were never opened, else that a scope is full."""
    if scope == CAMPAIGN_SCOPE and all(slot.status == "closed" for slot in tried):
        return "campaign-ended"
    return FULL[scope.partition("/")[0]]
