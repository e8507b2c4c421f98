"""Which running campaigns a new one overlaps: where, when, and in which products; and what one basket could earn."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from tombola.campaigns.model import Campaign, Launched
from tombola.campaigns.selecting import Criteria, Selection


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a running campaign has in common with another: instants, retailers, channels, and what both mean.

    `both_mean` maps fields of a selection to values that both name, or that one names where the other takes anything;
    empty: any product.
    """

    campaign: str
    title: str
    begins_at: datetime
    ends_at: datetime
    retailers: tuple[str, ...]
    channels: tuple[str, ...]
    both_mean: Mapping[str, tuple[str, ...]]


def overlaps(rules: Campaign, running: Iterable[Launched]) -> tuple[Overlap, ...]:
    """Return the running campaigns whose baskets could be the same, in order of their ids; never earlier versions."""
    found = ((other, _both_mean(rules, other)) for other in _together(rules, running))
    return tuple(_overlap(rules, other, meant) for other, meant in found if meant is not None)


def tokens_of_one_basket(rules: Campaign, running: Iterable[Launched]) -> int:
    """Return how many tokens one basket could earn at most, if it met every campaign that is open beside this one."""
    together = _together(rules, running)
    starts = [rules.window.opens_at, *(other.window.opens_at for other in together)]
    places = [(retailer, channel) for retailer in rules.retailers for channel in rules.channels]
    others = (
        sum(
            _tiers(other)
            for other in together
            if other.window.holds(start) and retailer in other.retailers and channel in other.channels
        )
        for start in starts
        if rules.window.holds(start)
        for retailer, channel in places
    )
    return _tiers(rules) + max(others)


def _tiers(rules: Campaign) -> int:
    return 1 + len(rules.further_tiers)


def _together(rules: Campaign, running: Iterable[Launched]) -> list[Campaign]:
    """Return the other campaigns that one order could be made in as well."""
    others = sorted((launched.rules for launched in running), key=lambda other: other.campaign)
    return [other for other in others if other.campaign != rules.campaign and _meet(rules, other)]


def _meet(one: Campaign, other: Campaign) -> bool:
    stores = not one.stores or not other.stores or set(one.stores) & set(other.stores)
    same_time = one.window.opens_at < other.window.closes_at and other.window.opens_at < one.window.closes_at
    return bool(
        same_time and stores and set(one.retailers) & set(other.retailers) and set(one.channels) & set(other.channels)
    )


def _overlap(rules: Campaign, other: Campaign, both_mean: Mapping[str, tuple[str, ...]]) -> Overlap:
    return Overlap(
        campaign=other.campaign,
        title=other.title,
        begins_at=max(rules.window.opens_at, other.window.opens_at),
        ends_at=min(rules.window.closes_at, other.window.closes_at),
        retailers=tuple(name for name in rules.retailers if name in other.retailers),
        channels=tuple(name for name in rules.channels if name in other.channels),
        both_mean=both_mean,
    )


def _both_mean(one: Campaign, other: Campaign) -> Mapping[str, tuple[str, ...]] | None:
    """Return what the criteria of both mean, by field; None where no product can be meant by both."""
    pairs = [(mine, theirs) for mine in _asked(one) for theirs in _asked(other)]
    found = [common for pair in pairs if (common := _common(*pair)) is not None]
    if not found:
        return None
    fields = {field for common in found for field in common}
    return {
        field: tuple(sorted({name for common in found for name in common.get(field, ())})) for field in sorted(fields)
    }


def _asked(rules: Campaign) -> list[Selection]:
    """Return the selections a basket must hold something of; every product where none says which."""
    asked = [of for criteria in (rules.criteria, *rules.further_tiers) for of in _selections(criteria)]
    return [of for of in asked if of != Selection()] or [Selection()]


def _selections(criteria: Criteria) -> Iterator[Selection]:
    for condition in (*criteria.all, *criteria.any):
        yield condition.of
        yield from (part.of for part in condition.bundle)


def _common(one: Selection, other: Selection) -> Mapping[str, tuple[str, ...]] | None:
    """Return the values that products meant by both have; None where a field that both state shares no value."""
    common = {}
    for field in Selection.model_fields:
        mine, theirs = getattr(one, field), getattr(other, field)
        if not mine and not theirs:
            continue
        common[field] = tuple(name for name in mine if name in theirs) if mine and theirs else mine or theirs
        if not common[field]:
            return None
    return common
