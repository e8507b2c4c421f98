"""Laptop: the parts that together do here what a cloud project does, assembled once for `dev` and `demo`."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tombola.errors import Conflict
from tombola.events import BULK, LIVE
from tombola.local.console_state import Lane
from tombola.local.host import Host
from tombola.local.queue import Queue, queue_of
from tombola.local.runner import Route, Runner
from tombola.local.scheduling import Schedule, Scheduler
from tombola.local.storing import Storing
from tombola.local.watching import Watcher
from tombola.ports import Ports
from tombola.runtime import topology
from tombola.runtime.manifests import Manifest, ScheduleTrigger, functions_folder
from tombola.runtime.topology import Subscription


@dataclass(frozen=True, slots=True)
class Laptop:
    """Everything that runs on one machine. Nothing runs before something is called."""

    ports: Ports
    queue: Queue
    host: Host
    runner: Runner
    watcher: Watcher
    scheduler: Scheduler
    lanes: tuple[Lane, ...]


def assemble(home: Path, ports: Ports, functions: Path | None = None, *, queue: Queue | None = None) -> Laptop:
    """Put a laptop together over `ports`, whose files lie in `home`, and a folder of functions (this checkout's).

    `queue` is the pull side of the topics, where it is not the topics themselves. Raises `Malformed` naming every
    problem of every manifest, and `Fault` (`no-local-queue`) for ports that are not this machine's.
    """
    queue = queue or queue_of(ports)
    host = Host(functions or functions_folder(), ports)
    pushed = topology.subscriptions(host.manifests)
    stored = topology.store_subscriptions()
    storing = Storing(queue, ports.topics, ports.warehouse, {one.name: one.table for one in stored if one.table})
    scheduler = Scheduler(schedules(host.manifests), lambda function: host.call(function).status, ports.clock)
    return Laptop(
        ports=ports,
        queue=queue,
        host=host,
        runner=Runner(host, queue, [route_of(one) for one in pushed], store=storing.store),
        watcher=Watcher(home, ports.objects, ports.topics),
        scheduler=scheduler,
        lanes=tuple(sorted((_lane_of(one) for one in (*pushed, *stored)), key=_along_the_flow)),
    )


def schedules(manifests: Mapping[str, Manifest]) -> dict[str, Schedule]:
    """Return the schedule of every function that has one."""
    return {
        name: Schedule.parse(manifest.trigger.schedule)
        for name, manifest in manifests.items()
        if isinstance(manifest.trigger, ScheduleTrigger)
    }


def route_of(subscription: Subscription) -> Route:
    """Return where a function's subscription goes. Live is what has a bulk lane beside it to be quicker than."""
    has_lanes = BULK in topology.TOPICS[subscription.topic].lanes if subscription.lane == LIVE else False
    return Route(subscription.name, subscription.function or "", live=has_lanes)


@contextmanager
def alone_in(home: Path) -> Iterator[None]:
    """Hold a home folder while the block runs. Raises `Conflict` when another process runs on it."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".running.lock").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = f"another tombola already runs on {home}; stop it, or give another folder with --home"
            raise Conflict(msg, code="home-in-use") from None
        yield


def _lane_of(subscription: Subscription) -> Lane:
    topic = subscription.topic.removesuffix(f"-{BULK}")
    goes_to = subscription.function or f"table {subscription.table}"
    return Lane(subscription.name, topic, subscription.lane, goes_to)


def _along_the_flow(lane: Lane) -> tuple[int, bool, str]:
    return list(topology.TOPICS).index(lane.topic), lane.goes_to.startswith("table "), lane.subscription
