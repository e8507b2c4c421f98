"""Does an order qualify for a campaign, and for what prize: a pure function of the order as it now stands.

Asked again with every revision of the order, it is what undoes entitlements: a cancelled order, or
one returned below the criteria, no longer qualifies.
"""

from dataclasses import dataclass
from typing import Literal

from tombola.campaigns.baskets import Basket
from tombola.campaigns.criteria import Trace, evaluate
from tombola.campaigns.model import Campaign, Launched
from tombola.campaigns.prizes import can_win, prize_base_minor
from tombola.experiments.arms import arm
from tombola.orders.facts import Order

Reason = Literal[
    "qualifies", "cancelled", "not-in-campaign", "not-invited", "no-shopper", "criteria-not-met",
    "nothing-to-win", "too-late", "limit-reached", "sold-out", "campaign-ended", "expired", "played",
]  # fmt: skip
MAX_SUMMARY = 400


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Whether an order qualifies and why; `base_minor` is what a prize by the basket's value is made of.

    `trace` is there when the criteria were looked at.
    """

    reason: Reason
    base_minor: int = 0
    trace: Trace | None = None

    @property
    def qualifies(self) -> bool:
        """Tell whether the order earns a token, limits aside."""
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


def evaluate_order(
    launched: Launched, order: Order, basket: Basket, promised: Basket, *, is_candidate: bool
) -> Evaluation:
    """Return whether an order qualifies.

    `basket` is what is left of it, `promised` the same of what `check_out` was told: the prize is the lower
    of both. `is_candidate`: retailer, store, channel, currency and time of the order are the campaign's.
    """
    rules = launched.rules
    if (hindrance := _hindrance(launched, order, is_candidate=is_candidate)) is not None:
        return Evaluation(hindrance)
    trace = evaluate(rules, basket)
    if not trace.qualifies:
        return Evaluation("criteria-not-met", trace=trace)
    base_minor = min(prize_base_minor(rules, basket), prize_base_minor(rules, promised))
    if not can_win(rules, base_minor):
        return Evaluation("nothing-to-win", trace=trace)
    return Evaluation("qualifies", base_minor, trace)


def _hindrance(launched: Launched, order: Order, *, is_candidate: bool) -> Reason | None:
    """Return why the order cannot qualify whatever its basket holds."""
    rules = launched.rules
    if order.cancelled_at is not None:
        return "cancelled"
    if not is_candidate:
        return "not-in-campaign"
    if order.header.shopper is None:
        return "no-shopper" if _asks_for_shopper(rules) else None
    if rules.control.mode == "invitation":
        assigned = arm(rules.campaign, launched.version, order.header.shopper, rules.control.share)
        return "not-invited" if assigned.arm == "control" else None
    return None


def _asks_for_shopper(rules: Campaign) -> bool:
    """Tell whether tokens go to known shoppers only: limits and invitations are by shopper."""
    by_invitation = rules.control.mode == "invitation" and rules.control.share > 0
    return rules.limits.per_shopper is not None or by_invitation
