"""What baskets of the past would have brought a campaign: how many tokens, on what bases."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from tombola.campaigns.baskets import Basket
from tombola.campaigns.criteria import evaluate_tiers
from tombola.campaigns.model import Campaign
from tombola.campaigns.payout import Payout, simulate
from tombola.campaigns.prizes import can_win, prize_base_minor
from tombola.errors import Problem
from tombola.experiments.arms import arm
from tombola.money import minor_units
from tombola.problems import shown

LEVELS = (1, 2, 5)
"""As many tokens as the baskets of the past would have brought, and so many times as many."""


@dataclass(frozen=True, slots=True)
class Uptake:
    """How a campaign would have been taken up: of so many `orders` made from `since` to `until`, these qualified.

    Each of the orders that were looked at `stands_for` so many that were made.
    `bases` has one per token, in minor units. `tokens` are those that a window as long as the campaign's would bring.
    """

    orders: int
    bases: tuple[int, ...]
    tokens: int
    since: datetime | None = None
    until: datetime | None = None
    stands_for: int = 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """An uptake and what it would cost at each of `LEVELS`, from the baskets as they were to five times as many."""

    uptake: Uptake
    payouts: tuple[Payout, ...]


def estimate(rules: Campaign, uptake: Uptake) -> Estimate | None:
    """Return the payouts of an uptake; None where no basket would have qualified. Seeds are fixed: it never varies."""
    if not uptake.bases:
        return None
    payouts = (simulate(rules, uptake.bases, uptake.tokens * level, seed=level) for level in LEVELS)
    return Estimate(uptake, tuple(payouts))


def stated_uptake(rules: Campaign, values: Sequence[int]) -> Uptake:
    """Return the uptake of baskets that somebody states: each qualifies, with this base up to the highest cap."""
    most = max((rules.worth_minor(prize) for prize in rules.prizes if prize.kind == "basket_value"), default=0)
    return Uptake(len(values), tuple(min(max(value, 0), most) for value in values), len(values))


def read_values(text: str, currency: str) -> tuple[list[int], list[Problem]]:
    """Return basket values, one amount a line in major units, as minor units; and every line that is none."""
    values: list[int] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            values.append(minor_units(Decimal(line.strip()), currency))
        except (InvalidOperation, ValueError):
            problems.append(Problem(f"line {number}", shown(line), f"an amount in {currency}, such as 12.50"))
    return values, problems


def replayed_uptake(rules: Campaign, baskets: Iterable[Basket], stands_for: int = 1) -> Uptake:
    """Return how these baskets, in order of time, would have been taken up.

    Criteria and tiers, channel, store, weekly hours, control arm and the limit per shopper are as the rules say; the
    window is not looked at, nor is what is known of the shopper. Tokens are scaled to the window's length.
    Where a basket `stands_for` several, a shopper's limit binds later than it would, so tokens err on the high side.
    """
    bases: list[int] = []
    had: Counter[tuple[str, str]] = Counter()
    orders, since, until = 0, None, None
    for basket in baskets:
        orders, since, until = orders + 1, since or basket.ordered_at, basket.ordered_at
        earned = _earned(rules, basket) if _may_take_part(rules, basket) else 0
        if basket.shopper is not None and rules.limits.per_shopper is not None:
            who = (basket.retailer, basket.shopper)
            earned = min(earned, rules.limits.per_shopper - had[who])
            had[who] += earned
        bases += [prize_base_minor(rules, basket)] * earned
    return Uptake(orders, tuple(bases), _scaled(rules, len(bases) * stands_for, since, until), since, until, stands_for)


def _earned(rules: Campaign, basket: Basket) -> int:
    if not basket.lines or not can_win(rules, prize_base_minor(rules, basket)):
        return 0
    return sum(trace.qualifies for trace in evaluate_tiers(rules, basket))


def _may_take_part(rules: Campaign, basket: Basket) -> bool:
    local = basket.ordered_at.astimezone(ZoneInfo(rules.window.time_zone))
    return (
        basket.channel in rules.channels
        and basket.currency == rules.pool.currency
        and (not rules.stores or basket.store_id in rules.stores)
        and (not rules.weekly_hours or any(hours.hold(local) for hours in rules.weekly_hours))
        and _invited(rules, basket.shopper)
    )


def _invited(rules: Campaign, shopper: str | None) -> bool:
    if shopper is None:
        by_invitation = rules.control.mode == "invitation" and rules.control.share > 0
        return rules.limits.per_shopper is None and not by_invitation
    return rules.control.mode == "banner" or arm(rules.campaign, 1, shopper, rules.control.share).arm == "invited"


def _scaled(rules: Campaign, tokens: int, since: datetime | None, until: datetime | None) -> int:
    """Return how many tokens the whole window would bring, rounded up; the period is taken as a day at least."""
    if since is None or until is None:
        return 0
    window = rules.window.closes_at - rules.window.opens_at
    period = min(max(until - since, timedelta(days=1)), window)
    return -(-tokens * (window // timedelta(seconds=1)) // (period // timedelta(seconds=1)))
