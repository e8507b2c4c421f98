"""What is known of a shopper besides orders: consents, and what the retailer states."""

import json
from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from tombola.instants import Instant
from tombola.privacy import consent
from tombola.privacy.consent import Consent


class ShopperFacts(BaseModel):
    """Consents, each a dated fact, and the latest statement of the rest with the source's own time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    consents: tuple[Consent, ...] = ()
    stated_at: Instant | None = None
    registered_at: Instant | None = None
    loyalty_tier: str | None = None


def join(one: ShopperFacts, other: ShopperFacts) -> ShopperFacts:
    """Return what is known to either: commutative, associative, idempotent."""
    latest = max(one, other, key=_rank)
    return latest.model_copy(update={"consents": consent.merge(one.consents, other.consents)})


def stated(
    stated_at: datetime, registered_at: datetime | None, loyalty_tier: str | None, consents: Iterable[Consent]
) -> ShopperFacts:
    """Return the facts of one statement."""
    return ShopperFacts(
        consents=consent.merge(consents), stated_at=stated_at, registered_at=registered_at, loyalty_tier=loyalty_tier
    )


def pack(facts: ShopperFacts) -> bytes:
    """Return canonical bytes: equal facts are equal bytes."""
    return json.dumps(facts.model_dump(mode="json"), separators=(",", ":"), sort_keys=True).encode()


def unpack(packed: bytes) -> ShopperFacts:
    """Return the facts that `pack` made these bytes of; none of no bytes."""
    return ShopperFacts.model_validate_json(packed) if packed else ShopperFacts()


def _rank(facts: ShopperFacts) -> tuple[bool, str, str]:
    """Rank by the source's time; at one instant by content, so that every machine picks the same."""
    if facts.stated_at is None:
        return (False, "", "")
    content = facts.model_dump_json(include={"registered_at", "loyalty_tier"})
    return (True, facts.stated_at.isoformat(timespec="microseconds"), content)
