"""Memo: values read before and declared stale-able, with the bound stated where they are read."""

import threading
import time
from collections.abc import Callable, Hashable
from datetime import timedelta
from typing import TypeVar, cast

T = TypeVar("T")


class Memo:
    """A process's memory of slow-changing reads. Safe under threads; errors are not remembered."""

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        """Use `elapsed` (seconds, monotonic) to tell age."""
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._values: dict[Hashable, tuple[float, object]] = {}
        self._forgotten = 0

    def read(self, key: Hashable, within: timedelta, load: Callable[[], T]) -> T:
        """Return the value loaded at most `within` ago under `key`, loading it if need be."""
        now = self._elapsed()
        with self._lock:
            found = self._values.get(key)
            forgotten = self._forgotten
        if found is not None and now - found[0] <= within.total_seconds():
            return cast("T", found[1])
        value = load()
        with self._lock:
            if forgotten == self._forgotten:
                self._values[key] = (now, value)
        return value

    def keep(self, key: Hashable, value: object) -> None:
        """Remember what this process has just written under `key`; loads under way meanwhile are not remembered."""
        with self._lock:
            self._forgotten += 1
            self._values[key] = (self._elapsed(), value)

    def forget(self, *keys: Hashable) -> None:
        """Read these anew next time, because this process has just changed them.

        A load that is under way meanwhile may have read the old value: it is not remembered.
        """
        with self._lock:
            self._forgotten += 1
            for key in keys:
                self._values.pop(key, None)

    def clear(self) -> None:
        """Forget everything, as a new process would."""
        with self._lock:
            self._forgotten += 1
            self._values.clear()
