"""What a campaign can cost at worst, known before it is launched."""

from dataclasses import dataclass

from tombola.campaigns.model import Campaign


@dataclass(frozen=True, slots=True)
class Liability:
    """The exact worst case in minor units, and the pool it must fit into."""

    worst_case_minor: int
    pool_minor: int
    currency: str

    @property
    def covered(self) -> bool:
        """Tell whether the pool pays the worst case."""
        return self.worst_case_minor <= self.pool_minor


def liability(campaign: Campaign) -> Liability:
    """Return the worst case: every winning moment of a money prize claimed by a basket at its cap.

    Returns cannot add to it: what is paid for an order that comes back later was inside the worst case.
    """
    money = (prize for prize in campaign.prizes if prize.is_money)
    worst = sum((prize.moments or 0) * campaign.worth_minor(prize) for prize in money)
    return Liability(worst, campaign.pool_minor, campaign.pool.currency)
