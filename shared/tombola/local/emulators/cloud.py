"""A whole project on this machine: the emulators of everything that Tombola uses, furnished as Terraform would."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from tombola.feeds.contracts import KINDS
from tombola.feeds.renderings.bigquery import bigquery_table
from tombola.feeds.tables import KEYS
from tombola.local.emulators.bigquery import bigquery, create_tables
from tombola.local.emulators.firestore import firestore
from tombola.local.emulators.messages import PubSub
from tombola.local.emulators.pubsub import pubsub
from tombola.local.emulators.pulling import PulledQueue
from tombola.local.emulators.storage import Notification, create_bucket, storage
from tombola.ports import Ports
from tombola.ports.objects import BUCKETS
from tombola.ports.warehouse_layout import layout
from tombola.runtime import topology
from tombola.runtime.manifests import functions_folder, read_manifests
from tombola.runtime.outbox import PublishingDocuments
from tombola.runtime.topology import Retry, Subscription

PROJECT, PREFIX, DATASET = "demo-tombola", "tombola-", "tombola"
SETTINGS: Mapping[str, str] = {
    "TOMBOLA_ADAPTERS": "google",
    "TOMBOLA_PROJECT": PROJECT,
    "TOMBOLA_BUCKET_PREFIX": PREFIX,
    "TOMBOLA_DATASET": DATASET,
    "TOMBOLA_KEYS": "embedded",
}
"""What `tombola.runtime.settings` reads. Keys are files of the home: Secret Manager has no emulator."""
KEPT = ("audit", "receipts", "reports")
"""Buckets that people look into afterwards."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """Running emulators. `environment` makes a process theirs; `pubsub` is asked for what its clients do not offer."""

    environment: Mapping[str, str]
    pubsub: PubSub
    subscriptions: tuple[Subscription, ...]

    def pulled(self, only: Sequence[Subscription] | None = None) -> PulledQueue:
        """Return the pull side of these subscriptions, or all, for what is called in this process."""
        return PulledQueue(self.pubsub, self.subscriptions if only is None else only)


Endpoint = Callable[[Subscription], str | None]
Insisting = Callable[[Subscription], Retry]


def _pulls(_: Subscription) -> None:
    """Push nowhere."""


def _as_stated(subscription: Subscription) -> Retry:
    """Insist as the manifests say."""
    return subscription.retry


@contextmanager
def cloud(folder: Path, endpoint: Endpoint = _pulls, insisting: Insisting = _as_stated) -> Iterator[Cloud]:
    """Run an empty project while the block runs; its buckets are folders in `folder`.

    Messages are pushed to the `endpoint` of their subscription, or wait to be pulled; subscriptions insist as the
    manifests say, or as `insisting` does. This process is the emulators' by its environment as long as the block runs.
    Raises `Missing` and `NotStarted`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stated = (*topology.subscriptions(read_manifests(functions_folder())), *topology.store_subscriptions())
    subscribed = tuple(replace(one, retry=insisting(one)) for one in stated)
    with ExitStack() as stack:
        messages = stack.enter_context(pubsub(PROJECT))
        asked = PubSub(messages, PROJECT)
        asked.declare(topology.topics(), subscribed, endpoint)
        announced = Notification(f"{PREFIX}inbox", topology.OBJECTS, messages)
        objects = stack.enter_context(storage(PROJECT, root=folder, notify=announced))
        tables = stack.enter_context(bigquery(PROJECT, objects_root=folder))
        answering = (messages, objects, tables, stack.enter_context(firestore()))
        for bucket in BUCKETS:
            create_bucket(objects, PROJECT, f"{PREFIX}{bucket}")
        create_tables(tables, PROJECT, layout(PROJECT, DATASET, [bigquery_table(kind) for kind in KINDS], KEYS))
        environment = {**SETTINGS, **{name: value for one in answering for name, value in one.environment.items()}}
        stack.enter_context(_set(environment))
        yield Cloud(environment, asked, subscribed)


def told(ports: Ports, queue: PulledQueue) -> Ports:
    """Return the same ports, through which everything that is published is told to a queue."""
    topics = queue.telling(ports.topics)
    inner = cast("PublishingDocuments", ports.documents).documents
    return replace(ports, topics=topics, documents=PublishingDocuments(inner, topics))


def keep(ports: Ports, home: Path) -> None:
    """Copy what people look into afterwards from buckets into folders of a home."""
    for bucket in KEPT:
        for info in ports.objects.list(bucket):
            file = home / bucket / info.ref.name
            file.parent.mkdir(parents=True, exist_ok=True)
            with ports.objects.open(info.ref) as stream, file.open("wb") as copy:
                shutil.copyfileobj(stream, copy)


@contextmanager
def _set(wanted: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process, and put the old ones back."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
