"""What a replay answers. Amounts are whole minor units of the campaign's currency."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from tombola.campaigns.model import Campaign
from tombola.campaigns.selecting import Selection


class Answer(BaseModel):
    """Base of every part of the answer: frozen, and JSON as it stands."""

    model_config = ConfigDict(frozen=True)


class Period(Answer):
    """Instants from `begins` on and before `ends`, UTC."""

    begins: datetime
    ends: datetime


def period_of(rules: Campaign, first: date | None, last: date | None) -> Period:
    """Return local days of the window's zone, both inside; what is not given is the window's own end.

    Raises `ValueError` when it ends before it begins.
    """
    zone = ZoneInfo(rules.window.time_zone)

    def midnight(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)

    begins = rules.window.opens_at if first is None else midnight(first)
    ends = rules.window.closes_at if last is None else midnight(last + timedelta(days=1))
    if ends <= begins:
        msg = f"a period from {begins.isoformat()} to {ends.isoformat()}; expected an end after its beginning"
        raise ValueError(msg)
    return Period(begins=begins, ends=ends)


class Reason(Answer):
    """Why so many orders, of so many known shoppers, earned nothing: the first thing that stood against each."""

    reason: str
    orders: int
    shoppers: int


class Step(Answer):
    """So many orders lack, or have too much, at most `by` (units, minor units, products or sets; None: more)."""

    by: int | None
    orders: int


class Miss(Answer):
    """One bound of the first tier, and how many baskets that nothing else stood against did not meet it.

    `meant` is what it looks at, a bundle's parts one by one. `alone`: those that met everything else the criteria ask,
    and `off_by` says how far off these were.
    """

    clause: str
    index: int
    meant: tuple[Selection, ...]
    bound: str
    wanted: int
    orders: int
    alone: int
    off_by: tuple[Step, ...]


class Earned(Answer):
    """Tokens that the limits let be, by tier from the first, and earned ones that they refused, by reason."""

    by_tier: tuple[int, ...]
    refused: dict[str, int]

    @property
    def tokens(self) -> int:
        """All of them."""
        return sum(self.by_tier)


class Cost(Answer):
    """What so many plays are likely to cost, drawn `runs` times with simulation seeds.

    `expected_minor` is everything, coupons at face value and things at their value, `money_minor` the money in it;
    99.9% of the runs cost no more than `high_minor`. `ran_out`: share of runs in which something ran out.
    """

    plays: int
    runs: int
    wins: float
    expected_minor: int
    high_minor: int
    standard_error_minor: int
    money_minor: int
    ran_out: float


class Ran(Answer):
    """A campaign as it ran: the tokens it issued in the period, and what has come of them by now.

    `won_minor` is money reserved for wins, `payout_minor` what of it has not gone back to the pool.
    """

    campaign: str
    tokens: int
    revoked: int
    expired: int
    plays: int
    wins: int
    won_minor: int
    payout_minor: int

    @property
    def share_played(self) -> float | None:
        """Share of the tokens that were over and not taken back, that were played; None where there are none."""
        over = self.plays + self.expired
        return self.plays / over if over else None


class Audience(Answer):
    """Of the orders that qualified: those of shoppers who were then in the audience, and could be shown the banner."""

    orders: int
    shoppers: int


class Replay(Answer):
    """Recorded orders of a period through a campaign's rules, at the date they happened: same baskets."""

    campaign: str
    title: str
    currency: str
    time_zone: str
    period: Period
    orders: int
    shoppers: int
    qualified_orders: int
    qualified_shoppers: int
    audience: Audience
    reasons: tuple[Reason, ...]
    misses: tuple[Miss, ...]
    earned: Earned
    share_played: float
    share_played_from: str
    cost: Cost | None
    as_it_ran: Ran | None
    erased_shoppers: int
    unknown_products: int
    notes: tuple[str, ...]
