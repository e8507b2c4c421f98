"""Who could have been shown the banner: consent as of an order's instant, and the profile of the weeks before it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter

import polars as pl

from tombola.campaigns.model import Campaign
from tombola.experiments.segments import History, in_segment
from tombola.privacy.consent import Consent, agreed
from tombola.profiles.counts import Cells, cells_of_week, packed_weeks, week_of
from tombola.replays.model import Audience


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a shopper today: dated consents, packed counts by week, and the lists they are on."""

    consents: tuple[Consent, ...] = ()
    counts: bytes = b""
    lists: frozenset[str] = frozenset()


def reached(rules: Campaign, qualified: pl.DataFrame, known: Mapping[str, Known]) -> Audience:
    """Return which of these orders are of shoppers whom the campaign's audience took in at that instant.

    The week of the order itself is left out of the profile: it holds the order, and what came after it.
    """
    rows = qualified.filter(pl.col("shopper").is_not_null()).select("shopper", "ordered_at").sort("shopper")
    orders = shoppers = 0
    for shopper, made in groupby(rows.iter_rows(), key=itemgetter(0)):
        taken_in = _taken_in(rules, known.get(shopper, Known()), (at for _, at in made))
        orders, shoppers = orders + taken_in, shoppers + bool(taken_in)
    return Audience(orders=orders, shoppers=shoppers)


def _taken_in(rules: Campaign, known: Known, instants: Iterable[datetime]) -> int:
    """Return how many of a shopper's orders were made while the audience took the shopper in."""
    asked = rules.audience
    consenting = [at for at in instants if all(agreed(known.consents, purpose, at) for purpose in asked.purposes)]
    if not asked.segments:
        return len(consenting)
    weeks = [(week, currency, cells_of_week(line)) for (week, currency), line in packed_weeks(known.counts)]
    currency = rules.pool.currency
    histories = (_history(weeks, at) for at in consenting)
    return sum(
        any(in_segment(segment, history, known.lists, currency) for segment in asked.segments) for history in histories
    )


def _history(weeks: Iterable[tuple[int, str, Cells]], at: datetime) -> History:
    now = week_of(at)
    return History(tuple((now - week, currency, cells) for week, currency, cells in weeks if week < now))
