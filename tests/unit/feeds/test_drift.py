"""Drift: what is unlike a retailer's last files of the kind, with the usual and the present figure."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.adapters.embedded.clock import ReplayClock
from tombola.feeds import usecases
from tombola.feeds.drift import REMEMBERED, Drift, Earlier, Figures, History, drift
from tombola.feeds.receipts import Receipt
from tombola.ports import Ports
from tombola.ports.objects import ObjectRef

Judge = Callable[..., Receipt]
Orders = Callable[..., str]
BEGIN = datetime(2017, 6, 1, tzinfo=UTC)


def figures(**changed: Any) -> Figures:  # noqa: ANN401 (fields of all types)
    stated: dict[str, Any] = {
        "columns": ("a", "b", "c"), "rows": 1000, "empty": {"shopper": 0.1, "store_id": 0.0},
        "lowest": {"quantity": 1}, "highest": {"quantity": 40}, "unknown_products": 0.01,
    }  # fmt: skip
    return Figures(**stated | changed)


def earlier(number: int, **changed: Any) -> Earlier:  # noqa: ANN401
    return Earlier(receipt=f"r{number}", started_at=BEGIN + timedelta(days=number), figures=figures(**changed))


USUAL = History(files=tuple(earlier(number) for number in (3, 2, 1)))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"columns": ("a", "b", "c", "d")}, [("new-column", "d", "absent", "present")]),
        ({"columns": ("a", "c")}, [("missing-column", "b", "present", "absent")]),
        ({"columns": ("c", "a", "b")}, [("reordered-columns", "", "a, b, c", "c, a, b")]),
        ({"rows": 2000}, []),
        ({"rows": 2001}, [("row-count", "", 1000, 2001)]),
        ({"rows": 500}, []),
        ({"rows": 499}, [("row-count", "", 1000, 499)]),
        ({"empty": {"shopper": 0.2, "store_id": 0.0}}, []),
        ({"empty": {"shopper": 0.21, "store_id": 0.0}}, [("empty-share", "shopper", 0.1, 0.21)]),
        ({"highest": {"quantity": 80}}, []),
        ({"highest": {"quantity": 81}}, [("value-range", "quantity", "1 to 40", "1 to 81")]),
        ({"highest": {"quantity": 19}}, [("value-range", "quantity", "1 to 40", "1 to 19")]),
        ({"lowest": {"quantity": 0}}, [("value-range", "quantity", "1 to 40", "0 to 40")]),
        ({"unknown_products": 0.06}, []),
        ({"unknown_products": 0.07}, [("unknown-share", "product_id", 0.01, 0.07)]),
        ({"empty": {}, "lowest": {}, "highest": {}, "unknown_products": 0.0}, []),
    ],
)
def test_each_figure_has_a_bound_beyond_which_it_is_told(changed: dict[str, Any], expected: list[Any]) -> None:
    found = drift(figures(**changed), USUAL)
    assert [(one.code, one.field, one.usual, one.present) for one in found] == expected


def test_the_first_files_have_nothing_to_be_compared_with() -> None:
    odd = figures(columns=("z",), rows=1, unknown_products=1.0)
    assert drift(odd, History()) == ()
    assert {one.code for one in drift(odd, History(files=(earlier(1),)))} == {"new-column", "missing-column"}


@given(st.permutations([*range(14), 3, 13]))
def test_the_history_is_the_same_in_whatever_order_and_however_often_files_come(order: list[int]) -> None:
    history = History()
    for number in order:
        history = history.including(earlier(number))
    assert [one.receipt for one in history.files] == [f"r{number}" for number in range(13, 13 - REMEMBERED, -1)]


def lines(count: int, quantity: int = 1, shopper: str = "42") -> list[str]:
    return [f"{one},1,{shopper},s1,2017-06-01T10:00:00,p{one},{quantity},2.50,0,0" for one in range(count)]


def test_a_receipt_tells_drift_against_the_files_before_it(judge: Judge, orders: Orders, clock: ReplayClock) -> None:
    for day in range(3):
        assert judge(orders(*lines(20)), file=f"{day}.csv").drift == ()
        clock.advance(timedelta(days=1))
    receipt = judge(orders(*lines(50, quantity=30, shopper="")), file="odd.csv")
    assert receipt.drift == (
        Drift(code="row-count", field="", usual=20, present=50),
        Drift(code="empty-share", field="shopper", usual=0.0, present=1.0),
        Drift(code="value-range", field="quantity", usual="1 to 1", present="30 to 30"),
    )
    assert receipt.verdict == "accepted"


def test_a_redelivery_counts_a_file_once_and_a_quarantined_one_never(
    ports: Ports, judge: Judge, put: Callable[..., ObjectRef], orders: Orders
) -> None:
    ref = put(orders(*lines(5)))
    receipts = [usecases.validate_feed(ports, ref, attempt=attempt) for attempt in ("one", "two")]
    judge(orders(*lines(5), "x", "x", "x", "x"), file="bad.csv")
    history, _ = usecases._history(ports, "corner-shop", "orders")
    assert [one.receipt for one in history.files] == [receipts[0].receipt]


def test_a_history_that_cannot_be_read_is_begun_anew(ports: Ports, judge: Judge, orders: Orders) -> None:
    ports.objects.replace("receipts", "corner-shop/orders/history.json", b"{")
    receipt = judge(orders(*lines(5)))
    history, _ = usecases._history(ports, "corner-shop", "orders")
    assert [one.receipt for one in history.files] == [receipt.receipt]


def test_an_unreadable_file_is_compared_with_nothing(judge: Judge, orders: Orders) -> None:
    for number in range(3):
        judge(orders(*lines(20)), file=f"{number}.csv")
    assert judge("\x00", file="noise.csv").drift == ()
