"""What a campaign can cost at worst, known before it is launched."""

from dataclasses import dataclass

from tombola.campaigns.model import Campaign
from tombola.campaigns.winning import Prize


@dataclass(frozen=True, slots=True)
class Liability:
    """The worst case in minor units, part by part; no draw can make any part cost more.

    `money_minor`: what the pool can lose. `things_minor`, `coupons_minor`: the stock at its stated value, coupons at
    face value. `fallback_minor`: what plays win whose prize ran out. `returns_minor`: the stated bound on what is paid
    for orders that come back and is not got back. `pool_minor` is the money there is.
    """

    money_minor: int
    things_minor: int
    coupons_minor: int
    fallback_minor: int
    returns_minor: int
    pool_minor: int
    currency: str

    @property
    def worst_case_minor(self) -> int:
        """All parts together."""
        prizes = self.money_minor + self.things_minor + self.coupons_minor
        return prizes + self.fallback_minor + self.returns_minor

    @property
    def covered(self) -> bool:
        """Tell whether the pool pays all money prizes at their worst."""
        return self.money_minor <= self.pool_minor


def liability(campaign: Campaign) -> Liability:
    """Return the worst case: by winning moments all of them claimed at their cap, by odds every play won.

    By odds no more than the pool is ever paid: what it cannot pay wins the fallback.
    """
    return Liability(
        money_minor=_money(campaign),
        things_minor=_worth_of(campaign, "physical"),
        coupons_minor=_worth_of(campaign, "coupon"),
        fallback_minor=_fallback(campaign),
        returns_minor=campaign.minor(campaign.pool.unrecovered_returns),
        pool_minor=campaign.pool_minor,
        currency=campaign.pool.currency,
    )


def most_won(campaign: Campaign, prize: Prize) -> int:
    """Return how often a prize can be won at most, whatever there is of it."""
    return (prize.moments or 0) if campaign.draw.kind == "winning_moments" else (campaign.most_tokens or 0)


def _money(campaign: Campaign) -> int:
    if campaign.draw.kind == "odds":
        return min(campaign.pool_minor, (campaign.most_tokens or 0) * campaign.cap_minor)
    money = (prize for prize in campaign.prizes if prize.is_money)
    return sum(most_won(campaign, prize) * campaign.worth_minor(prize) for prize in money)


def _worth_of(campaign: Campaign, kind: str) -> int:
    return sum(
        _most_granted(campaign, prize) * campaign.worth_minor(prize) for prize in campaign.prizes if prize.kind == kind
    )


def _most_granted(campaign: Campaign, prize: Prize) -> int:
    won = most_won(campaign, prize)
    return won if prize.stock is None else min(won, prize.stock)


def _fallback(campaign: Campaign) -> int:
    """By moments only what stock does not last for falls back, by odds any play."""
    fallback = campaign.when_empty.fallback if campaign.when_empty else None
    if fallback is None:
        return 0
    short = sum(most_won(campaign, prize) - _most_granted(campaign, prize) for prize in campaign.prizes)
    plays = short if campaign.draw.kind == "winning_moments" else (campaign.most_tokens or 0)
    return plays * campaign.minor(fallback.worth)
