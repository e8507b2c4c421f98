"""Schedules on a laptop: what Cloud Scheduler does in the cloud, for the forms that manifests allow."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tombola.ports.clock import Clock
from tombola.runtime.logs import logger
from tombola.runtime.schedules import check_schedule


@dataclass(frozen=True, slots=True)
class Schedule:
    """Minutes of every hour, UTC, at which to call."""

    minutes: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Read one of the forms of `tombola.runtime.schedules`. Raises `ValueError` for any other."""
        minute = check_schedule(text).split(" ")[0]
        if minute.startswith("*"):
            return cls(tuple(range(0, 60, int(minute.removeprefix("*").removeprefix("/") or 1))))
        return cls((int(minute),))

    def next_after(self, instant: datetime) -> datetime:
        """Return the first due minute strictly after an aware instant."""
        hour = instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        candidates = (hour + timedelta(hours=ahead, minutes=minute) for ahead in (0, 1) for minute in self.minutes)
        return next(due for due in candidates if due > instant)


@dataclass(frozen=True, slots=True)
class Scheduler:
    """Calls each scheduled function when it is due, never while its own last call still runs."""

    schedules: Mapping[str, Schedule]
    call: Callable[[str], int]
    clock: Clock

    def run(self, stop: threading.Event) -> None:
        """Keep time until `stop` is set; a call that runs then is finished first. One thread per schedule."""
        threads = [
            threading.Thread(target=self._keep, args=(name, schedule, stop), name=f"schedule-{name}")
            for name, schedule in self.schedules.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _keep(self, function: str, schedule: Schedule, stop: threading.Event) -> None:
        due = schedule.next_after(self.clock.now())
        while not stop.is_set():
            wait = (due - self.clock.now()).total_seconds()
            if wait > 0:
                stop.wait(min(wait, 1.0))  # a laptop sleeps and its clock jumps: look again every second
                continue
            status = self.call(function)
            if not 200 <= status < 300:  # noqa: PLR2004 (HTTP's own classes)
                logger().warning("scheduled call failed", function=function, status=status)
            due = schedule.next_after(self.clock.now())
