"""A campaign's report as a value: what the page, the tables and the summary all show.

Amounts are whole numbers of the currency's minor unit; instants UTC; days are the campaign's local days.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Part(BaseModel):
    """Base of every part of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ReportRequest(Part):
    """Ask for the report of one launched campaign version."""

    campaign: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,59}$")]
    version: Annotated[int, Field(ge=1, le=10**6)]


class Counts(Part):
    """How often what happened. Tokens are open, played, expired or revoked: the four add up to those issued.

    A basket that met the criteria counts as qualifying when it earned a token; `tokens_issued` may be more
    where a basket earns several tiers.
    """

    proposals_made: int = 0
    proposals_shown: int = 0
    proposals_withheld: int = 0
    shoppers_reached: int = 0
    qualifying_baskets: int = 0
    tokens_issued: int = 0
    tokens_open: int = 0
    tokens_played: int = 0
    tokens_expired: int = 0
    tokens_revoked: int = 0
    wins: int = 0


class Money(Part):
    """Where the pool is. `reserved_minor` is all that was ever won; of it `released_minor` came back to the pool.

    The rest waits (`waiting_minor`), is due (`payable_minor`) or was paid (`paid_minor`). What can still be
    won is `left_minor`.
    """

    pool_minor: int
    reserved_minor: int
    released_minor: int
    waiting_minor: int
    payable_minor: int
    paid_minor: int
    left_minor: int

    @property
    def prizes_minor(self) -> int:
        """What prizes cost: won and not released."""
        return self.reserved_minor - self.released_minor


class Day(Part):
    """One local day. `reserved_minor` was won on it; `cumulative_reserved_minor` until its end."""

    day: date
    proposals: int
    withheld: int
    tokens: int
    plays: int
    wins: int
    reserved_minor: int
    cumulative_reserved_minor: int


class Store(Part):
    """One store's orders in the window, of everybody; or of all `stores` that have no row of their own.

    The latter say nothing (None) where they have too few shoppers together. See `tombola.reports.stores`.
    """

    retailer: str | None
    store_id: str | None
    stores: int
    orders: int | None
    shoppers: int | None
    value_minor: int | None


class ArmResult(Part):
    """One arm. `mean_minor` is its orders' value in the window per shopper, None without shoppers."""

    shoppers: int
    value_minor: int
    mean_minor: float | None


class Range(Part):
    """A 95% interval, in minor units."""

    low_minor: float
    high_minor: float


class Experiment(Part):
    """Invited against control, by assignment. See `tombola.experiments.analysis` for every figure.

    `difference_minor` per shopper is before prizes; `net_minor` after, where prizes can be told by arm.
    """

    mode: Literal["invitation", "banner"]
    share: Annotated[str, Field(pattern=r"^[0-9.]+$")]
    invited: ArmResult
    control: ArmResult
    difference_minor: float | None
    interval: Range | None
    ratio: float | None
    prize_minor: float | None
    net_minor: float | None
    net_interval: Range | None
    degrees_of_freedom: float | None
    decided: bool
    undecided: Literal["no-control", "too-few-shoppers", "no-spread"] | None
    split_probability: float | None
    balanced: bool


class Commitment(Part):
    """What was stated of the draw before anyone could take part: for whoever checks it later.

    `id_key`, `seed` are digests of the version's two keys, in hex; `witness` is the text that was supplied after
    the digests. The keys are due to be made public by `reveal_by`.
    """

    id_key: str
    seed: str
    witness: str
    committed_at: AwareDatetime
    launched_at: AwareDatetime
    reveal_by: AwareDatetime


class Check(Part):
    """One line of the reconciliation: two ways to the same figure, or a bound and what must not pass it."""

    what: str
    found: str
    expected: str
    holds: bool


class CampaignReport(Part):
    """Everything the report of one campaign version says."""

    campaign: str
    version: int
    title: str
    sponsor: str
    retailers: tuple[str, ...]
    rules_hash: str
    rules_url: str
    commitment: Commitment
    opens_at: AwareDatetime
    closes_at: AwareDatetime
    time_zone: str
    currency: str
    moments: int
    as_of: AwareDatetime
    counts: Counts
    money: Money
    experiment: Experiment
    days: tuple[Day, ...]
    stores: tuple[Store, ...]
    checks: tuple[Check, ...]

    @property
    def reconciled(self) -> bool:
        """Whether every line of the reconciliation holds."""
        return all(check.holds for check in self.checks)


class ReportFiles(Part):
    """Where a report was written: bucket, object names (the page's first), and whether its figures reconcile."""

    campaign: str
    version: int
    bucket: str
    html: str
    files: tuple[str, ...]
    reconciled: bool
