"""Limits: what Firestore and Pub/Sub sustain, beside what the busiest second asks, and what to turn."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, log

from tombola.costs.estimate import Daily
from tombola.costs.volumes import DAY, Assumptions

WRITES_PER_DOCUMENT = Decimal(1)
"""A second, sustained, of one document. Source: https://cloud.google.com/firestore/docs/best-practices"""
RAMP_FROM, RAMP_BY, RAMP_MINUTES = 500, 1.5, 5
"""The 500/50/5 rule: begin with 500 operations a second, then half as many more every 5 minutes. Same source."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Over how many documents a collection's writes go in the busiest second, and what to turn if that is too few.

    `documents` None: every order, shopper or event has its own.
    """

    documents: int | None
    each: str
    turn: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document at its busiest: writes a second, of all and of one, and minutes that growing to it takes."""

    collection: str
    writes: Decimal
    per_document: Decimal | None
    each: str
    ramp_minutes: int
    turn: str

    @property
    def holds(self) -> bool:
        """Whether no document is written more often than one sustains."""
        return self.per_document is None or self.per_document <= WRITES_PER_DOCUMENT


def kinds(assumed: Assumptions, day: Daily, spreads: Mapping[str, Spread]) -> list[Kind]:
    """Return every kind of document, the one nearest to its limit first."""
    found = []
    for name, (_, written, deleted, _) in day.documents.items():
        writes = (written + deleted) / DAY * assumed.peak
        spread = spreads[name]
        per_document = None if spread.documents is None else writes / spread.documents
        found.append(Kind(name, writes, per_document, spread.each, ramp_minutes(writes), spread.turn))
    return sorted(found, key=lambda kind: (-(kind.per_document or 0), -kind.writes))


def ramp_minutes(writes: Decimal) -> int:
    """Return the minutes in which the traffic of a new collection may grow to so many writes a second."""
    if writes <= RAMP_FROM:
        return 0
    return RAMP_MINUTES * ceil(log(float(writes) / RAMP_FROM, RAMP_BY))
