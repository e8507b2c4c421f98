"""Who would have qualified, and who not and why: the twin of `tombola.games.eligibility` for many orders at once."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from tombola.campaigns.model import Campaign
from tombola.experiments.arms import arm
from tombola.replays.counting import TIERS
from tombola.replays.model import Reason
from tombola.replays.places import Earning
from tombola.replays.reach import Known

QUALIFIES = "qualifies"
CRITERIA = "criteria-not-met"


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around the orders.

    Each retailer's country, what is known of their shoppers, and those who asked to be forgotten.
    """

    countries: Mapping[str, str]
    known: Mapping[str, Known] = field(default_factory=dict)
    erased: Collection[str] = ()


def judged(rules: Campaign, orders: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Return the orders with `reason`: why each earned a token of the first tier, or the first thing against it.

    `orders` are recorded ones with `is_first`, `base_minor` and the columns of `count_baskets`.
    """
    reason = pl.lit(QUALIFIES)
    for word, stands in reversed(list(_obstacles(rules, orders, around))):
        reason = pl.when(stands).then(pl.lit(word)).otherwise(reason)
    return orders.with_columns(reason=reason)


def _obstacles(rules: Campaign, orders: pl.DataFrame, around: Around) -> Iterator[tuple[str, pl.Expr | pl.Series]]:
    """Yield what can stand against an order, in the order in which tokens are refused."""
    shopper, limits = pl.col("shopper"), rules.limits
    by_invitation = rules.control.mode == "invitation" and rules.control.share > 0
    yield "cancelled", pl.col("cancelled")
    yield "other-store", ~pl.col("store_id").is_in(rules.stores) if rules.stores else pl.lit(value=False)
    yield "other-channel", ~pl.col("channel").is_in(rules.channels)
    yield "other-currency", pl.col("currency") != rules.pool.currency
    yield "not-open", ~_in_hours(rules, orders["ordered_at"])
    abroad = [name for name, country in around.countries.items() if country not in rules.eligibility.countries]
    yield "country", pl.col("retailer").is_in(abroad)
    if limits.per_shopper is not None or rules.first_order or by_invitation:
        yield "no-shopper", shopper.is_null()
    if limits.per_household is not None:
        yield "no-household", pl.col("household").is_null()
    if by_invitation:
        yield "not-invited", shopper.is_in(_control(rules, orders["shopper"]))
    if rules.first_order:
        yield "not-first-order", ~pl.col("is_first")
    yield CRITERIA, pl.col(TIERS) == 0
    if all(prize.kind == "basket_value" for prize in rules.prizes):
        yield "nothing-to-win", pl.col("base_minor") <= 0
    yield "erased", shopper.is_in(sorted(around.erased))


def _in_hours(rules: Campaign, instants: pl.Series) -> pl.Series:
    if not rules.weekly_hours:
        return pl.repeat(value=True, n=len(instants), eager=True)
    local = instants.dt.convert_time_zone(rules.window.time_zone).to_list()
    return pl.Series([any(hours.hold(at) for hours in rules.weekly_hours) for at in local], dtype=pl.Boolean)


def _control(rules: Campaign, shoppers: pl.Series) -> list[str]:
    """Return the shoppers in the control group. A version plays no part in it."""
    share = rules.control.share
    return [each for each in shoppers.drop_nulls().unique() if arm(rules.campaign, 1, each, share).arm == "control"]


def earnings(orders: pl.DataFrame) -> Iterator[Earning]:
    """Yield what the orders that qualify earned, in order of time."""
    columns = ("retailer", "shopper", "household", "store_id", "ordered_at", TIERS, "base_minor")
    for row in orders.filter(pl.col("reason") == QUALIFIES).select(columns).iter_rows():
        yield Earning(*row)


def reasons(orders: pl.DataFrame) -> tuple[Reason, ...]:
    """Return why orders did not qualify, the most frequent reason first."""
    refused = orders.filter(pl.col("reason") != QUALIFIES).group_by("reason")
    counted = refused.agg(orders=pl.len(), shoppers=pl.col("shopper").drop_nulls().n_unique())
    return tuple(Reason(**row) for row in counted.sort(["orders", "reason"], descending=[True, False]).to_dicts())
