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

    def read(self, key: Hashable, within: timedelta, load: Callable[[], T]) -> T:
        """Return the value loaded at most `within` ago under `key`, loading it if need be."""
        now = self._elapsed()
        with self._lock:
            found = self._values.get(key)
        if found is not None and now - found[0] <= within.total_seconds():
            return cast("T", found[1])
        value = load()
        with self._lock:
            self._values[key] = (now, value)
        return value

    def clear(self) -> None:
        """Forget everything, as a new process would."""
        with self._lock:
            self._values.clear()
