"""A retailer: who sends us data, how its feeds are written, where its keys are.

One YAML object per retailer in the config bucket, `retailers/<id>.yaml`: a new retailer is no
deployment.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tombola.zones import known_zone

RetailerId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")]


class Dialect(BaseModel):
    """How one retailer writes one kind of feed.

    `columns` maps contract fields to the retailer's column names (one column may feed several
    fields); `constants` gives fields that no column holds. `ambiguous` says which instant a local
    time means when the clock shows it twice; a local time the clock skips is rejected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    encoding: Literal["utf-8", "utf-8-sig", "utf-16", "cp1252", "iso-8859-15"] = "utf-8-sig"
    columns: dict[str, str] = {}
    constants: dict[str, str] = {}
    decimal_mark: Literal[".", ","] = "."
    thousands_mark: Literal["", ",", ".", " ", "'", "\u00a0", "\u202f"] = ""
    datetime_format: str | None = None
    time_zone: str = "UTC"
    ambiguous: Literal["earlier", "later", "reject"] = "earlier"
    nulls: tuple[str, ...] = ("",)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return known_zone(value)


class Retailer(BaseModel):
    """A shop that sends us data. Its keys are `webhook-<id>`, `pseudonym-<id>` in the key store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    retailer: RetailerId
    name: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    time_zone: str = "UTC"
    quarantine_over: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.10")
    feeds: dict[Literal["products", "orders", "shoppers", "navigation", "returns"], Dialect]

    @property
    def webhook_key(self) -> str:
        """Name of the HMAC secret this retailer signs webhooks and check-outs with."""
        return f"webhook-{self.retailer}"

    @property
    def pseudonym_key(self) -> str:
        """Name of the HMAC key that turns its shoppers' ids into pseudonyms."""
        return f"pseudonym-{self.retailer}"
