"""Which campaigns an order may take part in, before anybody looks into its basket."""

from collections.abc import Iterable

from tombola.campaigns.model import Launched
from tombola.orders.facts import Order


def candidates(campaigns: Iterable[Launched], order: Order) -> tuple[Launched, ...]:
    """Return the campaigns whose retailer, store, channel, currency and time fit an order.

    The order must have been made inside the window and the weekly hours, after the launch (before it, the witness
    was not yet known, so nobody's chance was fixed) and before an early end.
    """
    return tuple(launched for launched in campaigns if _fits(launched, order))


def _fits(launched: Launched, order: Order) -> bool:
    rules, header = launched.rules, order.header
    return (
        order.retailer in rules.retailers
        and (not rules.stores or header.store_id in rules.stores)
        and header.channel in rules.channels
        and header.currency == rules.pool.currency
        and rules.is_open(header.ordered_at)
        and launched.launched_at <= header.ordered_at
        and (launched.ended_at is None or header.ordered_at < launched.ended_at)
    )
