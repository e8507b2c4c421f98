"""Replay recorded orders through a campaign's rules. Reads, and writes nothing; no campaign key is ever read."""

from collections.abc import Iterable
from datetime import UTC, datetime

import polars as pl

from tombola.campaigns.model import Campaign
from tombola.ports import Ports
from tombola.profiles.usecases import is_erased, lists_of, read_profile
from tombola.replays.assembly import Recorded, assemble
from tombola.replays.judging import Around
from tombola.replays.model import Period, Replay
from tombola.replays.reach import Known
from tombola.retailers.usecases import find_retailer

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def replay(ports: Ports, rules: Campaign, period: Period, *, against: str, played: float | None) -> Replay:
    """Return what the orders recorded in a period would have come to under these rules.

    The period takes the place of the window. `against`: the campaign to compare with. `played`: the share of tokens
    assumed to be played; None: as in that campaign, and all of them where it issued none.
    Raises `Unknown` for a retailer nobody knows.
    """
    countries = {retailer: find_retailer(ports, retailer).country for retailer in rules.retailers}
    recorded = _recorded(ports, rules, period, against)
    within = recorded.orders.filter(pl.col("ordered_at") >= period.begins)
    shoppers = within.select("retailer", "shopper").unique().drop_nulls().sort("retailer", "shopper")
    known, erased = _persons(ports, rules, shoppers.iter_rows())
    return assemble(rules, period, recorded, Around(countries, known, erased), played)


def _recorded(ports: Ports, rules: Campaign, period: Period, against: str) -> Recorded:
    """Read the warehouse. Whether an order was a shopper's first takes all orders before it."""
    from tombola.replays.queries import as_it_ran, recorded_orders, stated_products  # noqa: PLC0415 (imports Ibis)

    read = Period(begins=BEGINNING, ends=period.ends) if rules.first_order else period
    backend = ports.warehouse.ibis()
    try:
        return Recorded(
            orders=recorded_orders(backend, rules.retailers, read),
            products=stated_products(backend, rules.retailers),
            ran=as_it_ran(backend, against, period),
        )
    finally:
        backend.disconnect()


def _persons(
    ports: Ports, rules: Campaign, shoppers: Iterable[tuple[str, str]]
) -> tuple[dict[str, Known], frozenset[str]]:
    """Return what is known of these shoppers that the audience asks for, and who of them was erased."""
    segments = rules.audience.segments
    names = {name for segment in segments for name in segment.lists}
    known, erased = {}, set()
    for retailer, shopper in shoppers:
        profile = read_profile(ports, retailer, shopper)
        lists = lists_of(ports, retailer, shopper, names)
        known[shopper] = Known(profile.consents, profile.counts if segments else b"", lists)
        if not profile.revision and is_erased(ports, retailer, shopper):
            erased.add(shopper)
    return known, frozenset(erased)
