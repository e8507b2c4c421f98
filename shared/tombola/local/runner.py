"""Runner: takes messages from the queue and pushes them to functions, as Pub/Sub would.

Killed at any line it loses nothing: a message is acknowledged only after its function has answered
2xx, and whatever a dead process had leased is due again when the next one starts.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tombola.errors import Fault
from tombola.local.host import Host
from tombola.local.queue import Leased, Queue, push_body
from tombola.ports.errors import PortError
from tombola.runtime.logs import logger
from tombola.runtime.topology import DEAD_LETTERS

SLICE = 0.1
"""Seconds of work leased at once: so long may a live message wait behind bulk ones in one worker."""
LARGEST_BATCH = 200
IDLE = 0.1
"""Seconds between looks into an empty queue: other processes publish without waking us."""
_HEADERS = (("Content-Type", "application/json"), ("User-Agent", "tombola-local-runner"))


@dataclass(frozen=True, slots=True)
class Route:
    """Which function a subscription is pushed to. Live routes are always served before the others."""

    subscription: str
    function: str
    live: bool


@dataclass(slots=True)
class Tally:
    """What was delivered: accepted by its function, or to be tried again."""

    acknowledged: int = 0
    retried: int = 0
    stored: int = 0


class NotDrained(Fault):
    """Messages are left that no function has accepted for a while."""

    code = "not-drained"
    status = 500


class Runner:
    """Delivers what is due. `store` takes what stored topics hold, and says how many messages it took."""

    def __init__(
        self, host: Host, queue: Queue, routes: Sequence[Route], *, store: Callable[[], int] = lambda: 0
    ) -> None:
        """Deliver along `routes`; subscriptions without a route are left alone."""
        self._host = host
        self._queue = queue
        self._live = [route for route in routes if route.live]
        self._all = [self._live, [route for route in routes if not route.live]]
        self._store = store
        self._turns: Iterator[int] = itertools.count()
        self._seconds_each = {route.subscription: SLICE for route in routes}  # the first one is delivered alone
        self._tally_lock = threading.Lock()
        self.tally = Tally()

    def recover(self) -> None:
        """Make due at once what a process that is no more had leased. Call it before any delivery."""
        self._queue.release_all()

    def deliver(self) -> int:
        """Deliver in this thread what is due now and what comes of it; return how many deliveries that were.

        What waits for a retry or for a table is left to `drain`.
        """
        return sum(iter(lambda: self._round(self._all, _never), 0))

    def drain(self, patience: timedelta = timedelta(seconds=60)) -> Tally:
        """Deliver in this thread until nothing waits, also what waits for a retry, and return what was done since.

        Raises `NotDrained` when nothing has been accepted for `patience` and something still waits.
        """
        before = Tally(self.tally.acknowledged, self.tally.retried, self.tally.stored)
        give_up_at, accepted = time.monotonic() + patience.total_seconds(), before.acknowledged
        while True:
            if self.deliver() or self._store_some():
                if self.tally.acknowledged > accepted:
                    give_up_at, accepted = time.monotonic() + patience.total_seconds(), self.tally.acknowledged
                continue
            due = self._queue.next_due()
            if due is None:
                return self._since(before)
            if time.monotonic() > give_up_at:
                msg = f"no message was accepted in {patience.total_seconds():.0f} s; left are {self._left()}"
                raise NotDrained(msg)
            time.sleep(min(max(due - time.time(), 0.005), IDLE))

    def run(self, stop: threading.Event, workers: int = 2) -> None:
        """Deliver until `stop` is set, then finish what runs, acknowledge it and leave the rest queued.

        The first worker serves live routes alone, so that no long bulk work stands in a shopper's way.
        """
        self.recover()
        groups = [[self._live], *[self._all] * max(1, workers - 1)]
        threads = [
            threading.Thread(target=self._work, args=(group, stop), name=f"worker-{number}")
            for number, group in enumerate(groups)
        ]
        threads.append(threading.Thread(target=self._keep_storing, args=(stop,), name="storing"))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.recover()

    def _work(self, groups: Sequence[Sequence[Route]], stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                served = self._round(groups, stop.is_set)
            except PortError:
                logger().exception("queue unavailable")
                served = 0
                stop.wait(1.0)
            if not served:
                stop.wait(IDLE)

    def _keep_storing(self, stop: threading.Event) -> None:
        while not stop.wait(1.0):
            try:
                self._store_some()
            except PortError:
                logger().exception("warehouse unavailable")

    def _store_some(self) -> int:
        stored = self._store()
        with self._tally_lock:
            self.tally.stored += stored
        return stored

    def _round(self, groups: Sequence[Sequence[Route]], stopped: Callable[[], bool]) -> int:
        """Serve one batch of one route, live ones first, and return how many deliveries were made."""
        turn, due = next(self._turns), self._queue.due()
        for group in groups:
            routes = [route for route in group if route.subscription in due]
            for offset in range(len(routes)):
                route = routes[(turn + offset) % len(routes)]
                batch = max(1, min(LARGEST_BATCH, int(SLICE / self._seconds_each[route.subscription])))
                leased = self._queue.lease(route.subscription, batch)
                if leased:
                    return self._serve(route, leased, stopped)
        return 0

    def _serve(self, route: Route, leased: Sequence[Leased], stopped: Callable[[], bool]) -> int:
        started = time.perf_counter()
        accepted: list[int] = []
        refused: list[tuple[int, int]] = []
        for delivery in leased:
            if stopped():
                break
            reply = self._host.call(route.function, push_body(delivery, route.subscription), headers=_HEADERS)
            if reply.accepted:
                accepted.append(delivery.id)
            else:
                refused.append((delivery.id, reply.status))
        if accepted:
            self._queue.acknowledge(accepted)
        for lease, status in refused:
            self._queue.retry(lease, f"{route.function} answered {status}")
        made = len(accepted) + len(refused)
        if made:
            each = (time.perf_counter() - started) / made
            self._seconds_each[route.subscription] = max(1e-6, (self._seconds_each[route.subscription] + each) / 2)
        with self._tally_lock:
            self.tally.acknowledged += len(accepted)
            self.tally.retried += len(refused)
        return made

    def _left(self) -> str:
        counts = self._queue.counts().items()
        left = {name: count.ready + count.in_flight + count.waiting for name, count in counts if name != DEAD_LETTERS}
        return ", ".join(f"{name} {number}" for name, number in left.items() if number)

    def _since(self, before: Tally) -> Tally:
        return Tally(
            self.tally.acknowledged - before.acknowledged,
            self.tally.retried - before.retried,
            self.tally.stored - before.stored,
        )


def _never() -> bool:
    return False
