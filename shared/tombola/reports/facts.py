"""What the warehouse tells of a campaign, small: totals, quarters of an hour, arms, stores.

Amounts are minor units, instants UTC.
"""

from dataclasses import dataclass
from datetime import datetime

from tombola.experiments.analysis import ArmSums

SMALLEST_STORE = 5
"""A store with fewer shoppers is not named: a sponsor could recognise them."""


@dataclass(frozen=True, slots=True)
class PlayTotals:
    """The plays in one state of play and prize."""

    tier: int
    state: str
    prize_state: str
    won: bool
    plays: int
    reserved_minor: int
    released_minor: int
    payable_minor: int


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened in the quarter of an hour that begins at `at`."""

    at: datetime
    proposals: int = 0
    withheld: int = 0
    tokens: int = 0
    plays: int = 0
    wins: int = 0
    reserved_minor: int = 0


@dataclass(frozen=True, slots=True)
class Shoppers:
    """Who reached the decision point: the value of each arm, and how many were seen in both (a fault)."""

    invited: ArmSums
    control: ArmSums
    in_both_arms: int


@dataclass(frozen=True, slots=True)
class StoreTotals:
    """What was ordered in one store in the campaign's window."""

    retailer: str
    store_id: str
    orders: int
    shoppers: int
    value_minor: int


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """Everything a report is computed from. `foreign_orders` are in another currency and left out.

    `small_store_shoppers` are the different shoppers of all stores of fewer than `SMALLEST_STORE` together.
    """

    plays: tuple[PlayTotals, ...]
    happened: tuple[Happened, ...]
    shoppers: Shoppers
    stores: tuple[StoreTotals, ...]
    small_store_shoppers: int
    foreign_orders: int
