"""Every function that a walk needs, each from its own bundle in a process of its own, pushed to by Pub/Sub."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from tests.bundles.serving import Reply, Service, installed, served
from tests.bundles.shapes import Request
from tests.bundles.world import NOW

from tombola.local.emulators.cloud import Cloud, cloud
from tombola.local.emulators.running import free_port
from tombola.local.storing import Storing
from tombola.runtime import topology, wiring
from tombola.runtime.settings import read_settings
from tombola.runtime.topology import DEAD_LETTERS, Retry, Subscription

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tombola.local.emulators.messages import Received
    from tombola.ports import Ports

FUNCTIONS = (
    "validate_feed", "publish_orders", "publish_shoppers", "update_catalogue", "load_warehouse", "receive_webhook",
    "record_order", "record_shopper", "update_profile", "issue_token", "check_out", "choose_offer", "play_game",
    "claim_prize",
)  # fmt: skip
GIVING_UP = "validate-feed"
"""The subscription that gives a message up after five attempts; the others insist a hundred times, as in the cloud."""
PATIENCE = 180
HEAR = "hear-"


class Deployment:
    """Running processes, one per function, and the messages between them."""

    def __init__(self, emulated: Cloud, ports: Ports, bundles: Path, folder: Path, at: dict[str, int]) -> None:
        """Install every bundle. `at` tells each function's port."""
        self.ports, self._emulated, self._folder, self._at, self._bundles = ports, emulated, folder, at, bundles
        self._programs = {name: installed(bundles / name, folder / "venvs" / name) for name in FUNCTIONS}
        self._running: dict[str, tuple[Service, ExitStack]] = {}
        self._heard: dict[str, dict[str, Received]] = {}
        self._subscriptions = [one for one in emulated.subscriptions if one.function in FUNCTIONS]
        stored = [one for one in emulated.subscriptions if one.table]
        tables = {one.name: one.table for one in stored if one.table}
        self._storing = Storing(emulated.pulled(stored), ports.topics, ports.warehouse, tables)

    def start(self, name: str) -> None:
        """Start a function's process."""
        stack = ExitStack()
        environment = {
            **self._emulated.environment, "TOMBOLA_HOME": str(self._folder / "home"),
            "TOMBOLA_REPLAY_FROM": NOW.isoformat(), "THREADS": "4",
        }  # fmt: skip
        main, log = self._bundles / name / "main.py", self._folder / f"{name}.log"
        started = served(self._programs[name], main, name, environment, log, self._at[name])
        self._running[name] = stack.enter_context(started), stack

    def start_all(self) -> None:
        """Start every function's process."""
        for name in FUNCTIONS:
            self.start(name)

    def announce(self) -> None:
        """Do nothing: Cloud Storage tells of new objects by itself."""

    def log(self, name: str) -> list[dict[str, Any]]:
        """Return what a function logged, its earlier processes too."""
        return Service.lines(self._folder / f"{name}.log")

    def next_letter(self, known: Sequence[Received]) -> Received:
        """Wait for a dead letter beside those that are known already; return it."""
        before, give_up_at = {one.message_id for one in known}, time.monotonic() + PATIENCE
        while not (new := self.heard(DEAD_LETTERS).keys() - before):
            assert time.monotonic() < give_up_at, "nothing died"
            time.sleep(0.2)
        return self.heard(DEAD_LETTERS)[new.pop()]

    def stop(self, name: str) -> None:
        """End a function's process, as the platform does."""
        self._running.pop(name)[1].close()

    def stop_all(self) -> None:
        """End every process."""
        for name in list(self._running):
            self.stop(name)

    def kill(self, name: str) -> None:
        """Take a function's process away in the middle of its work, its workers too."""
        service, stack = self._running.pop(name)
        service.kill()
        stack.close()

    def call(self, name: str, request: Request) -> Reply:
        """Send a request to a function."""
        return self._running[name][0].send(request)

    def heard(self, topic: str) -> dict[str, Received]:
        """Return every message that was published to a topic so far, by its id."""
        known = self._heard.setdefault(topic, {})
        while found := self._emulated.pubsub.pull(f"{HEAR}{topic}", 1_000):
            known.update({one.message_id: one for one in found})
            self._emulated.pubsub.acknowledge(f"{HEAR}{topic}", [one.ack_id for one in found])
        return known

    def settle(self) -> None:
        """Wait until every message was answered with yes by every function, or is among the dead letters."""
        give_up_at = time.monotonic() + PATIENCE
        while left := self._unanswered():
            assert time.monotonic() < give_up_at, f"not answered in {PATIENCE} s: {left}"
            time.sleep(0.2)

    def store(self) -> None:
        """Do what BigQuery's own subscriptions do in the cloud, which the emulator does not."""
        while self._storing.store():
            pass

    def answered(self, subscription: str) -> set[str]:
        """Return the ids of messages that a subscription's function answered with yes."""
        function = next(one.function for one in self._subscriptions if one.name == subscription) or ""
        return {
            line["message_id"]
            for line in self.log(function)
            if line.get("subscription") == subscription and line.get("status") in {200, 204}
        }

    def _unanswered(self) -> dict[str, int]:
        """Return how many messages of each subscription nobody answered yet. Topics are heard after the answers."""
        answered = {one.name: self.answered(one.name) for one in self._subscriptions}
        dead = {letter.attributes.get("CloudPubSubDeadLetterSourceSubscription", "") for letter in self.letters()}
        left = {one.name: len(self.heard(one.topic).keys() - answered[one.name]) for one in self._subscriptions}
        return {name: number for name, number in left.items() if number and name not in dead}

    def letters(self) -> Sequence[Received]:
        """Return the dead letters."""
        return list(self.heard(DEAD_LETTERS).values())


@contextmanager
def deployed(bundles: Path, folder: Path) -> Iterator[Deployment]:
    """Run the emulators and every function over them while the block runs."""
    at = {name: free_port() for name in FUNCTIONS}

    def endpoint(subscription: Subscription) -> str | None:
        return f"http://127.0.0.1:{at[subscription.function]}/" if subscription.function in at else None

    def hurried(subscription: Subscription) -> Retry:
        """Wait for two seconds at the most between two attempts, not for ten minutes."""
        attempts = 5 if subscription.name == GIVING_UP else 100
        return Retry(ack_deadline=20, minimum_backoff=1, maximum_backoff=2, max_attempts=attempts)

    with cloud(folder / "buckets", endpoint, hurried) as emulated:
        for topic in topology.topics():
            emulated.pubsub.subscribe(f"{HEAR}{topic}", topic)
        chosen = {"home": folder / "home", "replay_from": NOW}
        ports = wiring.build(read_settings().model_copy(update=chosen))
        deployment = Deployment(emulated, ports, bundles, folder, at)
        try:
            yield deployment
        finally:
            deployment.stop_all()
