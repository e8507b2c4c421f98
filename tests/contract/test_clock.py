"""Clock: the contract, and what the clock of replays promises beyond it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tombola.adapters.embedded.clock import ReplayClock, SystemClock
from tombola.ports.clock import Clock
from tombola.ports.errors import Refused

START = datetime(2017, 1, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize("clock", [SystemClock(), ReplayClock(START)], ids=["system", "replay"])
def test_the_present_is_aware_and_in_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC


def test_the_systems_clock_moves() -> None:
    clock = SystemClock()
    first = clock.now()
    assert clock.now() >= first


def test_a_replay_stands_still_until_it_is_moved() -> None:
    clock = ReplayClock(START)
    assert clock.now() == clock.now() == START
    clock.advance(timedelta(microseconds=1))
    assert clock.now() == START + timedelta(microseconds=1)
    clock.set(START + timedelta(days=1))
    assert clock.now() == START + timedelta(days=1)


def test_a_replay_reads_other_zones_as_utc() -> None:
    clock = ReplayClock(START.astimezone(timezone(timedelta(hours=-5))))
    assert clock.now().tzinfo is UTC
    assert clock.now() == START


def test_a_replay_never_goes_back() -> None:
    clock = ReplayClock(START)
    with pytest.raises(Refused, match="cannot go back to 2017-01-01T04:59:59"):
        clock.set(START - timedelta(seconds=1))
    with pytest.raises(Refused, match="cannot go back by"):
        clock.advance(timedelta(seconds=-1))
    assert clock.now() == START


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(Refused, match="no time zone"):
        ReplayClock(datetime(2017, 1, 1))  # noqa: DTZ001 (that is the point)
