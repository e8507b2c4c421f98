"""What a basket is worth to a campaign: the base of a prize, and what one prize then brings."""

from tombola.campaigns.baskets import Basket
from tombola.campaigns.model import Campaign
from tombola.campaigns.winning import Prize


def prize_base_minor(campaign: Campaign, basket: Basket) -> int:
    """Return what a prize by the basket's value is made of, in minor units: 0 to the highest cap.

    What was paid for the lines that count, less what excluded tenders (gift cards, vouchers, points, own
    prizes) paid of the whole order. The money of an excluded tender cannot be told apart by line, so it comes off
    in full: a prize never pays back a voucher. 0 where no prize is by the basket's value.
    """
    paid = sum(line.paid_minor for line in basket.lines if campaign.counts(line.product))
    excluded = sum(amount for tender, amount in basket.tenders if campaign.exclude.excludes_tender(tender))
    caps = (campaign.worth_minor(prize) for prize in campaign.prizes if prize.kind == "basket_value")
    return min(max(max(paid, 0) - excluded, 0), max(caps, default=0))


def prize_minor(campaign: Campaign, prize: Prize, base_minor: int) -> int:
    """Return the money that winning a prize brings on this base, in minor units; 0 for what is no money."""
    if not prize.is_money:
        return 0
    return min(base_minor, campaign.worth_minor(prize)) if prize.kind == "basket_value" else campaign.worth_minor(prize)


def can_win(campaign: Campaign, base_minor: int) -> bool:
    """Tell whether a play on this base can win anything at all."""
    return base_minor > 0 or any(prize.kind != "basket_value" for prize in campaign.prizes)
