"""Lost races: whoever wrote second reads again and decides again, with jitter, a bounded number of times."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from types import ModuleType
from typing import TypeVar

from tombola.errors import Overdrawn
from tombola.ports.errors import PreconditionFailed
from tombola.runtime.tracing.recording import lost_race

R = TypeVar("R")

ATTEMPTS = 20
SECONDS = 20.0
LOST = (PreconditionFailed, Overdrawn)


def decide_again(work: Callable[[], R]) -> R:
    """Return what `work` returns, calling it anew as long as it loses a race: 20 times or 20 seconds at most.

    Reads are not isolated: a play read before another commit, and its balance after it, add up to an `Overdrawn` that
    no document knows of. So that is asked again too.

    Raises what `work` raises; `PreconditionFailed` when it lost every time.
    """

    def counted() -> R:
        try:
            return work()
        except LOST:
            lost_race()
            raise

    with suppress(*LOST):
        return counted()
    attempts = _stamina().retry_context(
        on=LOST, attempts=ATTEMPTS - 1, timeout=SECONDS, wait_initial=0.01, wait_max=1.0, wait_jitter=0.1
    )
    for attempt in attempts:
        with attempt:
            return counted()
    raise PreconditionFailed  # not reached: the last attempt raises


@cache
def _stamina() -> ModuleType:
    """Import on the first lost race. Its hooks would log every lost race with the exception's own words."""
    import stamina.instrumentation  # noqa: PLC0415 (a cold start does not lose races)

    stamina.instrumentation.set_on_retry_hooks([])
    return stamina
