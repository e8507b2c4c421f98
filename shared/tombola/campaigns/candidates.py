"""Which campaigns an order may take part in, before anybody counts its basket."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from tombola.campaigns.model import Launched
from tombola.campaigns.selecting import SELECTED_BY, Condition, Criteria, Selection
from tombola.catalogue.model import Product
from tombola.orders.facts import Order

Named = frozenset[tuple[str, str]]
"""Fields of products with their values, such as `("brand", "National")`."""
NARROWEST_FIRST = ("product_id", "gtin", "brand", "size", "category", "department")


class CampaignIndex:
    """Campaigns by retailer, and by what a basket must hold one of to meet their criteria.

    Looking up costs by the campaigns that could match, not by all there are. It never leaves one out that a full
    evaluation would find met.
    """

    def __init__(self, campaigns: Iterable[Launched]) -> None:
        """Keep the order of the campaigns."""
        self.campaigns = tuple(campaigns)
        at: defaultdict[str, list[Launched]] = defaultdict(list)
        for launched in self.campaigns:
            for retailer in dict.fromkeys(launched.rules.retailers):
                at[retailer].append(launched)
        self._at = {retailer: _Shop(found) for retailer, found in at.items()}

    def at(self, retailer: str) -> tuple[Launched, ...]:
        """Return the campaigns of a retailer."""
        shop = self._at.get(retailer)
        return shop.campaigns if shop else ()

    def candidates(self, order: Order, products: Iterable[Product]) -> tuple[Launched, ...]:
        """Return the campaigns that fit an order (see `candidates`) and that these products, its own, could meet."""
        shop = self._at.get(order.retailer)
        return candidates(shop.that_could_match(products), order) if shop else ()


class _Shop:
    """The campaigns of one retailer: those that name nothing, and the others by what they name."""

    def __init__(self, campaigns: Sequence[Launched]) -> None:
        self.campaigns = tuple(campaigns)
        self._always: list[int] = []
        self._named: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, launched in enumerate(campaigns):
            named = needed(launched.rules.criteria)
            if named is None:
                self._always.append(number)
            for field, value in named or ():
                self._named[field][value].append(number)

    def that_could_match(self, products: Iterable[Product]) -> Iterator[Launched]:
        found = set(self._always)
        for product in products:
            for field, values in self._named.items():
                found.update(values.get(getattr(product, field), ()))
        return (self.campaigns[number] for number in sorted(found))


def needed(criteria: Criteria) -> Named | None:
    """Return what every basket that meets the criteria holds one of; None where they name nothing like that.

    It is the narrowest that a condition under `all` names, or everything that those under `any` do.
    """
    of_all = [named for condition in criteria.all if (named := _named(condition)) is not None]
    if of_all:
        return min(of_all, key=_width)
    of_any = [_named(condition) for condition in criteria.any]
    named_by_any = [named for named in of_any if named is not None]
    return frozenset().union(*named_by_any) if of_any and len(named_by_any) == len(of_any) else None


def _named(condition: Condition) -> Named | None:
    """Return what a condition cannot be met without one of; None where an empty basket may, or any product will do."""
    minimums = (condition.minimum_quantity, condition.minimum_spend, condition.minimum_distinct_products)
    asked = [part.of for part in condition.bundle]
    asked += [condition.of] if any(minimum is not None for minimum in minimums) else []
    named = [found for found in map(_narrowest, asked) if found]
    return min(named, key=_width, default=None)


def _narrowest(selection: Selection) -> Named:
    stated = ((field, getattr(selection, SELECTED_BY[field])) for field in NARROWEST_FIRST)
    return next((frozenset((field, value) for value in values) for field, values in stated if values), frozenset())


def _width(named: Collection[tuple[str, str]]) -> tuple[int, int]:
    return max(NARROWEST_FIRST.index(field) for field, _ in named), len(named)


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
