"""Limits: what Firestore and Pub/Sub sustain, beside what the busiest second asks, and what to turn."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, log

from tombola.costs.estimate import Daily
from tombola.costs.volumes import DAY, Assumptions

WRITES_PER_DOCUMENT = Decimal(1)
"""A second, sustained, of one document. Source: https://cloud.google.com/firestore/docs/best-practices"""
WRITES_PER_INDEX_SHARD = Decimal(500)
"""A second, of an index whose values only grow, such as times: behind a shard prefix, of each shard. Same source."""
RAMP_FROM, RAMP_BY, RAMP_MINUTES = 500, 1.5, 5
"""The 500/50/5 rule: begin with 500 operations a second, then half as many more every 5 minutes. Same source."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Over how many documents a collection's writes go in the busiest second, and what to turn if that is too few.

    `documents` None: every order, shopper or event has its own. `index_shards`: prefixes of its index by time.
    """

    documents: int | None
    each: str
    turn: str
    index_shards: int | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document at its busiest: writes a second, of all, of one and of one shard of its index by time.

    `ramp_minutes` are those that growing to it takes.
    """

    collection: str
    writes: Decimal
    per_document: Decimal | None
    per_index_shard: Decimal | None
    each: str
    ramp_minutes: int
    turn: str

    @property
    def holds(self) -> bool:
        """Whether no document, and no shard of an index, is written more often than one sustains."""
        index = self.per_index_shard or 0
        return (self.per_document or 0) <= WRITES_PER_DOCUMENT and index <= WRITES_PER_INDEX_SHARD


def kinds(assumed: Assumptions, day: Daily, spreads: Mapping[str, Spread]) -> list[Kind]:
    """Return every kind of document, the one nearest to its limit first."""
    found = []
    for name, (_, written, deleted, _) in day.documents.items():
        writes = (written + deleted) / DAY * assumed.peak
        spread = spreads[name]
        of_one, of_index = (None if n is None else writes / n for n in (spread.documents, spread.index_shards))
        found.append(Kind(name, writes, of_one, of_index, spread.each, ramp_minutes(writes), spread.turn))
    return sorted(found, key=lambda kind: (-(kind.per_document or 0), -kind.writes))


def ramp_minutes(writes: Decimal) -> int:
    """Return the minutes in which the traffic of a new collection may grow to so many writes a second."""
    if writes <= RAMP_FROM:
        return 0
    return RAMP_MINUTES * ceil(log(float(writes) / RAMP_FROM, RAMP_BY))
