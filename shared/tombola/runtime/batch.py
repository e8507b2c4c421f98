"""Batches: many items in one request or file, each done or failed by itself.

One bad item costs the others nothing, and the answer says of every item how it ended. What failed for a moment only
is tried again alone, after the others.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from typing import Generic, TypeVar

from tombola.errors import Fault, Problem
from tombola.ports.errors import Unavailable
from tombola.runtime import logs
from tombola.runtime.http import Answer
from tombola.runtime.outcomes import judged
from tombola.runtime.races import decide_again
from tombola.runtime.serving import fault_of

T = TypeVar("T")
R = TypeVar("R")

ROUNDS = 3
"""How often an item is tried that fails for a moment only; lost races are decided again within each."""
PAUSE_SECONDS = 0.5
"""Before the second round; twice as long before the third, both with jitter."""
MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Done(Generic[T, R]):
    """An item that was done: its place in the batch, from 0, and what came of it."""

    place: int
    item: T = field(repr=False)
    value: R = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failed(Generic[T]):
    """An item that was not done: its place, from 0, and why. `again`: the very same may go well another time.

    The fault of a failure of ours says only that it happened.
    """

    place: int
    item: T = field(repr=False)
    fault: Fault
    again: bool


@dataclass(frozen=True, slots=True)
class Batch(Generic[T, R]):
    """How every item of a batch ended, each in its place."""

    done: tuple[Done[T, R], ...] = ()
    failed: tuple[Failed[T], ...] = ()

    def check(self) -> None:
        """Raise unless something was done, or there was nothing to do.

        Raises `Unavailable` when any item may go well another time, so that all is asked for again; else
        `NothingDone`, naming every item.
        """
        if self.done or not self.failed:
            return
        if any(one.again for one in self.failed):
            msg = f"none of {len(self.failed)} items could be done just now"
            raise Unavailable(msg)
        raise NothingDone(self.failed)

    def answer(self, show: Callable[[R], object] = lambda value: value) -> Answer:
        """Return the answer of an HTTP function: 200 when all were done, 207 when some were.

        `done` lists each item's place and `value`, made by `show`; `failed` lists place, `again` and `problem`
        (RFC 9457). Raises what `check` raises.
        """
        self.check()
        done = [{"item": one.place, "value": show(one.value)} for one in self.done]
        failed = [
            {"item": one.place, "again": one.again, "problem": one.fault.as_problem()} for one in self.failed
        ]  # fmt: skip
        status = HTTPStatus.MULTI_STATUS if failed else HTTPStatus.OK
        return Answer({"done": done, "failed": failed}, status)


class NothingDone(Fault):
    """Every item of a batch is at fault."""

    code = "nothing-done"
    status = 422

    def __init__(self, failed: Sequence[Failed[T]]) -> None:
        """Name every problem of every item, at most 100 of them, at the item's place."""
        places = [problem for one in failed for problem in _placed(one)]
        super().__init__(f"none of {len(failed)} items could be done", places[:MOST_PROBLEMS])


def each(
    items: Iterable[T],
    work: Callable[[T], R],
    *,
    sleep: Callable[[float], object] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> Batch[T, R]:
    """Call `work` with every item and return how each ended; never raises an `Exception` of `work`.

    A `Fault` is the item's. What fails for a moment only (`Unavailable`, a race lost to the end) is tried again after
    the others, three times in all; unless nothing at all went well, which is an outage, and not the items'.
    """
    ended: dict[int, Done[T, R] | Failed[T]] = {}
    todo = dict(enumerate(items))
    for turn in range(ROUNDS):
        if turn:
            sleep(PAUSE_SECONDS * turn * (1 + jitter()))
        ended |= {place: _ended(place, item, work) for place, item in todo.items()}
        todo = {place: one.item for place, one in ended.items() if isinstance(one, Failed) and one.again}
        if not todo or not any(isinstance(one, Done) for one in ended.values()):
            break
    return Batch(
        tuple(one for one in ended.values() if isinstance(one, Done)),
        tuple(one for one in ended.values() if isinstance(one, Failed)),
    )


def _ended(place: int, item: T, work: Callable[[T], R]) -> Done[T, R] | Failed[T]:
    outcome = judged(lambda: Done(place, item, decide_again(partial(work, item))))
    if outcome.value is not None:
        return outcome.value
    if outcome.word == "failed":
        logs.logger().error("an item of a batch failed", exc_info=outcome.error)
    return Failed(place, item, fault_of(outcome), again=outcome.status == HTTPStatus.SERVICE_UNAVAILABLE)


def _placed(failed: Failed[T]) -> Iterator[Problem]:
    """Yield what is wrong with an item, at its place in the batch."""
    where = f"items.{failed.place}"
    for problem in failed.fault.problems:
        yield replace(problem, where=f"{where}.{problem.where}")
    if not failed.fault.problems:
        yield Problem(where, failed.fault.message, "an item that can be done")
