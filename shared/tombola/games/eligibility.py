"""Does an order or a free entry qualify for a campaign, in which tiers and for what prize: a pure function.

Asked again with every revision of an order as it now stands, it is what undoes entitlements: a cancelled order, or
one returned below the criteria, no longer qualifies.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tombola.campaigns.baskets import Basket
from tombola.campaigns.criteria import Trace, evaluate_tiers
from tombola.campaigns.model import Campaign, Launched
from tombola.campaigns.prizes import can_win, prize_base_minor
from tombola.experiments.arms import arm
from tombola.orders.facts import Order

Reason = Literal[
    "qualifies", "cancelled", "not-in-campaign", "country", "not-invited", "no-shopper", "no-household",
    "not-first-order", "criteria-not-met", "nothing-to-win", "too-late", "erased", "limit-reached",
    "household-limit-reached", "store-sold-out", "day-sold-out", "week-sold-out", "sold-out", "campaign-ended",
    "no-free-entry", "expired", "played",
]  # fmt: skip
MAX_SUMMARY = 400


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Whether a tier is earned and why; `base_minor` is what a prize by the basket's value is made of.

    `trace` is there when the criteria were looked at: those of this tier, or of the first before it that is not met.
    """

    reason: Reason
    base_minor: int = 0
    trace: Trace | None = None

    @property
    def qualifies(self) -> bool:
        """Tell whether a token is earned, limits aside."""
        return self.reason == "qualifies"

    @property
    def summary(self) -> str:
        """The bounds that were not met, in short: `all.0 minimum_quantity 2 of 3`."""
        if self.trace is None:
            return ""
        unmet = (
            f"{condition.clause}.{condition.index} {bound.bound} {bound.found} of {bound.wanted}"
            for condition in self.trace.conditions
            for bound in condition.bounds
            if bound.short_by
        )
        return "; ".join(unmet)[:MAX_SUMMARY]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known around an order or a free entry.

    `is_candidate`: retailer, store, channel, currency and time are the campaign's. `country` is the retailer's.
    `is_first`: the shopper has no earlier order there.
    """

    is_candidate: bool
    country: str
    is_first: bool = True


def evaluate_order(
    launched: Launched, order: Order, basket: Basket, promised: Basket, circumstances: Circumstances
) -> tuple[Evaluation, ...]:
    """Return for every tier of the rules, the first first, whether an order earns it.

    `basket` is what is left of it, `promised` the same of what `check_out` was told: the prize is the lower of both.
    """
    rules = launched.rules
    tiers = 1 + len(rules.further_tiers)
    if (hindrance := _hindrance(launched, order, circumstances)) is not None:
        return (Evaluation(hindrance),) * tiers
    base_minor = min(prize_base_minor(rules, basket), prize_base_minor(rules, promised))
    traces = evaluate_tiers(rules, basket)
    earned = tuple(_judged(rules, base_minor, trace) for trace in traces)
    return earned + (Evaluation("criteria-not-met", trace=traces[-1]),) * (tiers - len(earned))


def evaluate_free_entry(
    launched: Launched, retailer: str, shopper: str | None, household: str | None, entered_at: datetime, country: str
) -> Evaluation:
    """Return whether a free entry qualifies, whose prizes by a basket's value pay the rules' own amount.

    Criteria ask about baskets and do not concern it. By invitation means for it too that control gets no token: a
    control group with another way in would be none.
    """
    rules = launched.rules
    if rules.free_entry is None:
        return Evaluation("no-free-entry")
    if retailer not in rules.retailers or not runs_at(launched, entered_at):
        return Evaluation("not-in-campaign")
    hindrance = _of_place(rules, country) or _of_person(launched, shopper, household)
    if hindrance is not None:
        return Evaluation(hindrance)
    caps = (rules.worth_minor(prize) for prize in rules.prizes if prize.kind == "basket_value")
    return Evaluation("qualifies", min(rules.minor(rules.free_entry.amount), max(caps, default=0)))


def _judged(rules: Campaign, base_minor: int, trace: Trace) -> Evaluation:
    if not trace.qualifies:
        return Evaluation("criteria-not-met", trace=trace)
    if not can_win(rules, base_minor):
        return Evaluation("nothing-to-win", trace=trace)
    return Evaluation("qualifies", base_minor, trace)


def _hindrance(launched: Launched, order: Order, circumstances: Circumstances) -> Reason | None:
    """Return why the order cannot qualify whatever its basket holds."""
    rules = launched.rules
    if order.cancelled_at is not None:
        return "cancelled"
    if not circumstances.is_candidate:
        return "not-in-campaign"
    hindrance = _of_place(rules, circumstances.country) or _of_person(
        launched, order.header.shopper, order.header.household
    )
    if hindrance is None and rules.first_order and not circumstances.is_first:
        return "not-first-order"
    return hindrance


def runs_at(launched: Launched, at: datetime) -> bool:
    """Tell whether an instant lies after the launch (before, nobody's chance was fixed) and before an early end."""
    ended_at = launched.ended_at
    return launched.rules.is_open(at) and launched.launched_at <= at and (ended_at is None or at < ended_at)


def _of_place(rules: Campaign, country: str) -> Reason | None:
    return None if country in rules.eligibility.countries else "country"


def _of_person(launched: Launched, shopper: str | None, household: str | None) -> Reason | None:
    """Return why nobody, or this shopper, is given a token: limits, first orders and invitations are by person."""
    rules = launched.rules
    if shopper is None and _asks_for_shopper(rules):
        return "no-shopper"
    if household is None and rules.limits.per_household is not None:
        return "no-household"
    if shopper is not None and rules.control.mode == "invitation":
        assigned = arm(rules.campaign, launched.version, shopper, rules.control.share)
        return "not-invited" if assigned.arm == "control" else None
    return None


def _asks_for_shopper(rules: Campaign) -> bool:
    by_invitation = rules.control.mode == "invitation" and rules.control.share > 0
    return rules.limits.per_shopper is not None or rules.first_order or by_invitation
