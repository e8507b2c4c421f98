"""Schedules of a laptop."""

import itertools
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.local.scheduling import Schedule, Scheduler

NOON = datetime(2017, 3, 12, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant", "expected"),
    [
        ("* * * * *", NOON, NOON + timedelta(minutes=1)),
        ("*/5 * * * *", NOON, NOON + timedelta(minutes=5)),
        ("*/5 * * * *", NOON + timedelta(seconds=1), NOON + timedelta(minutes=5)),
        ("17 * * * *", NOON, NOON + timedelta(minutes=17)),
        ("17 * * * *", NOON + timedelta(minutes=17), NOON + timedelta(minutes=77)),
        ("0 * * * *", NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), NOON + timedelta(hours=1)),
    ],
)
def test_the_next_due_minute_comes_strictly_after(text: str, instant: datetime, expected: datetime) -> None:
    assert Schedule.parse(text).next_after(instant) == expected


@pytest.mark.parametrize("text", ["*/7 * * * *", "60 * * * *", "* 3 * * *", "", "*/0 * * * *", "5", "@hourly"])
def test_a_schedule_of_another_form_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        Schedule.parse(text)


LAST = datetime(9000, 1, 1)  # noqa: DTZ001 (hypothesis takes naive bounds)


@given(
    st.sampled_from(["* * * * *", "*/15 * * * *", "59 * * * *"]),
    st.datetimes(timezones=st.just(UTC), max_value=LAST),
)
def test_a_due_minute_is_never_more_than_an_hour_away(text: str, instant: datetime) -> None:
    due = Schedule.parse(text).next_after(instant)
    assert timedelta(0) < due - instant <= timedelta(hours=1)


class TwentySecondsLaterEachTime:
    """Tells the time, twenty seconds later whenever it is asked; asked second, it is just before noon."""

    def __init__(self) -> None:
        self._asked = itertools.count(-1)

    def now(self) -> datetime:
        return NOON - timedelta(seconds=0.01) + timedelta(seconds=20) * next(self._asked)


def test_a_due_function_is_called_once_at_a_time_and_a_failure_does_not_end_the_schedule() -> None:
    stop, running, most, calls = threading.Event(), 0, 0, []

    def call(function: str) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        calls.append(function)
        running -= 1
        if len(calls) == 2:
            stop.set()
        return 500

    scheduler = Scheduler({"relay_outbox": Schedule.parse("* * * * *")}, call, TwentySecondsLaterEachTime())
    runner = threading.Thread(target=scheduler.run, args=(stop,))
    runner.start()
    runner.join()
    assert (calls, most) == (["relay_outbox", "relay_outbox"], 1)
