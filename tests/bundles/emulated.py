"""Google Cloud as far as it runs on one machine: emulators, and in them a project for every function."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from tests.bundles.world import EARLIER, NOW, World, furnish
from tests.contract.secret_manager import secret_manager

from tombola.adapters.google.http import Api
from tombola.adapters.google.keys import SECRETS
from tombola.feeds.contracts import KINDS
from tombola.feeds.renderings.bigquery import bigquery_table
from tombola.feeds.tables import KEYS
from tombola.local.emulators.bigquery import bigquery, create_tables
from tombola.local.emulators.firestore import firestore
from tombola.local.emulators.messages import PubSub
from tombola.local.emulators.pubsub import pubsub
from tombola.local.emulators.storage import storage
from tombola.ports.objects import BUCKETS
from tombola.ports.topics import Message
from tombola.ports.warehouse_layout import layout
from tombola.runtime import topology, wiring
from tombola.runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tombola.local.emulators.running import Running

DATASET, PREFIX = "tombola", "emulated-"


class Cloud:
    """The emulators. BigQuery's is started when somebody wants it."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        """Start what every function may need; stop it with `running`."""
        self._folder, self._running = folder, running
        self._firestore = running.enter_context(firestore())
        self._pubsub = running.enter_context(pubsub("emulated"))
        self._storage = running.enter_context(storage("emulated", root=folder))
        self._secrets, _ = running.enter_context(secret_manager())
        self._made = set[str]()
        os.environ.update(self.hosts)

    @property
    def hosts(self) -> dict[str, str]:
        """What makes Google's interfaces be these."""
        answering = (self._firestore, self._pubsub, self._storage)
        named = {name: value for one in answering for name, value in one.environment.items()}
        return {**named, SECRETS.emulator: self._secrets}

    @cached_property
    def _bigquery(self) -> Running:
        return self._running.enter_context(bigquery("emulated", objects_root=self._folder))

    def project(self, name: str, *, warehouse: bool) -> tuple[World, dict[str, str]]:
        """Set the shop up in a project of its own; return it, and the environment of functions that serve it."""
        project, prefix = f"emulated-{name.replace('_', '-')}", f"{name.replace('_', '-')}-"
        environment = dict(self.hosts)
        if warehouse:
            feeds = [bigquery_table(kind) for kind in KINDS]
            create_tables(self._bigquery, project, layout(project, DATASET, feeds, KEYS))
            environment |= self._bigquery.environment
        self._buckets(prefix)
        heard = self._topics(project)
        os.environ.update(environment)
        settings = Settings(adapters="google", project=project, bucket_prefix=prefix, dataset=DATASET, replay_from=NOW)
        now = wiring.build(settings)
        earlier = wiring.build(settings.model_copy(update={"replay_from": EARLIER}))
        furnish(now)
        said = {
            "TOMBOLA_ADAPTERS": "google", "TOMBOLA_PROJECT": project, "TOMBOLA_BUCKET_PREFIX": prefix,
            "TOMBOLA_DATASET": DATASET, "TOMBOLA_REPLAY_FROM": NOW.isoformat(),
        }  # fmt: skip
        return World(now, earlier, heard), environment | said

    def _buckets(self, prefix: str) -> None:
        for bucket in BUCKETS:
            making = {"name": f"{prefix}{bucket}"}
            Api(self._storage.address, "").ask(
                "POST", "/storage/v1/b", bucket, params={"project": "emulated"}, json=making
            )

    def _topics(self, project: str) -> Callable[[str], list[Message]]:
        """Make every topic, with a subscription that hears all; return how to hear."""
        place = PubSub(self._pubsub, project)
        topics = topology.topics()
        place.declare(topics, [topology.Subscription(f"hear-{one}", one, "live", topology.Retry()) for one in topics])
        heard: dict[str, list[Message]] = defaultdict(list)

        def hear(topic: str) -> list[Message]:
            while found := place.pull(f"hear-{topic}", 1000):
                heard[topic] += [Message(one.data, one.attributes) for one in found]
                place.acknowledge(f"hear-{topic}", [one.ack_id for one in found])
            return heard[topic]

        return hear


@contextmanager
def emulated(folder: Path) -> Iterator[Cloud]:
    """Run the emulators while the block runs."""
    before = dict(os.environ)
    with ExitStack() as running:
        yield Cloud(folder, running)
    os.environ.clear()
    os.environ.update(before)
