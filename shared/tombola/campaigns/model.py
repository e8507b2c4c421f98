"""The campaign file: who may see it, when, what a basket must hold, what can be won, the caps.

Its parts stand in modules of their own. Amounts are decimal text in the currency's major unit (`"50.00"`);
`minor` makes whole numbers of them. Instants in the window are local times of its named zone.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from tombola.campaigns.audience import Audience, Control, Hours
from tombola.campaigns.counting import Plan
from tombola.campaigns.parts import Instant, Local, Name, Rules
from tombola.campaigns.selecting import MOST_FURTHER_TIERS, Criteria, Exclusions
from tombola.campaigns.winning import MOST_PRIZES, Draw, FreeEntry, Limits, Pool, Prize, WhenEmpty
from tombola.catalogue.model import Product
from tombola.money import minor_units
from tombola.zones import known_zone


class Sponsor(Rules):
    """Who pays."""

    name: Name
    kind: Literal["brand", "retailer"]


class Window(Rules):
    """Local opening (inclusive) and closing (exclusive) in a named time zone."""

    opens: Local
    closes: Local
    time_zone: str

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return known_zone(value)

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> "Window":
        if self.closes <= self.opens:
            msg = f"a window that closes at {self.closes}; expected a time after it opens, {self.opens}"
            raise ValueError(msg)
        return self

    @property
    def opens_at(self) -> datetime:
        """Opening instant, UTC."""
        return self.opens.replace(tzinfo=ZoneInfo(self.time_zone)).astimezone(UTC)

    @property
    def closes_at(self) -> datetime:
        """Closing instant, UTC, itself outside."""
        return self.closes.replace(tzinfo=ZoneInfo(self.time_zone)).astimezone(UTC)

    def holds(self, instant: datetime) -> bool:
        """Tell whether an aware instant lies inside."""
        return self.opens_at <= instant < self.closes_at


class Eligibility(Rules):
    """Who may take part by law and by the rules; checked by people at the claim where it says so."""

    countries: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="two capital letters, as in US")], ...],
        Field(min_length=1),
    ]
    minimum_age: Annotated[int, Field(ge=0, le=120)]
    age_checked: Name
    excluded_persons: Annotated[tuple[Name, ...], Field(min_length=1)]
    excluded_categories: tuple[Name, ...]
    rules_url: Annotated[str, Field(pattern=r"^https://", description="an address that begins with https://")]
    rules_version: Name

    @cached_property
    def _excluded(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self.excluded_categories)

    def excludes(self, product: Product) -> bool:
        """Tell whether a product's category or department is excluded, whatever its upper and lower case."""
        excluded = self._excluded
        return product.category.casefold() in excluded or product.department.casefold() in excluded


class Campaign(Rules):
    """A whole campaign file.

    A token of tier 1 is earned by `criteria`; every one of `further_tiers` that the basket meets too, in order, earns
    one more. `first_order`: only a shopper's first order at the retailer counts. `unclaimed` says where winning
    moments go that nobody claimed.
    """

    campaign: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9-]{1,59}$", description="2 to 60 of a-z, 0-9 and -, a letter first")
    ]
    title: Name
    sponsor: Sponsor
    retailers: Annotated[tuple[Name, ...], Field(min_length=1)]
    stores: tuple[Name, ...] = ()
    channels: Annotated[tuple[Literal["store", "web", "app"], ...], Field(min_length=1)] = ("store", "web", "app")
    window: Window
    weekly_hours: tuple[Hours, ...] = ()
    audience: Audience = Audience()
    control: Control
    criteria: Criteria
    further_tiers: Annotated[tuple[Criteria, ...], Field(max_length=MOST_FURTHER_TIERS)] = ()
    first_order: bool = False
    exclude: Exclusions = Exclusions()
    limits: Limits = Limits()
    game: Literal["wheel", "scratch_card", "instant_reveal"]
    prizes: Annotated[tuple[Prize, ...], Field(min_length=1, max_length=MOST_PRIZES)]
    draw: Draw
    when_empty: WhenEmpty | None = None
    pool: Pool
    unclaimed: Name = "stays with the sponsor"
    free_entry: FreeEntry | None = None
    play_within_days: Annotated[int, Field(ge=1, le=365)] = 14
    matures_after_days: Annotated[int, Field(ge=0, le=365)] = 30
    claim_within_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    reveal_by: Instant
    eligibility: Eligibility

    def counts(self, product: Product) -> bool:
        """Tell whether a product counts at all, for the criteria and for the prize."""
        for selection in self.exclude.lines:
            if selection.matches(product):
                return False
        return not self.eligibility.excludes(product)

    @cached_property
    def tier_plans(self) -> tuple[Plan, ...]:
        """The criteria of every tier, ready to count by."""
        return tuple(self._plan([criteria]) for criteria in (self.criteria, *self.further_tiers))

    @cached_property
    def joint_plans(self) -> tuple[Plan, ...]:
        """For every tier its criteria and those of all before it, ready to count by together."""
        tiers = (self.criteria, *self.further_tiers)
        further = (self._plan(tiers[:tier]) for tier in range(2, len(tiers) + 1))
        return (self.tier_plans[0], *further)

    def _plan(self, criteria: Sequence[Criteria]) -> Plan:
        return Plan(criteria, counts=self.counts, minor=self.minor, never=self.exclude.lines)

    def minor(self, amount: Decimal) -> int:
        """Return an amount of this file in minor units of its currency."""
        return minor_units(amount, self.pool.currency)

    def is_open(self, instant: datetime) -> bool:
        """Tell whether an aware instant lies in the window, and in the weekly hours if any are stated."""
        if not self.window.holds(instant):
            return False
        local = instant.astimezone(ZoneInfo(self.window.time_zone))
        return not self.weekly_hours or any(hours.hold(local) for hours in self.weekly_hours)

    @property
    def moments(self) -> int:
        """How many winning moments there are: those of all prizes together."""
        return sum(prize.moments or 0 for prize in self.prizes)

    def worth_minor(self, prize: Prize) -> int:
        """Most that one of a prize can be worth, in minor units."""
        return self.minor(prize.worth)

    @property
    def cap_minor(self) -> int:
        """Most money that one play can win; 0 where no prize is money."""
        return max((self.worth_minor(prize) for prize in self.prizes if prize.is_money), default=0)

    @property
    def most_tokens(self) -> int | None:
        """Most tokens there can be, free entries and all tiers included; None where nothing limits them."""
        return min((most for most in (self.limits.per_campaign, self.draw.maximum_plays) if most), default=None)

    @property
    def fallback_minor(self) -> int:
        """Money set aside for the fallback: every token there can be may still be open when the pool is empty."""
        fallback = self.when_empty.fallback if self.when_empty else None
        if fallback is None or fallback.kind != "fixed":
            return 0
        return self.minor(fallback.worth) * (self.most_tokens or 0)

    @property
    def pool_minor(self) -> int:
        """Money there is."""
        return self.minor(self.pool.amount)

    @property
    def play_within(self) -> timedelta:
        """How long a token can be played after it is issued."""
        return timedelta(days=self.play_within_days)

    @property
    def matures_after(self) -> timedelta:
        """How long after its token was issued a prize is due at the earliest."""
        return timedelta(days=self.matures_after_days)

    @property
    def claim_within(self) -> timedelta | None:
        """How long a prize that is due waits to be claimed; None: for ever."""
        return None if self.claim_within_days is None else timedelta(days=self.claim_within_days)

    @property
    def last_play_at(self) -> datetime:
        """When no token can be played any more."""
        return self.window.closes_at + self.play_within


class Launched(BaseModel):
    """One launched version of a campaign: its rules, frozen, and what was committed before.

    `id_key`, `seed_key` are names in the key store, never the keys. `status` may be stale by 30 s.
    """

    model_config = ConfigDict(frozen=True)

    rules: Campaign
    version: int
    rules_hash: str
    witness: str
    commitment: dict[str, str]
    launched_at: AwareDatetime
    status: Literal["launched", "ended", "revealed"]
    ended_at: AwareDatetime | None = None
    revealed_at: AwareDatetime | None = None

    @property
    def id_key(self) -> str:
        """Name of the key that token ids come from. Issuing functions hold it."""
        return f"campaign-{self.rules.campaign}-v{self.version}-id"

    @property
    def seed_key(self) -> str:
        """Name of the key that draws come from. Only `play_game` holds it."""
        return f"campaign-{self.rules.campaign}-v{self.version}-seed"
