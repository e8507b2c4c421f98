"""What a basket is worth to a campaign: the base of a prize."""

from tombola.campaigns.baskets import Basket
from tombola.campaigns.model import Campaign


def prize_base_minor(campaign: Campaign, basket: Basket) -> int:
    """Return the prize that a win with this basket would bring, in minor units, 0 to the cap.

    What was paid for the lines that count, less what excluded tenders (gift cards, vouchers, points, own
    prizes) paid of the whole order, up to the cap; the cap itself where the prize is fixed. The money of an
    excluded tender cannot be told apart by line, so it comes off in full: a prize never pays back a voucher.
    """
    if campaign.prize.kind == "fixed":
        return campaign.cap_minor
    paid = sum(line.paid_minor for line in basket.lines if campaign.counts(line.product))
    excluded = sum(amount for tender, amount in basket.tenders if campaign.exclude.excludes_tender(tender))
    return min(max(max(paid, 0) - excluded, 0), campaign.cap_minor)
