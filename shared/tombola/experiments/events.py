"""Events about what was shown to whom."""

from datetime import datetime
from typing import ClassVar, Literal

from tombola.events import Event

Arm = Literal["invited", "control"]


class ProposalMade(Event):
    """One decision to show (`shown`) or withhold a campaign to a shopper who reached the decision point.

    `shopper` is a pseudonym; `propensity` is the probability of the arm that was drawn.
    """

    TYPE: ClassVar[str] = "proposal-made"

    retailer: str
    shopper: str
    campaign: str
    campaign_version: int
    arm: Arm
    propensity: float
    shown: bool
    reason: str
    placement: str
    proposed_at: datetime
