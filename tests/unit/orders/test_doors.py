"""An order in the retailer's words becomes a statement, or is refused with every reason at once."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tombola.errors import Malformed, Problem
from tombola.orders.doors import MAX_NAMED, check_clock, parse_message, statement_of
from tombola.orders.facts import Door, OrderStatement
from tombola.privacy.pseudonyms import HOUSEHOLD, pseudonym

KEY = b"k" * 32
LINE = {"line_id": "1", "product_id": "857", "quantity": 2, "value": "4.50", "discount": "0.5", "coupon": "1"}
MESSAGE = {
    "type": "order.stated",
    "order_id": "31198570004",
    "scope": "whole",
    "stated_at": "2017-06-15T08:00:00.123456-04:00",
    "shopper_id": "1364",
    "store_id": "31742",
    "ordered_at": "2017-06-15T12:00:00Z",
    "currency": "USD",
    "channel": "web",
    "lines": [LINE],
    "returns": [{"return_id": "r1", "line_id": "1", "quantity": 1, "value": "2.25"}],
    "payments": [{"payment_id": "p1", "tender": "card", "amount": "3.50"}],
    "cancelled_at": None,
}


def stated(door: Door = "webhook", **changes: object) -> OrderStatement:
    body = json.dumps({name: value for name, value in {**MESSAGE, **changes}.items() if value != "absent"}).encode()
    return statement_of(parse_message(body), "corner-shop", door, KEY)


def refused(**changes: object) -> set[str]:
    with pytest.raises(Malformed) as refusal:
        stated(**changes)
    assert refusal.value.code == "malformed-order"
    return {each.where for each in refusal.value.problems}


def test_a_statement_holds_minor_units_utc_and_a_pseudonym() -> None:
    found = stated()
    assert found.stated_at == datetime(2017, 6, 15, 12, 0, 0, 123456, tzinfo=UTC)
    assert found.header is not None
    assert found.header.shopper == pseudonym(KEY, "corner-shop", "1364")
    assert found.header.channel == "web"
    (line,) = found.lines
    assert (line.quantity, line.value_minor, line.discount_minor, line.coupon_minor) == (2, 450, 50, 100)
    assert [each.value_minor for each in found.returns] == [225]
    assert [each.amount_minor for each in found.payments] == [350]
    assert "1364" not in found.model_dump_json()


def test_a_household_becomes_a_pseudonym_that_no_shopper_has() -> None:
    found = stated(household_id="1364")
    assert found.header is not None
    assert found.header.household == pseudonym(KEY, "corner-shop", "1364", HOUSEHOLD)
    assert found.header.household != found.header.shopper
    assert "1364" not in found.model_dump_json()


def test_amounts_follow_their_currency() -> None:
    line = {**LINE, "value": "1500", "discount": "0", "coupon": "0"}
    found = stated(currency="JPY", lines=[line], returns=[], payments=[])
    assert found.lines[0].value_minor == 1500
    assert stated(currency="KWD").lines[0].value_minor == 4500


def test_an_order_may_come_without_a_shopper() -> None:
    found = stated(shopper_id=None)
    assert found.header is not None
    assert found.header.shopper is None


def test_a_bare_cancellation_needs_nothing_else() -> None:
    body = {
        "type": "order.stated",
        "order_id": "1",
        "scope": "some",
        "stated_at": "2017-06-15T12:00:00Z",
        "cancelled_at": "2017-06-15T12:00:00Z",
    }
    found = statement_of(parse_message(json.dumps(body).encode()), "corner-shop", "webhook", KEY)
    assert found.header is None
    assert found.cancelled_at == datetime(2017, 6, 15, 12, tzinfo=UTC)


def test_a_partial_statement_may_give_a_currency_for_its_amounts_alone() -> None:
    found = stated(scope="some", shopper_id=None, store_id=None, ordered_at=None)
    assert found.header is None
    assert found.lines[0].value_minor == 450


def test_amounts_without_a_currency_are_refused() -> None:
    assert refused(scope="some", shopper_id=None, store_id=None, ordered_at=None, currency=None) == {"currency"}


def test_half_a_head_is_refused_with_what_is_missing() -> None:
    assert refused(scope="some", store_id=None, ordered_at=None) == {"store_id", "ordered_at"}
    assert refused(scope="whole", shopper_id=None, store_id=None, ordered_at=None, currency=None) == {
        "store_id",
        "ordered_at",
        "currency",
    }


def test_a_message_signed_for_one_door_is_refused_at_the_other() -> None:
    assert refused(door="check_out") == {"type"}
    assert refused(type="order.checked_out") == {"type"}
    assert stated("check_out", type="order.checked_out").door == "check_out"


def test_a_language_is_for_the_door_that_answers_in_words() -> None:
    assert refused(language="fr") == {"language"}
    assert stated("check_out", type="order.checked_out", language="fr").header is not None


def test_every_field_at_fault_is_named_at_once() -> None:
    found = refused(
        order_id="",
        scope="all",
        stated_at="2017-06-15T12:00:00",
        ordered_at=1_497_528_000,
        currency="usd",
        surprise=True,
        lines=[{**LINE, "quantity": "2", "value": 4.5, "coupon": "-1"}, {"line_id": "2"}],
    )
    assert found == {
        "order_id",
        "scope",
        "stated_at",
        "ordered_at",
        "currency",
        "surprise",
        "lines.0.quantity",
        "lines.0.value",
        "lines.0.coupon",
        "lines.1.product_id",
        "lines.1.quantity",
        "lines.1.value",
    }


def test_every_amount_with_too_many_decimals_is_named_at_once() -> None:
    line = {**LINE, "value": "4.505", "coupon": "0.001"}
    payment = {"payment_id": "p1", "tender": "card", "amount": "3.505"}
    assert refused(lines=[line], payments=[payment]) == {"lines.0.value", "lines.0.coupon", "payments.0.amount"}


def test_an_unknown_currency_is_refused() -> None:
    assert refused(currency="XYZ") == {"currency"}


def test_one_id_twice_is_refused() -> None:
    assert refused(lines=[LINE, LINE], payments=[MESSAGE["payments"][0]] * 2) == {"lines", "payments"}  # type: ignore[index]


@pytest.mark.parametrize("year", ["0001", "1850", "9999"])
def test_years_at_the_ends_of_the_calendar_are_refused(year: str) -> None:
    assert refused(ordered_at=f"{year}-01-01T00:00:00+14:00") == {"ordered_at"}


def test_more_than_2000_lines_are_refused() -> None:
    assert refused(lines=[{**LINE, "line_id": str(n)} for n in range(2001)]) == {"lines"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 10_000, b'{"order_id": "\\ud800"}'])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed) as refusal:
        parse_message(body)
    assert [each.where for each in refusal.value.problems] == ["body"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"scope": "half"}, Problem("scope", "'half'", "'whole' or 'some'")),
        ({"order_id": ""}, Problem("order_id", "''", "text of at least 1 character")),
        ({"order_id": 5}, Problem("order_id", "5", "text")),
        ({"order_id": "a\n"}, Problem("order_id", r"'a\n'", "text without control characters")),
        ({"currency": "usd"}, Problem("currency", "'usd'", "three capital letters, as in EUR")),
        ({"stated_at": "2017-06-15T08:00:00"},
         Problem("stated_at", "'2017-06-15T08:00:00'", "a time zone too, as in 2027-03-01T00:00:00Z")),
        ({"lines": [{**LINE, "value": 4.5}]}, Problem("lines.0.value", "4.5", "text")),
        ({"lines": [{**LINE, "value": "4,50"}]}, Problem("lines.0.value", "'4,50'", "an amount as text, as in 12.50")),
        ({"lines": [{**LINE, "value": "4.505"}]}, Problem("lines.0.value", "'4.505'", "at most 2 decimals")),
        ({"lines": [{**LINE, "coupons": "1"}]},
         Problem("lines.0.coupons", "a field that is not known here", "the field coupon")),
        ({"order_id": "absent", "order_Id": "1"},
         Problem("order_Id", "a field that is not known here", "the field order_id")),
    ],
)  # fmt: skip
def test_a_refusal_says_what_was_expected_in_words(changes: dict[str, object], problem: Problem) -> None:
    with pytest.raises(Malformed) as refusal:
        stated(**changes)
    assert refusal.value.problems == (problem,)


def test_what_is_expected_never_repeats_what_was_sent() -> None:
    with pytest.raises(Malformed) as refusal:
        stated(currency="QQQ")
    (problem,) = refusal.value.problems
    assert (problem.where, problem.found) == ("currency", "'QQQ'")
    assert problem.expected.startswith("one of ")
    assert "QQQ" not in problem.expected


def test_a_flood_of_problems_is_counted_past_the_first_ones() -> None:
    with pytest.raises(Malformed) as refusal:
        stated(payments=[{}] * 90)
    assert len(refusal.value.problems) == MAX_NAMED + 1
    assert refusal.value.problems[-1].found == "70 more problems"


def test_a_clock_that_runs_an_hour_ahead_is_refused() -> None:
    message = parse_message(json.dumps(MESSAGE).encode())
    check_clock(message, message.stated_at - timedelta(hours=1))
    with pytest.raises(Malformed) as refusal:
        check_clock(message, message.stated_at - timedelta(hours=1, microseconds=1))
    assert "stated_at" in [each.where for each in refusal.value.problems]


@pytest.mark.parametrize("field", ["ordered_at", "cancelled_at"])
def test_what_has_not_happened_yet_is_refused(field: str) -> None:
    message = parse_message(json.dumps({**MESSAGE, field: "2017-06-16T12:00:00Z"}).encode())
    with pytest.raises(Malformed) as refusal:
        check_clock(message, datetime(2017, 6, 15, 13, tzinfo=UTC))
    assert [each.where for each in refusal.value.problems] == [field]


def test_times_are_kept_in_utc_whatever_zone_they_came_in() -> None:
    found = stated(ordered_at="2017-06-15T21:00:00+09:00")
    assert found.header is not None
    assert found.header.ordered_at == datetime(2017, 6, 15, 12, tzinfo=UTC)
    assert found.header.ordered_at.tzinfo is UTC
