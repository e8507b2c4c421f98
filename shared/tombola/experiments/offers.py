"""What a shop asks before it shows a banner, and what it is answered."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tombola.campaigns.wording import Language
from tombola.orders.facts import Text

Why = Literal[
    "other-store", "other-channel", "not-open", "no-consent", "not-in-audience", "another-first", "not-invited"
]  # fmt: skip
"""Why a live campaign of the retailer is not shown. `not-invited` is what an answer says of the control group."""


class OfferRequest(BaseModel):
    """One decision point: this shopper (the retailer's own id) looks at this placement.

    The same `request_id` is the same decision, logged once however often it is asked. Without one, the id of the
    signed message stands for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shopper_id: Text
    channel: Literal["store", "web", "app"]
    placement: Text
    store_id: Text | None = None
    request_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    language: Language = "en"


class Banner(BaseModel):
    """What to show."""

    model_config = ConfigDict(frozen=True)

    campaign: str
    version: int
    title: str
    text: str
    game: str
    rules_url: str


class Reason(BaseModel):
    """Why one campaign is not shown."""

    model_config = ConfigDict(frozen=True)

    campaign: str
    why: Why


class Offer(BaseModel):
    """The answer: one banner or none, the id of the logged proposal if there was one, and why others are not shown."""

    model_config = ConfigDict(frozen=True)

    proposal: str | None
    banner: Banner | None
    reasons: tuple[Reason, ...]
