"""A replay, put together from what was recorded: pure, the same facts make the same answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from tombola.campaigns.model import Campaign
from tombola.campaigns.payout import simulate
from tombola.catalogue.model import Product
from tombola.replays.counting import PAID, Counted, base_minor, count_baskets
from tombola.replays.judging import QUALIFIES, Around, earnings, judged, reasons
from tombola.replays.lines import kept_lines
from tombola.replays.missing import misses
from tombola.replays.model import Cost, Earned, Period, Ran, Replay
from tombola.replays.places import Issued, issue
from tombola.replays.reach import reached

SEED = 0
"""Of the simulations: no campaign's draw, and the same every time."""
PRODUCT_WORDS = tuple(Product.__annotations__)
NOTES = (
    "Same baskets: nobody is assumed to buy, visit or play differently because of the campaign.",
    "Orders are taken as they now stand, after the returns and cancellations recorded since.",
    "Products are taken as the catalogue states them now: the warehouse keeps only the last word on each.",
    "Profiles are those of the weeks before each order, and lists as they are now; neither binds a token.",
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the warehouse holds: orders up to the period's end, the catalogue, and a campaign as it ran."""

    orders: pl.DataFrame
    products: pl.DataFrame
    ran: Ran | None


def assemble(rules: Campaign, period: Period, recorded: Recorded, around: Around, played: float | None) -> Replay:
    """Return what recorded orders come to under the rules. `played`: the share of tokens played, if it is stated."""
    counted = counted_orders(rules, recorded)
    within = counted.orders.filter(pl.col("ordered_at") >= period.begins, pl.col("ordered_at") < period.ends)
    decided = judged(rules, within, around)
    qualified = decided.filter(pl.col("reason") == QUALIFIES)
    issued = issue(rules, earnings(decided))
    share, share_from = _share(recorded.ran, played)
    return Replay(
        campaign=rules.campaign,
        title=rules.title,
        currency=rules.pool.currency,
        time_zone=rules.window.time_zone,
        period=period,
        orders=len(decided),
        shoppers=_shoppers(decided),
        qualified_orders=len(qualified),
        qualified_shoppers=_shoppers(qualified),
        audience=reached(rules, qualified, around.known),
        reasons=reasons(decided),
        misses=misses(rules, counted, decided),
        earned=_earned(rules, issued),
        share_played=share,
        share_played_from=share_from,
        cost=_cost(rules, issued.bases, round(len(issued.bases) * share)),
        as_it_ran=recorded.ran,
        erased_shoppers=len(around.erased),
        unknown_products=counted.unknown_products,
        notes=NOTES,
    )


def counted_orders(rules: Campaign, recorded: Recorded) -> Counted:
    """Return every order with what its basket has: the columns of `count_baskets`, `base_minor` and `is_first`."""
    orders = recorded.orders.with_row_index("order").cast({"order": pl.Int64})
    kept = kept_lines(orders).with_columns(promised=pl.lit(value=False))
    promised = kept_lines(orders, "promised_lines").with_columns(promised=pl.lit(value=True))
    numbers, products = _numbered(pl.concat([kept, promised]), orders, recorded.products)
    counted = count_baskets(rules, len(orders), numbers.filter(~pl.col("promised")), products)
    held = pl.concat([orders, counted.orders.drop("order")], how="horizontal")
    held = held.with_columns(promised=_promised(rules, orders, numbers, products), excluded=_excluded(rules, orders))
    bases = [base_minor(rules, pl.col(paid), pl.col("excluded")) for paid in (PAID, "promised")]
    base = pl.when("has_promise").then(pl.min_horizontal(bases)).otherwise(bases[0])
    return replace(counted, orders=held.with_columns(base_minor=base, is_first=_is_first(rules, orders, kept)))


def _numbered(
    lines: pl.DataFrame, orders: pl.DataFrame, catalogue: pl.DataFrame
) -> tuple[pl.DataFrame, Sequence[Product]]:
    """Return the lines with the number of their product, and the products in that order."""
    key = ["retailer", "product_id"]
    named = lines.join(orders.select("order", "retailer"), on="order", maintain_order="left")
    distinct = named.select(key).unique(maintain_order=True).with_row_index("product").cast({"product": pl.Int64})
    stated = distinct.join(catalogue, on=key, how="left", maintain_order="left")
    words = stated.select(pl.col(PRODUCT_WORDS).fill_null("")).iter_rows(named=True)
    return named.join(distinct, on=key, maintain_order="left"), [Product(**each) for each in words]


def _promised(rules: Campaign, orders: pl.DataFrame, lines: pl.DataFrame, products: Sequence[Product]) -> pl.Series:
    """Return what was paid for the lines that `check_out` was told of and that count."""
    promised = lines.filter("promised")
    if promised.is_empty():
        return pl.repeat(0, len(orders), dtype=pl.Int64, eager=True)
    return count_baskets(rules, len(orders), promised, products).orders[PAID]


def _excluded(rules: Campaign, orders: pl.DataFrame) -> pl.Series:
    """Return what excluded tenders paid of each order."""
    payments = orders.filter(pl.col("payments").list.len() > 0).select("order", "payments")
    if payments.is_empty():
        return pl.repeat(0, len(orders), dtype=pl.Int64, eager=True)
    paid = payments.explode("payments").unnest("payments")
    names = [name for name in paid["tender"].unique() if rules.exclude.excludes_tender(name)]
    sums = paid.filter(pl.col("tender").is_in(names)).group_by("order").agg(pl.col("amount_minor").sum())
    return orders.select("order").join(sums, on="order", how="left", maintain_order="left")["amount_minor"].fill_null(0)


def _is_first(rules: Campaign, orders: pl.DataFrame, kept: pl.DataFrame) -> pl.Series:
    """Return whether no earlier order of the shopper counts: one that was cancelled, or came back whole, does not."""
    if not rules.first_order:
        return pl.repeat(value=True, n=len(orders), eager=True)
    counting = orders.join(kept.select("order").unique(), on="order", how="semi")
    first = counting.group_by("shopper").agg(pl.col("ordered_at").min().alias("first"))
    with_first = orders.join(first, on="shopper", how="left", maintain_order="left")
    return with_first.select((pl.col("ordered_at") <= pl.col("first")).fill_null(value=True)).to_series()


def _shoppers(orders: pl.DataFrame) -> int:
    return orders["shopper"].drop_nulls().n_unique()


def _earned(rules: Campaign, issued: Issued) -> Earned:
    tiers = range(1, 2 + len(rules.further_tiers))
    return Earned(by_tier=tuple(issued.by_tier[tier] for tier in tiers), refused=dict(issued.refused.most_common()))


def _share(ran: Ran | None, played: float | None) -> tuple[float, str]:
    if played is not None:
        return played, "stated"
    if ran is not None and ran.share_played is not None:
        return ran.share_played, f"as {ran.campaign} ran"
    return 1.0, "assumed: every token is played"


def _cost(rules: Campaign, bases: Sequence[int], plays: int) -> Cost | None:
    if not plays:
        return None
    payout = simulate(rules, bases, plays, SEED)
    return Cost(
        plays=payout.tokens,
        runs=payout.runs,
        wins=payout.wins,
        expected_minor=payout.expected_minor,
        high_minor=payout.high_minor,
        standard_error_minor=payout.standard_error_minor,
        money_minor=payout.money_minor,
        ran_out=payout.ran_out,
    )
