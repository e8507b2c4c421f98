"""Schedules on a laptop: what Cloud Scheduler does in the cloud, for the two forms that manifests use."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from tombola.ports.clock import Clock

_EVERY = re.compile(r"(?:\*|\*/([1-9]\d?)) \* \* \* \*")
_HOURLY = re.compile(r"([0-5]?\d) \* \* \* \*")
_HOUR = 60

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Minutes of every hour, UTC, at which to call. The rest of cron is refused until somebody needs it."""

    minutes: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Read `*/N * * * *` (N divides 60), `* * * * *` or `M * * * *`.

        Raises `ValueError` saying what was found and what was expected.
        """
        if every := _EVERY.fullmatch(text):
            step = int(every[1] or 1)
            if _HOUR % step == 0:
                return cls(tuple(range(0, _HOUR, step)))
        elif hourly := _HOURLY.fullmatch(text):
            return cls((int(hourly[1]),))
        msg = f"schedule {text!r}; expected '*/N * * * *' with N dividing 60, or 'M * * * *' with M from 0 to 59"
        raise ValueError(msg)

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
                log.warning("schedule_failed", function=function, status=status)
            due = schedule.next_after(self.clock.now())
