"""Consent: a dated fact per purpose. The latest effective time wins; without a fact there is no consent."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tombola.instants import Instant

Purpose = Literal["profile", "ads", "partner"]


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
