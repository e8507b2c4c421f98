"""The campaign file: who may see it, when, what a basket must hold, what can be won, the caps.

Amounts are decimal text in the currency's major unit (`"50.00"`); `minor` makes whole numbers of
them. Instants in the window are local times of its named zone.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime, field_validator, model_validator

from tombola.catalogue.model import Product
from tombola.money import minor_units
from tombola.zones import known_zone

Name = Annotated[
    str,
    Field(
        min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", description="text without control characters"
    ),
]
Amount = Annotated[Decimal, Field(gt=0, max_digits=12)]
Share = Annotated[Decimal, Field(ge=0, le=1)]


class Rules(BaseModel):
    """Base of every part of the file: frozen, and a field nobody knows is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sponsor(Rules):
    """Who pays."""

    name: Name
    kind: Literal["brand", "retailer"]


class Window(Rules):
    """Local opening (inclusive) and closing (exclusive) in a named time zone."""

    opens: NaiveDatetime
    closes: NaiveDatetime
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


class Selection(Rules):
    """Products meant: every stated field must match one of its values. Nothing stated: every product."""

    products: tuple[Name, ...] = ()
    brands: tuple[Name, ...] = ()
    categories: tuple[Name, ...] = ()
    departments: tuple[Name, ...] = ()

    @cached_property
    def _wanted(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """The stated fields as sets, made once: every line of every basket is asked about them."""
        stated = zip(
            ("product_id", "brand", "category", "department"),
            (self.products, self.brands, self.categories, self.departments),
            strict=True,
        )
        return tuple((field, frozenset(values)) for field, values in stated if values)

    def matches(self, product: Product) -> bool:
        """Tell whether a product is meant. Names are compared as written."""
        for field, wanted in self._wanted:  # noqa: SIM110 (asked of every line of every basket; a loop costs half)
            if getattr(product, field) not in wanted:
                return False
        return True


class Condition(Rules):
    """What the matching lines of a basket must add up to. At least one bound is stated."""

    of: Selection = Selection()
    minimum_quantity: Annotated[int, Field(ge=1, le=10**6)] | None = None
    maximum_quantity: Annotated[int, Field(ge=0, le=10**6)] | None = None
    minimum_spend: Amount | None = None
    minimum_distinct_products: Annotated[int, Field(ge=1, le=10**4)] | None = None

    @model_validator(mode="after")
    def _states_a_bound(self) -> "Condition":
        bounds = (self.minimum_quantity, self.maximum_quantity, self.minimum_spend, self.minimum_distinct_products)
        if all(bound is None for bound in bounds):
            msg = "states no bound; expected a minimum or maximum quantity, spend or number of distinct products"
            raise ValueError(msg)
        return self


class Criteria(Rules):
    """What a basket must hold: `all` of these, `any` of those (if stated), `none` of the others."""

    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    none: tuple[Condition, ...] = ()


class Exclusions(Rules):
    """Lines and tenders that count neither for the criteria nor for the prize."""

    lines: tuple[Selection, ...] = ()
    tenders: tuple[Name, ...] = ("gift_card", "meal_voucher", "points", "prize")

    @cached_property
    def _tenders(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self.tenders)

    def excludes_tender(self, name: str) -> bool:
        """Tell whether a tender is excluded, whatever its upper and lower case."""
        return name.casefold() in self._tenders


class Audience(Rules):
    """Who may be shown it. `consent`: the purpose that the shopper must have agreed to, or none."""

    consent: Literal["none", "profile", "ads", "partner"] = "none"


class Control(Rules):
    """The control group. `invitation`: control gets no banner and no token. `banner`: only the banner is withheld."""

    share: Share
    mode: Literal["invitation", "banner"]


class Limits(Rules):
    """Most tokens: per shopper (an order without a shopper then gets none), and in the whole campaign."""

    per_shopper: Annotated[int, Field(ge=1, le=1000)] | None = None
    per_campaign: Annotated[int, Field(ge=1, le=10**8)] | None = None


class Prize(Rules):
    """The basket's value, net of exclusions, coupons and excluded tenders, up to a cap; or a fixed amount."""

    kind: Literal["basket_value", "fixed"]
    cap: Amount


class WinningMoments(Rules):
    """`moments` instants derived over the window; the first play at or after one wins it."""

    kind: Literal["winning_moments"]
    moments: Annotated[int, Field(ge=1, le=100_000)]


class Pool(Rules):
    """The money that can be paid out, in the campaign's one currency."""

    amount: Amount
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="three capital letters, as in EUR")]


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
    """A whole campaign file."""

    campaign: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9-]{1,59}$", description="2 to 60 of a-z, 0-9 and -, a letter first")
    ]
    title: Name
    sponsor: Sponsor
    retailers: Annotated[tuple[Name, ...], Field(min_length=1)]
    stores: tuple[Name, ...] = ()
    channels: Annotated[tuple[Literal["store", "web", "app"], ...], Field(min_length=1)] = ("store", "web", "app")
    window: Window
    audience: Audience = Audience()
    control: Control
    criteria: Criteria
    exclude: Exclusions = Exclusions()
    limits: Limits = Limits()
    game: Literal["wheel", "scratch_card", "instant_reveal"]
    prize: Prize
    draw: WinningMoments
    pool: Pool
    play_within_days: Annotated[int, Field(ge=1, le=365)] = 14
    matures_after_days: Annotated[int, Field(ge=0, le=365)] = 30
    reveal_by: AwareDatetime
    eligibility: Eligibility

    def counts(self, product: Product) -> bool:
        """Tell whether a product counts at all, for the criteria and for the prize."""
        for selection in self.exclude.lines:
            if selection.matches(product):
                return False
        return not self.eligibility.excludes(product)

    def minor(self, amount: Decimal) -> int:
        """Return an amount of this file in minor units of its currency."""
        return minor_units(amount, self.pool.currency)

    @property
    def cap_minor(self) -> int:
        """Most one prize can be."""
        return self.minor(self.prize.cap)

    @property
    def pool_minor(self) -> int:
        """Money there is."""
        return self.minor(self.pool.amount)

    @property
    def play_within(self) -> timedelta:
        """How long a token can be played after it is issued."""
        return timedelta(days=self.play_within_days)

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

    @property
    def id_key(self) -> str:
        """Name of the key that token ids come from. Issuing functions hold it."""
        return f"campaign-{self.rules.campaign}-v{self.version}-id"

    @property
    def seed_key(self) -> str:
        """Name of the key that draws come from. Only `play_game` holds it."""
        return f"campaign-{self.rules.campaign}-v{self.version}-seed"
