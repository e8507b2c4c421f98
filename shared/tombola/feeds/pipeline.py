"""Run steps of a file's check at the same time: read ahead of them in one thread, write behind them in another.

Queues are short, so memory does not grow with the file; order is kept; a fault in one thread ends all of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")
Step = Callable[[], None]
WAITING = 1
"""Items that may wait between two threads: each is some 15 MiB of columns."""
_LOOK_UP = 0.05
"""Seconds after which a waiting thread looks whether it is still wanted."""


class _Failed:
    """Stands in a queue for what a thread raised."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _End:
    """Stands in a queue for its end."""


class _Ahead(Generic[T]):
    """Takes items in a thread of its own, until the last one or until nobody wants them any more."""

    def __init__(self, items: Iterator[T]) -> None:
        self.queue: Queue[T | _Failed | _End] = Queue(WAITING)
        self.unwanted = Event()
        self._items = items
        self.thread = Thread(target=self._run, name="reading-ahead", daemon=True)

    def taken(self) -> Iterator[T]:
        """Yield what was taken."""
        while not isinstance(item := self.queue.get(), _End):
            if isinstance(item, _Failed):
                raise item.error
            yield item

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
            self._put(_End())
        except BaseException as error:  # noqa: BLE001 (raised again by who waits for the item)
            self._put(_Failed(error))

    def _put(self, item: T | _Failed | _End) -> bool:
        while not self.unwanted.is_set():
            try:
                self.queue.put(item, timeout=_LOOK_UP)
            except Full:
                continue
            return True
        return False


@contextmanager
def read_ahead(items: Iterator[T]) -> Iterator[Iterator[T]]:
    """Give the items in their order, taking the next ones in another thread, which ends with the block.

    Iterating raises what taking an item raised.
    """
    ahead = _Ahead(items)
    ahead.thread.start()
    try:
        yield ahead.taken()
    finally:
        ahead.unwanted.set()
        ahead.thread.join()


class WriteBehind:
    """Does steps one after the other in a thread of its own. After a step that failed no other is done."""

    def __init__(self) -> None:
        """Start waiting for steps."""
        self._queue: Queue[Step | _End] = Queue(WAITING)
        self._failed: BaseException | None = None
        self._given_up = Event()
        self._thread = Thread(target=self._run, name="writing-behind", daemon=True)
        self._thread.start()

    def do(self, step: Step) -> None:
        """Leave a step to the thread. Raises what an earlier step raised."""
        self._raise()
        self._queue.put(step)

    def finish(self) -> None:
        """Wait for all steps. Raises what one of them raised."""
        self._queue.put(_End())
        self._thread.join()
        self._raise()

    def give_up(self) -> None:
        """Do no further step, and wait for the one that is being done."""
        self._given_up.set()
        self._queue.put(_End())
        self._thread.join()

    def _raise(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        while not isinstance(step := self._queue.get(), _End):
            if self._failed is not None or self._given_up.is_set():
                continue
            try:
                step()
            except BaseException as error:  # noqa: BLE001 (raised again by who leaves the next step)
                self._failed = error


@contextmanager
def write_behind() -> Iterator[WriteBehind]:
    """Give a thread for writing; at the end of the block everything is written, or an error is raised."""
    behind = WriteBehind()
    try:
        yield behind
    except BaseException:
        behind.give_up()
        raise
    behind.finish()
