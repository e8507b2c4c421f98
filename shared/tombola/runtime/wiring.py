"""Wiring: the one place that picks adapters. Nothing is imported before it is needed."""

import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tombola.ports import Ports
from tombola.runtime.faults import Misconfigured

if TYPE_CHECKING:
    from tombola.adapters.embedded.topics import EmbeddedTopics
    from tombola.ports.keys import Keys
    from tombola.runtime.settings import Settings

_lock = threading.RLock()
_installed: Ports | None = None
_settings: "Settings | None" = None


def ports() -> Ports:
    """Return the process's one set of ports, built from the settings on first use. Raises `Misconfigured`."""
    global _installed  # noqa: PLW0603 (one set per process is the point)
    with _lock:
        if _installed is None:
            _installed = _traced(build(settings()))
        return _installed


def install(given: Ports | None) -> None:
    """Use `given` as this process's ports, as a host of many functions does; None forgets them."""
    global _installed, _settings
    with _lock:
        _installed, _settings = None if given is None else _traced(given), None


def _traced(given: Ports) -> Ports:
    """Return the ports as functions get them: what they publish carries the trace of the call they serve."""
    from tombola.runtime.tracing.topics import TracedTopics  # noqa: PLC0415 (functions that publish nothing need none)

    return replace(given, topics=TracedTopics(given.topics))


def settings() -> "Settings":
    """Return the process's settings, read once. Raises `Misconfigured`."""
    from tombola.runtime.settings import read_settings  # noqa: PLC0415 (costs a cold start what it need not)

    global _settings  # noqa: PLW0603 (see ports)
    with _lock:
        if _settings is None:
            _settings = read_settings()
        return _settings


def logical_bucket(physical: str) -> str:
    """Return the logical name of a bucket: what stands behind the prefix of all our buckets."""
    return physical.removeprefix(settings().bucket_prefix)


def build(chosen: "Settings") -> Ports:
    """Return the ports that the settings ask for. Raises `Misconfigured`."""
    if chosen.adapters == "google":
        return _google(chosen)
    from tombola.runtime.manifests import functions_folder  # noqa: PLC0415 (see declare)

    return _embedded(chosen.home, chosen.functions or functions_folder(), chosen.replay_from)


def _google(chosen: "Settings") -> Ports:
    """Return the ports of Google Cloud, or of its emulators where their variables are set. No client is built here."""
    if chosen.project is None:
        msg = "TOMBOLA_PROJECT: nothing is set; expected the id of the Google Cloud project"
        raise Misconfigured(msg)
    from tombola.adapters.embedded.clock import ReplayClock, SystemClock  # noqa: PLC0415 (only these adapters are wanted)
    from tombola.adapters.google.documents import GoogleDocuments  # noqa: PLC0415
    from tombola.adapters.google.objects import GoogleObjects  # noqa: PLC0415
    from tombola.adapters.google.topics import GoogleTopics  # noqa: PLC0415
    from tombola.adapters.google.warehouse import GoogleWarehouse  # noqa: PLC0415
    from tombola.feeds.tables import TABLES  # noqa: PLC0415
    from tombola.ports.memo import Memo  # noqa: PLC0415
    from tombola.runtime.outbox import PublishingDocuments  # noqa: PLC0415

    clock = SystemClock() if chosen.replay_from is None else ReplayClock(chosen.replay_from)
    topics = GoogleTopics(chosen.project)
    return Ports(
        objects=GoogleObjects(chosen.project, chosen.bucket_prefix),
        topics=topics,
        documents=PublishingDocuments(GoogleDocuments(chosen.project, clock), topics),
        warehouse=GoogleWarehouse(
            chosen.project, chosen.dataset, bucket_prefix=chosen.bucket_prefix, location=chosen.location,
            tables=TABLES,
        ),
        keys=_keys(chosen, chosen.project),
        clock=clock,
        memo=Memo(),
    )  # fmt: skip


def _keys(chosen: "Settings", project: str) -> "Keys":
    if chosen.keys == "embedded":
        from tombola.adapters.embedded.keys import EmbeddedKeys  # noqa: PLC0415 (see _google)

        return EmbeddedKeys(chosen.home)
    from tombola.adapters.google.keys import GoogleKeys  # noqa: PLC0415 (see _google)

    return GoogleKeys(project, chosen.key_prefix)


def _embedded(home: Path, functions: Path, replay_from: datetime | None) -> Ports:
    from tombola.adapters.embedded.clock import ReplayClock, SystemClock  # noqa: PLC0415 (only these adapters are wanted)
    from tombola.adapters.embedded.documents import EmbeddedDocuments  # noqa: PLC0415
    from tombola.adapters.embedded.keys import EmbeddedKeys  # noqa: PLC0415
    from tombola.adapters.embedded.objects import EmbeddedObjects  # noqa: PLC0415
    from tombola.adapters.embedded.topics import EmbeddedTopics  # noqa: PLC0415
    from tombola.adapters.embedded.warehouse import EmbeddedWarehouse  # noqa: PLC0415
    from tombola.feeds.tables import KEYS, TABLES  # noqa: PLC0415
    from tombola.ports.memo import Memo  # noqa: PLC0415
    from tombola.runtime.outbox import PublishingDocuments  # noqa: PLC0415

    clock = SystemClock() if replay_from is None else ReplayClock(replay_from)
    objects, topics = EmbeddedObjects(home), EmbeddedTopics(home)
    declare(topics, functions)
    return Ports(
        objects=objects,
        topics=topics,
        documents=PublishingDocuments(EmbeddedDocuments(home, clock), topics),
        warehouse=EmbeddedWarehouse(home, objects, tables=TABLES, keys=KEYS),
        keys=EmbeddedKeys(home),
        clock=clock,
        memo=Memo(),
    )


def declare(topics: "EmbeddedTopics", functions: Path) -> None:
    """Declare every topic, and the subscriptions of the functions of a folder and of the stored tables."""
    from tombola.adapters.embedded.topics import Subscription  # noqa: PLC0415 (see _embedded)
    from tombola.runtime import topology  # noqa: PLC0415
    from tombola.runtime.manifests import read_manifests  # noqa: PLC0415

    wanted = [*topology.subscriptions(read_manifests(functions)), *topology.store_subscriptions()]
    topics.declare_topics(topology.topics())
    topics.declare(
        [
            Subscription(
                one.name, one.topic, max_attempts=one.retry.max_attempts, minimum_backoff=one.retry.minimum_backoff,
                maximum_backoff=one.retry.maximum_backoff, ack_deadline=one.retry.ack_deadline,
            )
            for one in wanted
        ]
    )  # fmt: skip
