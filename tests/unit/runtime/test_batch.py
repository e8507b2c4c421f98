"""Batches: every item ends by itself, and the answer says how."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from tombola.errors import Conflict, Problem
from tombola.ports.errors import Refused, Unavailable
from tombola.runtime.batch import ROUNDS, Batch, NothingDone, each

Load = Callable[[str, str], FlaskClient]
Lines = Callable[[], list[dict[str, Any]]]

BASKETS = """
    from pydantic import BaseModel
    from tombola.errors import Conflict, Problem
    from tombola.runtime import Answer, HttpRequest, on_http
    from tombola.runtime.batch import each

    class Baskets(BaseModel):
        totals: list[int]

    def priced(total: int) -> int:
        if total < 0:
            raise Conflict("a basket below zero", [Problem("total", str(total), "0 or more")])
        return total * 2

    @on_http()
    def price_baskets(request: HttpRequest) -> Answer:
        return each(request.parse(Baskets).totals, priced).answer()
"""


class Flaky:
    """Work that goes well at the given call of each item, and fails for a moment before that."""

    def __init__(self, well_at: dict[int, int]) -> None:
        self.well_at, self.calls = well_at, dict.fromkeys(well_at, 0)

    def __call__(self, item: int) -> int:
        self.calls[item] += 1
        if self.calls[item] < self.well_at[item]:
            raise Unavailable(str(item))
        return item


def run(items: list[int], work: Callable[[int], object]) -> tuple[Batch[int, object], list[float]]:
    slept: list[float] = []
    return each(items, work, sleep=slept.append, jitter=lambda: 0.0), slept


def test_one_bad_item_costs_the_others_nothing(load: Load) -> None:
    answer = load("price_baskets", BASKETS).post("/", json={"totals": [1, -5, 3]})
    assert answer.status_code == 207
    assert answer.json["done"] == [{"item": 0, "value": 2}, {"item": 2, "value": 6}]
    (failed,) = answer.json["failed"]
    assert (failed["item"], failed["again"]) == (1, False)
    assert failed["problem"] == {
        "type": "urn:tombola:problem:conflict", "title": "Conflict", "status": 409, "detail": "a basket below zero",
        "problems": [{"where": "total", "found": "-5", "expected": "0 or more"}],
    }  # fmt: skip


@pytest.mark.parametrize("totals", [[1, 2], []])
def test_when_all_are_done_the_answer_is_plain_success(load: Load, totals: list[int]) -> None:
    answer = load("price_baskets", BASKETS).post("/", json={"totals": totals})
    assert (answer.status_code, len(answer.json["done"]), answer.json["failed"]) == (200, len(totals), [])


def test_a_batch_of_which_nothing_was_done_is_a_failure_that_names_every_item(load: Load) -> None:
    answer = load("price_baskets", BASKETS).post("/", json={"totals": [-1, -2]})
    assert (answer.status_code, answer.json["type"]) == (422, "urn:tombola:problem:nothing-done")
    assert [one["where"] for one in answer.json["problems"]] == ["items.0.total", "items.1.total"]


def test_what_fails_for_a_moment_is_tried_again_alone() -> None:
    work = Flaky({1: 1, 2: 3, 3: 1})
    batch, slept = run([1, 2, 3], work)
    assert (work.calls, [one.place for one in batch.done], batch.failed) == ({1: 1, 2: 3, 3: 1}, [0, 1, 2], ())
    assert slept == [0.5, 1.0]


def test_what_fails_every_time_may_be_sent_again() -> None:
    batch, slept = run([1, 2], work := Flaky({1: 1, 2: 9}))
    assert [(one.place, one.again, one.fault.status) for one in batch.failed] == [(1, True, 503)]
    assert (work.calls[2], len(slept)) == (ROUNDS, ROUNDS - 1)
    batch.check()


def test_when_nothing_goes_well_it_is_an_outage_and_nothing_insists() -> None:
    batch, slept = run([1, 2], work := Flaky({1: 9, 2: 9}))
    assert (work.calls, slept) == ({1: 1, 2: 1}, [])
    with pytest.raises(Unavailable, match="none of 2 items"):
        batch.answer()


@pytest.mark.usefixtures("stream")
def test_a_failure_of_ours_is_logged_and_the_answer_says_only_that_it_happened(lines: Lines) -> None:
    batch, _ = run([0, 1], lambda item: 1 // item)
    (failed,) = batch.failed
    assert (failed.place, failed.again, failed.fault.status, failed.fault.problems) == (0, False, 500, ())
    assert "ZeroDivisionError" in lines()[-1]["stack_trace"]


def test_what_a_port_never_allows_is_the_items_fault() -> None:
    def work(item: int) -> int:
        if item:
            msg = "plays/secret of 600000 bytes"
            raise Refused(msg)
        return item

    batch, _ = run([0, 1], work)
    assert [(one.fault.status, "secret" in one.fault.message) for one in batch.failed] == [(422, False)]


def test_a_batch_that_is_at_fault_says_so_even_of_items_without_details() -> None:
    def work(item: int) -> None:
        msg = "not today"
        raise Conflict(msg, [Problem("day", "today", "tomorrow")] if item else ())

    with pytest.raises(NothingDone) as caught:
        run([0, 1], work)[0].check()
    assert [(one.where, one.found) for one in caught.value.problems] == [
        ("items.0", "not today"),
        ("items.1.day", "today"),
    ]


@given(st.lists(st.integers(0, 2), max_size=20))
def test_every_item_ends_exactly_once(fates: list[int]) -> None:
    """0 goes well, 1 is at fault, 2 fails for a moment."""

    def work(fate: int) -> None:
        if fate == 1:
            msg = "no"
            raise Conflict(msg)
        if fate == 2:
            raise Unavailable

    batch, _ = run(fates, work)
    ended = sorted([one.place for one in batch.done] + [one.place for one in batch.failed])
    assert ended == list(range(len(fates)))
    assert all(fates[one.place] == 0 for one in batch.done)
    assert all(one.again == (fates[one.place] == 2) for one in batch.failed)
