"""Run steps of a file's check at the same time: work ahead on the next blocks, write behind, each in a thread.

Queues are short, so memory does not grow with the file; order is kept; a fault in one thread ends all of them.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
Step = Callable[[], None]
AHEAD = 2
"""Blocks that are worked on, or wait for who takes them, while another is taken."""
WAITING = 1
"""Steps that may wait for the thread that writes: each holds some 5 MiB of columns."""


class _End:
    """Stands in a queue for its end."""


@contextmanager
def work_ahead(work: Callable[[T], R], items: Iterator[T]) -> Iterator[Iterator[R]]:
    """Give what `work` makes of the items, in their order, while another thread works on the next ones.

    The items are taken in the thread that iterates. Iterating raises what taking or working on an item raised.
    """
    pool = ThreadPoolExecutor(1, "working-ahead")
    try:
        yield _in_order(pool, work, items)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterator[T]) -> Iterator[R]:
    begun: deque[Future[R]] = deque()
    end: Exception | None = None
    while True:
        while end is None and len(begun) < AHEAD:
            try:
                begun.append(pool.submit(work, next(items)))
            except Exception as error:  # noqa: BLE001 (raised behind what came before it)
                end = error
        if not begun:
            break
        yield begun.popleft().result()
    if end is not None and not isinstance(end, StopIteration):
        raise end


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
