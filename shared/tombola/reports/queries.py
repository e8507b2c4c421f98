"""The facts of a campaign, read from the warehouse: written once in Ibis and run where the events are.

An order's or a play's present state is its event with the greatest revision. Importing this module
imports Ibis, which takes a second: import it where a report is made.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import ibis

from tombola.campaigns.model import Campaign
from tombola.experiments.analysis import ArmSums
from tombola.reports.facts import SMALLEST_STORE, CampaignFacts, Happened, PlayTotals, Shoppers, StoreTotals
from tombola.reports.unpacking import instant, latest, unpack
from tombola.reports.values import paid_minor

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends import BaseBackend

QUARTER_SECONDS = 900
"""Every time zone in use is whole quarters of an hour from UTC, so local days are sums of these."""

_ORDER = (
    "struct<order: struct<retailer: string, order_id: string, revision: int64, cancelled_at: string,"
    " header: struct<shopper: string, store_id: string, ordered_at: string, currency: string, channel: string>,"
    " lines: array<struct<line_id: string, quantity: int64, value_minor: int64, coupon_minor: int64>>,"
    " returns: array<struct<line_id: string, quantity: int64, value_minor: int64>>>>"
)
_PLAY = (
    "struct<token_id: string, revision: int64, campaign: string, campaign_version: int64, tier: int64,"
    " state: string, issued_at: string, accepted_at: string, won: boolean, prize_state: string,"
    " reserved_minor: int64, released_minor: int64, payable_minor: int64>"
)
_PROPOSAL = (
    "struct<retailer: string, shopper: string, campaign: string, campaign_version: int64, arm: string,"
    " shown: boolean, proposed_at: string>"
)
_MONEY = ("reserved_minor", "released_minor", "payable_minor")
_COUNTED = ("proposals", "withheld", "tokens", "plays", "wins", "reserved_minor")


def collect(backend: "BaseBackend", rules: Campaign, version: int) -> CampaignFacts:
    """Read the facts of one campaign version through an Ibis backend over the event tables.

    The backend must be fresh: bodies are unpacked once into temporary tables, which go when it is disconnected
    (Ibis's own `cache()` cannot drop its tables with the SQL compiler it is locked with).
    """
    proposals = backend.create_table("proposals", _proposals(backend, rules.campaign, version), temp=True)
    plays = backend.create_table("plays", _plays(backend, rules.campaign, version), temp=True)
    orders = backend.create_table("orders", _orders(backend, rules), temp=True)
    ours = orders.filter(orders.currency == rules.pool.currency)
    in_stores = _in_stores(ours, rules)
    return CampaignFacts(
        plays=tuple(PlayTotals(**row) for row in _rows(_play_totals(plays))),
        happened=tuple(_happening(row) for row in _rows(_happenings(proposals, plays))),
        shoppers=_shoppers(proposals, ours),
        stores=tuple(StoreTotals(**row) for row in _rows(_store_totals(in_stores))),
        small_store_shoppers=_small_store_shoppers(in_stores),
        foreign_orders=_foreign(orders, rules),
    )


def _rows(table: "ir.Table") -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", table.to_pyarrow().to_pylist())


def _proposals(backend: "BaseBackend", campaign: str, version: int) -> "ir.Table":
    made = unpack(backend.table("proposal_made"), _PROPOSAL, backend.name)
    made = made.filter(made.campaign == campaign, made.campaign_version == version)
    return made.select("retailer", "shopper", "arm", "shown", proposed_at=instant(made.proposed_at))


def _plays(backend: "BaseBackend", campaign: str, version: int) -> "ir.Table":
    changed = unpack(backend.table("play_changed"), _PLAY, backend.name)
    changed = changed.filter(changed.campaign == campaign, changed.campaign_version == version)
    changed = changed.mutate(issued_at=instant(changed.issued_at), accepted_at=instant(changed.accepted_at))
    return latest(
        changed,
        ("token_id",),
        ("tier", "state", "prize_state", "won", "issued_at", "accepted_at", *_MONEY),
    )


def _orders(backend: "BaseBackend", rules: Campaign) -> "ir.Table":
    """Return every order of the campaign's retailers in its window, whatever its store, channel or currency."""
    recorded = unpack(backend.table("order_recorded"), _ORDER, backend.name).order
    order = recorded.lift()
    order = order.mutate(
        **{name: order.header[name] for name in ("shopper", "store_id", "currency", "channel")},
        ordered_at=instant(order.header.ordered_at),
        cancelled=order.cancelled_at.notnull(),
        value_minor=paid_minor(order),
    )
    newest = latest(
        order,
        ("retailer", "order_id"),
        ("shopper", "store_id", "currency", "channel", "ordered_at", "cancelled", "value_minor"),
    )
    return newest.filter(
        newest.retailer.isin(rules.retailers),
        newest.ordered_at >= rules.window.opens_at,
        newest.ordered_at < rules.window.closes_at,
    )


def _play_totals(plays: "ir.Table") -> "ir.Table":
    key = ("tier", "state", "prize_state", "won")
    return plays.group_by(key).aggregate(
        plays=plays.count(), **{name: plays[name].sum() for name in _MONEY}
    ).order_by(key)  # fmt: skip


def _happenings(proposals: "ir.Table", plays: "ir.Table") -> "ir.Table":
    played = plays.filter(plays.accepted_at.notnull())
    parts = (
        _counted(proposals, proposals.proposed_at, proposals=ibis.literal(1), withheld=~proposals.shown),
        _counted(plays, plays.issued_at, tokens=ibis.literal(1)),
        _counted(
            played, played.accepted_at, plays=ibis.literal(1), wins=played.won, reserved_minor=played.reserved_minor
        ),
    )
    every = ibis.union(*parts)
    return every.group_by("quarter").aggregate(**{name: every[name].sum() for name in _COUNTED}).order_by("quarter")


def _counted(table: "ir.Table", at: "ir.TimestampColumn", **columns: "ir.Value") -> "ir.Table":
    wanted = {name: columns.get(name, ibis.literal(0)).cast("int64") for name in _COUNTED}
    return table.select(quarter=(at.epoch_seconds() // QUARTER_SECONDS).cast("int64"), **wanted)


def _happening(row: dict[str, Any]) -> Happened:
    return Happened(datetime.fromtimestamp(row.pop("quarter") * QUARTER_SECONDS, UTC), **row)


def _shoppers(proposals: "ir.Table", orders: "ir.Table") -> Shoppers:
    who = ("retailer", "shopper")
    reached = proposals.group_by(who).aggregate(arm=proposals.arm.min(), arms=proposals.arm.nunique())
    spent = orders.group_by(who).aggregate(value_minor=orders.value_minor.sum())
    joined = reached.left_join(spent, who)
    value = joined.value_minor.fill_null(0).cast("decimal(19, 0)")
    valued = joined.select("arm", "arms", value=value, square=(value * value).cast("decimal(38, 0)"))
    sums = valued.group_by("arm").aggregate(
        shoppers=valued.count(),
        total=valued.value.cast("decimal(38, 0)").sum(),
        squares=valued.square.sum(),
        in_both=(valued.arms > 1).sum(),
    )
    arms = {row["arm"]: row for row in _rows(sums)}
    return Shoppers(
        invited=_arm_sums(arms.get("invited")),
        control=_arm_sums(arms.get("control")),
        in_both_arms=sum(row["in_both"] for row in arms.values()),
    )


def _arm_sums(row: dict[str, Any] | None) -> ArmSums:
    return ArmSums(row["shoppers"], int(row["total"]), int(row["squares"])) if row else ArmSums(0, 0, 0)


def _in_stores(orders: "ir.Table", rules: Campaign) -> "ir.Table":
    """Return the orders that the table of stores is about: kept, and through a channel and store of the campaign."""
    kept = orders.filter(~orders.cancelled, orders.channel.isin(rules.channels))
    return kept.filter(kept.store_id.isin(rules.stores)) if rules.stores else kept


def _store_totals(orders: "ir.Table") -> "ir.Table":
    key = ("retailer", "store_id")
    totals = orders.group_by(key).aggregate(
        orders=orders.count(), shoppers=orders.shopper.nunique(), value_minor=orders.value_minor.sum()
    )
    return totals.order_by(key)


def _small_store_shoppers(orders: "ir.Table") -> int:
    totals = _store_totals(orders)
    small = orders.semi_join(totals.filter(totals.shoppers < SMALLEST_STORE), ("retailer", "store_id"))
    different = small.filter(small.shopper.notnull()).select("retailer", "shopper").distinct()
    return int(_rows(different.aggregate(found=different.count()))[0]["found"])


def _foreign(orders: "ir.Table", rules: Campaign) -> int:
    row = _rows(orders.aggregate(foreign=(orders.currency != rules.pool.currency).sum().fill_null(0)))[0]
    return int(row["foreign"])
