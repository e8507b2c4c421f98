"""Appraise a campaign that is planned: whom it overlaps, whose lists it lacks, how it would be taken up."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from tombola.appraisals.overlaps import Overlap, overlaps, tokens_of_one_basket
from tombola.appraisals.uptake import Uptake, replayed_uptake
from tombola.campaigns.baskets import basket_of
from tombola.campaigns.model import Campaign
from tombola.campaigns.usecases import live_campaigns
from tombola.catalogue.usecases import find_products
from tombola.ports import Ports
from tombola.profiles.usecases import has_list


@dataclass(frozen=True, slots=True)
class Appraisal:
    """What a planned campaign meets: running campaigns that mean the same baskets, and (retailer, list) nobody is on.

    One basket could earn `tokens_of_one_basket` at most, of all campaigns that are open at once.
    """

    overlaps: tuple[Overlap, ...] = ()
    tokens_of_one_basket: int = 1
    empty_lists: tuple[tuple[str, str], ...] = ()


def appraise(ports: Ports, rules: Campaign) -> Appraisal:
    """Return what a planned campaign meets, as of now; campaigns may be 30 seconds old."""
    running = live_campaigns(ports)
    earned = tokens_of_one_basket(rules, running)
    return Appraisal(overlaps(rules, running), earned, tuple(_empty_lists(ports, rules)))


def replay_uptake(ports: Ports, rules: Campaign) -> Uptake:
    """Return how the orders that the campaign's retailers recorded last would have taken it up.

    Products are as the catalogue has them now.
    """
    from tombola.appraisals.recorded import recorded_orders  # noqa: PLC0415 (imports Ibis: only where it is asked)

    backend = ports.warehouse.ibis()
    try:
        recorded = recorded_orders(backend, rules)
    finally:
        backend.disconnect()
    wanted: dict[str, set[str]] = {}
    for order in recorded.orders:
        wanted.setdefault(order.retailer, set()).update(line.product_id for line in order.lines)
    products = {retailer: find_products(ports, retailer, ids) for retailer, ids in wanted.items()}
    baskets = (basket_of(order, products[order.retailer]) for order in recorded.orders)
    return replayed_uptake(rules, baskets, recorded.stands_for)


def _empty_lists(ports: Ports, rules: Campaign) -> Iterator[tuple[str, str]]:
    names = sorted({name for segment in rules.audience.segments for name in segment.lists})
    return (
        (retailer, name) for retailer, name in product(rules.retailers, names) if not has_list(ports, retailer, name)
    )
