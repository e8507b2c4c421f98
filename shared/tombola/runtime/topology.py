"""What there is to talk through: topics with their lanes, stored tables, buckets, subscriptions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tombola.events import BULK, LIVE, topic_name
from tombola.events import DEAD_LETTERS as DEAD_LETTERS  # noqa: PLC0414 (what knows every topic names these too)
from tombola.events import OBJECTS as OBJECTS  # noqa: PLC0414 (as above)

NOTIFYING_BUCKETS: Mapping[str, str] = {"inbox": OBJECTS}
"""Buckets whose new objects are announced, and the topic that announces them."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One logical topic. `table` is the warehouse table that keeps its messages, if any does."""

    name: str
    lanes: tuple[str, ...] = (LIVE,)
    table: str | None = None


TOPICS: Mapping[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic(OBJECTS),
        Topic("feed-validated"),
        Topic("order-received", (LIVE, BULK)),
        Topic("shopper-received"),
        Topic("order-recorded", (LIVE, BULK), table="order_recorded"),
        Topic("play-changed", (LIVE, BULK), table="play_changed"),
        Topic("proposal-made", table="proposal_made"),
        Topic("draws-sealed"),
        Topic(DEAD_LETTERS),
    )
}

FEED_TABLES = ("feed_products", "feed_orders", "feed_shoppers", "feed_navigation", "feed_returns")
TABLES = (*FEED_TABLES, *(topic.table for topic in TOPICS.values() if topic.table))


@dataclass(frozen=True, slots=True)
class Retry:
    """How a subscription insists. Seconds; after `max_attempts` a message goes to the dead letters."""

    ack_deadline: int = 600
    minimum_backoff: int = 10
    maximum_backoff: int = 600
    max_attempts: int = 100


@dataclass(frozen=True, slots=True)
class Subscription:
    """One push subscription: of a function (`function` is set) or of a stored table (`table` is set)."""

    name: str
    topic: str
    lane: str
    retry: Retry
    function: str | None = None
    table: str | None = None


class Subscriber(Protocol):
    """What a manifest says that matters here."""

    @property
    def name(self) -> str:
        """Folder name of the function."""
        ...

    @property
    def service(self) -> str:
        """Name of its deployed service."""
        ...

    @property
    def listens_to(self) -> tuple[str, tuple[str, ...]] | None:
        """Logical topic and lanes, or None when no topic triggers it."""
        ...

    @property
    def retry(self) -> Retry:
        """How its subscriptions insist."""
        ...


def topics() -> list[str]:
    """Return every topic there is, one per lane: `order-received`, `order-received-bulk`."""
    return [topic_name(topic.name, lane) for topic in TOPICS.values() for lane in topic.lanes]


def subscriptions(manifests: Mapping[str, Subscriber]) -> list[Subscription]:
    """Return the functions' subscriptions: `<service>` on the live lane, `<service>-bulk` on the other."""
    return [one for manifest in manifests.values() for one in _of_function(manifest)]


def store_subscriptions() -> list[Subscription]:
    """Return the subscriptions that append every message of a stored topic to its warehouse table."""
    return [
        Subscription(f"store-{physical}", physical, lane, Retry(), table=topic.table)
        for topic in TOPICS.values()
        if topic.table
        for lane in topic.lanes
        for physical in [topic_name(topic.name, lane)]
    ]


def _of_function(manifest: Subscriber) -> Iterable[Subscription]:
    if manifest.listens_to is None:
        return
    topic, lanes = manifest.listens_to
    for lane in lanes:
        name = topic_name(manifest.service, lane)
        yield Subscription(name, topic_name(topic, lane), lane, manifest.retry, function=manifest.name)
