"""Homes under attack: a launched campaign, and the ports of one process, on every documents adapter there is.

`ADAPTERS` is the seam: whatever is named there can be attacked by every test and benchmark of contention.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tombola.adapters.embedded.clock import ReplayClock
from tombola.adapters.embedded.documents import EmbeddedDocuments
from tombola.adapters.embedded.keys import EmbeddedKeys
from tombola.adapters.embedded.objects import EmbeddedObjects
from tombola.adapters.embedded.topics import EmbeddedTopics, Subscription
from tombola.adapters.google.documents import GoogleDocuments
from tombola.campaigns.usecases import commit_campaign, launch_campaign
from tombola.games.tokens import SIGNING_KEY
from tombola.ports import Ports
from tombola.ports.documents import Delete, DocumentKey, Documents, Where, created_or_replaced
from tombola.ports.errors import PreconditionFailed, Unavailable
from tombola.ports.memo import Memo
from tombola.runtime import topology
from tombola.runtime.outbox import PublishingDocuments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tombola.ports.clock import Clock
    from tombola.ports.documents import OutboundEvent, Snapshot, Write
    from tombola.ports.topics import Message, Topics


def on_firestore(home: Path, clock: Clock) -> Documents:
    """Return a home's documents in a project of their own, on the emulator that the environment names."""
    return GoogleDocuments(f"demo-{hashlib.sha256(bytes(home)).hexdigest()[:20]}", clock)


ADAPTERS: Mapping[str, Callable[[Path, Clock], Documents]] = {"embedded": EmbeddedDocuments, "firestore": on_firestore}
OPENS = datetime(2017, 6, 15, tzinfo=UTC)
NOW = datetime(2017, 6, 21, 23, 59, tzinfo=UTC)
"""A minute before the window closes: every moment is due, so every play may win and all want the same claim."""
RETAILER, CAMPAIGN = "corner-shop", "hot-wheel"
CONFIG = {"retailer": RETAILER, "name": "The Corner Shop", "country": "US", "currency": "USD", "feeds": {"orders": {}}}
TOKEN_SEED = bytes(32)


def secret_of(kind: str) -> bytes:
    """Return a key of the retailer."""
    return f"{kind}-{RETAILER}, 32 bytes or more of it".encode()


@dataclass
class Attack:
    """How hard: so many orders and free entries, and limits, moments, stocks and money too few for them."""

    draw: str
    orders: int

    @property
    def limits(self) -> dict[str, int]:
        """Every limit binds somewhere: there are about 1.3 tokens wanted per order."""
        n = self.orders
        return {
            "per_shopper": 4, "per_household": 9, "per_store": n // 5, "per_day": n // 6, "per_week": n * 2 // 3,
            "per_campaign": n * 3 // 5,
        }  # fmt: skip

    @property
    def rules(self) -> dict[str, Any]:
        """The campaign file."""
        return {**base_rules(CAMPAIGN), "limits": self.limits, **(self._odds if self.draw == "odds" else self._moments)}

    @property
    def _moments(self) -> dict[str, Any]:
        money, coupons = self.orders // 4, self.orders // 10
        prizes = [
            {"name": "basket", "kind": "basket_value", "cap": "50.00", "moments": money},
            {"name": "sip", "kind": "coupon", "face_value": "1.50", "moments": coupons},
        ]
        pool = {"amount": f"{money * 50}.00", "currency": "USD"}
        return {"prizes": prizes, "draw": {"kind": "winning_moments"}, "pool": pool}

    @property
    def _odds(self) -> dict[str, Any]:
        """So many plays may be made that the pool is split over several balances; it pays about every sixth order."""
        prizes = [
            {"name": "basket", "kind": "basket_value", "cap": "25.00", "chance": "1/4"},
            {"name": "note", "kind": "fixed", "amount": "15.00", "chance": "1/4"},
            {"name": "sip", "kind": "coupon", "face_value": "1.50", "stock": self.orders // 10, "chance": "1/6"},
            {"name": "mug", "kind": "physical", "value": "9.00", "stock": self.orders // 10, "chance": "1/6"},
        ]
        fallback = {"fallback": {"kind": "fixed", "worth": "0.50"}}
        pool = {"amount": f"{self.orders * 3}.00", "currency": "USD"}
        draw = {"kind": "odds", "maximum_plays": 2_000_000}
        return {"prizes": prizes, "draw": draw, "pool": pool, "when_empty": fallback}


def base_rules(campaign: str) -> dict[str, Any]:
    """Return what all campaigns here share. Four of a thing earn a second token, and prizes mature at once."""
    return {
        "campaign": campaign,
        "title": "Hot wheel",
        "sponsor": {"name": "Example Dairy", "kind": "brand"},
        "retailers": [RETAILER],
        "window": {"opens": "2017-06-15T00:00:00", "closes": "2017-06-22T00:00:00", "time_zone": "UTC"},
        "control": {"share": "0", "mode": "invitation"},
        "criteria": {"all": [{"minimum_quantity": 2}]},
        "further_tiers": [{"all": [{"minimum_quantity": 4}]}],
        "free_entry": {"amount": "7.50", "how": "by letter"},
        "game": "wheel",
        "matures_after_days": 0,
        "reveal_by": "2017-09-30T00:00:00Z",
        "eligibility": {
            "countries": ["US"],
            "minimum_age": 18,
            "age_checked": "by the retailer when the prize is claimed",
            "excluded_persons": ["employees"],
            "excluded_categories": [],
            "rules_url": "https://rules.example/hot-wheel/1",
            "rules_version": "1",
        },
    }


HOT = {"slots", "limits", "claims", "balances", "stocks"}
"""What many decisions write."""
PUBLISHING = 0.001
"""Seconds."""
LOST = 13
"""One answer in so many."""


@dataclass
class Paused:
    """Documents and topics that pause before they write, as a network does: there races are lost, there kills hit.

    Some commits are done, and the answer is lost on the way.
    """

    documents: Documents
    topics: Topics
    seconds: float
    commits: int = 0

    def get(self, keys: Sequence[DocumentKey]) -> list[Snapshot | None]:
        return self.documents.get(keys)

    def query(self, collection: str, where: Sequence[Where], **more: Any) -> Iterator[Snapshot]:  # noqa: ANN401 (passed on)
        return self.documents.query(collection, where, **more)

    def commit(self, writes: Sequence[Write], events: Sequence[OutboundEvent] = ()) -> None:
        if not {write.key.collection for write in writes} & HOT:
            self._commit(writes, events)
            return
        time.sleep(self.seconds)
        self._commit(writes, events)
        self.commits += 1
        if self.seconds and self.commits % LOST == 0:
            msg = "the answer was lost"
            raise Unavailable(msg)

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        time.sleep(PUBLISHING)
        self.topics.publish(topic, messages)

    def _commit(self, writes: Sequence[Write], events: Sequence[OutboundEvent]) -> None:
        self.documents.commit(writes, events)


class Naive(Paused):
    """Reads, checks and writes over whatever is there, all or nothing: what was decided on may have changed.

    A promotion engine that asks "how many are out" and then writes does just that.
    """

    def _commit(self, writes: Sequence[Write], events: Sequence[OutboundEvent]) -> None:
        if any(isinstance(write, Delete) for write in writes):  # the outbox's own, which nothing is decided on
            self.documents.commit(writes, events)
            return
        done = False
        while not done:
            there = self.documents.get([write.key for write in writes])
            over = [created_or_replaced(old, new.key, new.fields) for old, new in zip(there, writes, strict=True)]
            with suppress(PreconditionFailed):
                self.documents.commit(over, events)
                done = True


KINDS = {"guarded": Paused, "naive": Naive}


def opened(home: Path, adapter: str, kind: str = "guarded", pause: float = 0.0) -> Ports:
    """Return a home as a new process sees it."""
    clock, topics = ReplayClock(NOW), EmbeddedTopics(home, NOW.timestamp)
    paused = KINDS[kind](ADAPTERS[adapter](home, clock), topics, pause)
    return Ports(
        objects=EmbeddedObjects(home), topics=paused, documents=PublishingDocuments(paused, paused),
        warehouse=None, keys=EmbeddedKeys(home), clock=clock, memo=Memo(),
    )  # fmt: skip


def launched(home: Path, adapter: str, *files: Mapping[str, Any]) -> Path:
    """Make a home with a retailer and these campaigns, launched when their window opens."""
    topics, documents = EmbeddedTopics(home, OPENS.timestamp), ADAPTERS[adapter](home, clock := ReplayClock(OPENS))
    topics.declare_topics(topology.topics())
    topics.declare([Subscription(f"test-{topic}", topic) for topic in topology.topics()])
    ports = Ports(
        objects=EmbeddedObjects(home), topics=topics, documents=documents, warehouse=None,
        keys=EmbeddedKeys(home), clock=clock, memo=Memo(),
    )  # fmt: skip
    ports.objects.replace("config", f"retailers/{RETAILER}.yaml", yaml.safe_dump(CONFIG).encode())
    for kind in ("webhook", "pseudonym"):
        ports.keys.create(f"{kind}-{RETAILER}", secret_of(kind))
    ports.keys.create(SIGNING_KEY, TOKEN_SEED)
    for rules in files:
        commit_campaign(ports, yaml.safe_dump(rules), id_key=bytes(range(32)), seed=bytes(range(32, 64)))
        launch_campaign(ports, rules["campaign"], "a witness")
    return home


def embedded_topics(ports: Ports) -> EmbeddedTopics:
    """Return the topics of opened ports, which keep what was published."""
    assert isinstance(ports.topics, Paused)
    assert isinstance(ports.topics.topics, EmbeddedTopics)
    return ports.topics.topics
