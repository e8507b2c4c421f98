"""A retailer: who sends us data, how its feeds are written, where its keys are.

One YAML object per retailer in the config bucket, `retailers/<id>.yaml`: a new retailer is no
deployment.
"""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from tombola.zones import known_zone

RetailerId = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$", description="2 to 40 of a-z, 0-9 and -, a letter first")
]
TimeZone = Annotated[str, AfterValidator(known_zone)]
DatetimeFormat = Annotated[
    str, Field(pattern=r"^(iso|.*%[A-Za-z].*)$", description="`iso`, or a format such as %d.%m.%Y %H:%M:%S")
]


class Dialect(BaseModel):
    """How one retailer writes one kind of feed.

    `columns` maps contract fields to the retailer's column names (one column may feed several
    fields); `constants` gives fields that no column holds. `header` names the columns of a file that has no
    header. `datetime_formats` are tried in their order; `iso` is ISO 8601. `units` says how much one of what
    is written in a number's column is in the contract's unit: `value: 0.01` for amounts written in cents.
    `ambiguous` says which instant a local time means when the clock shows it twice; a local time the
    clock skips is rejected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["delimited", "json-lines", "parquet", "xlsx"] = "delimited"
    header: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    encoding: Literal["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "iso-8859-15"] = "utf-8-sig"
    columns: dict[str, str] = {}
    constants: dict[str, str] = {}
    decimal_mark: Literal[".", ","] = "."
    thousands_mark: Literal["", ",", ".", " ", "'", "\u00a0", "\u202f"] = ""
    datetime_formats: Annotated[tuple[DatetimeFormat, ...], Field(min_length=1)] = ("iso",)
    time_zone: TimeZone = "UTC"
    ambiguous: Literal["earlier", "later", "reject"] = "earlier"
    units: dict[str, Annotated[Decimal, Field(gt=0, max_digits=18)]] = {}
    nulls: tuple[str, ...] = ("",)

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.delimiter == self.quote or {self.delimiter, self.quote} & set("\r\n\0"):
            msg = f"delimiter {self.delimiter!r} and quote {self.quote!r}; expected two characters, no line ends"
            raise ValueError(msg)
        if self.decimal_mark == self.thousands_mark:
            msg = f"{self.decimal_mark!r} as decimal and as thousands mark; expected two characters"
            raise ValueError(msg)
        return self


class Retailer(BaseModel):
    """A shop that sends us data. Its keys are `webhook-<id>`, `pseudonym-<id>` in the key store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    retailer: RetailerId
    name: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="two capital letters, as in US")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="three capital letters, as in EUR")]
    time_zone: TimeZone = "UTC"
    quarantine_over: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.10")
    feeds: dict[Literal["products", "orders", "shoppers", "navigation", "returns"], Dialect]

    @property
    def webhook_key(self) -> str:
        """Name of the HMAC secret this retailer signs webhooks and check-outs with."""
        return f"webhook-{self.retailer}"

    @property
    def pseudonym_key(self) -> str:
        """Name of the key under which its shoppers' ids become pseudonyms."""
        return f"pseudonym-{self.retailer}"
