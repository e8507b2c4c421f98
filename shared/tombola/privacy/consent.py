"""Consent: a dated fact per purpose. The latest effective time wins; without a fact there is no consent."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

Purpose = Literal["profile", "ads", "partner"]
FIRST_YEAR, LAST_YEAR = 1900, 2199


def _in_utc(at: datetime) -> datetime:
    """Return the instant in UTC; the years at the ends of the calendar, where this overflows, are refused."""
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        msg = f"an instant in the year {at.year}; expected one from {FIRST_YEAR} to {LAST_YEAR}"
        raise ValueError(msg)
    return at.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Consent(BaseModel):
    """What a shopper said about one purpose, in force from `effective_at` (aware, UTC) on."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    purpose: Purpose
    granted: bool
    effective_at: Instant


def merge(*several: Iterable[Consent]) -> tuple[Consent, ...]:
    """Join facts whatever their order and number: one per purpose and effective time, sorted.

    Two facts about one purpose at one instant: the refusal stays. Every instant is kept, because a
    fact may lie in the future and because reports ask what was agreed at an instant of the past.
    """
    facts: dict[tuple[str, datetime], Consent] = {}
    for consent in (fact for facts_of_one in several for fact in facts_of_one):
        place = (consent.purpose, consent.effective_at)
        if place not in facts or not consent.granted:
            facts[place] = consent
    return tuple(facts[place] for place in sorted(facts))


def agreed(consents: Iterable[Consent], purpose: Purpose, at: datetime) -> bool:
    """Tell whether the shopper's latest word on `purpose`, in force at the aware instant `at`, is a yes."""
    said = [consent for consent in consents if consent.purpose == purpose and consent.effective_at <= at]
    latest = max(said, key=lambda consent: (consent.effective_at, not consent.granted), default=None)
    return latest is not None and latest.granted
