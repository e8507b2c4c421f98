"""Clock: the machine's own, and one that is set by hand for replays and tests."""

import threading
from datetime import UTC, datetime, timedelta

from tombola.ports.errors import Refused


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC, with microseconds."""
        return datetime.now(UTC)


class ReplayClock:
    """A clock that stands still until it is moved, and only ever moves forward. Safe under threads."""

    def __init__(self, start: datetime) -> None:
        """Start at an aware instant. Raises `Refused` for a naive one."""
        self._lock = threading.Lock()
        self._now = _in_utc(start)

    def now(self) -> datetime:
        """Return the instant the clock was last set to, in UTC."""
        with self._lock:
            return self._now

    def set(self, instant: datetime) -> None:
        """Move to an aware instant. Raises `Refused` when it lies before the present one."""
        wanted = _in_utc(instant)
        with self._lock:
            if wanted < self._now:
                msg = f"clock at {self._now.isoformat()} cannot go back to {wanted.isoformat()}"
                raise Refused(msg)
            self._now = wanted

    def advance(self, duration: timedelta) -> None:
        """Move forward by a duration. Raises `Refused` when it is negative."""
        with self._lock:
            if duration < timedelta(0):
                msg = f"clock cannot go back by {-duration}"
                raise Refused(msg)
            self._now += duration


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        msg = f"instant {instant.isoformat()} has no time zone; expected an aware one"
        raise Refused(msg)
    return instant.astimezone(UTC)
