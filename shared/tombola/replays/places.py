"""Limits over a whole period: who gets a token, in order of time; the twin of `tombola.issuing.places`.

A test holds the two to the same tokens.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from tombola.campaigns.model import Campaign
from tombola.issuing.places import FULL


@dataclass(frozen=True, slots=True)
class Earning:
    """An order that earned tokens of tiers 1 to `tiers`, on this base."""

    retailer: str
    shopper: str | None
    household: str | None
    store_id: str
    at: datetime
    tiers: int
    base_minor: int


@dataclass(slots=True)
class Issued:
    """Tokens: the base of each, how many there are of each tier; and how many were refused, by reason."""

    bases: list[int] = field(default_factory=list)
    by_tier: Counter[int] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def issue(rules: Campaign, earnings: Iterable[Earning]) -> Issued:
    """Return the tokens that the limits let be. `earnings` come in order of time; tiers one after another."""
    issued, used = Issued(), Counter[tuple[str, ...]]()
    for earning in earnings:
        places = list(_places(rules, earning))
        for tier in range(1, earning.tiers + 1):
            full = next((place for place, most in places if used[place] >= most), None)
            if full is not None:
                issued.refused[FULL[full[0]]] += 1
                continue
            used.update(place for place, _ in places)
            issued.bases.append(earning.base_minor)
            issued.by_tier[tier] += 1
    return issued


def _places(rules: Campaign, earning: Earning) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield every place that a token needs, and how many there are of it."""
    limits = rules.limits
    if limits.per_shopper is not None and earning.shopper is not None:
        yield ("shopper", earning.retailer, earning.shopper), limits.per_shopper
    if limits.per_household is not None and earning.household is not None:
        yield ("household", earning.retailer, earning.household), limits.per_household
    if rules.most_tokens is not None:
        yield ("campaign",), rules.most_tokens
    if limits.per_store is not None:
        yield ("store", earning.retailer, earning.store_id), limits.per_store
    if limits.per_day is not None or limits.per_week is not None:
        local = earning.at.astimezone(ZoneInfo(rules.window.time_zone))
        year, week, _ = local.isocalendar()
        if limits.per_day is not None:
            yield ("day", local.date().isoformat()), limits.per_day
        if limits.per_week is not None:
            yield ("week", f"{year}-{week}"), limits.per_week
