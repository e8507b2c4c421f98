"""Decoding: every retailer's way of writing becomes the same values, or says why it cannot."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.errors import Malformed
from tombola.feeds.contracts import OrderLineRow
from tombola.feeds.decoding import Decoder, Instants, Numbers, Unreadable
from tombola.feeds.unusable import Unusable
from tombola.retailers.model import Dialect

NEW_YORK = "America/New_York"
HEADER = ["order_id", "line_id", "store_id", "ordered_at", "product_id", "quantity", "value"]


def number(text: str, decimals: int = 2, **dialect: str) -> int | str:
    found = Numbers(Dialect.model_validate(dialect)).scaled(text, decimals, "too-many-decimals")
    return found.code if isinstance(found, Unreadable) else found


def instant(text: str, **dialect: str) -> datetime | str:
    found = Instants(Dialect.model_validate(dialect)).read(text)
    return found.code if isinstance(found, Unreadable) else found


@pytest.mark.parametrize(
    ("text", "minor"),
    [("2.5", 250), ("2.50", 250), (" 2.500 ", 250), ("2.", 200), ("0", 0), ("-1", -100), ("+1", 100), ("007", 700)],
)
def test_a_number_is_exact(text: str, minor: int) -> None:
    assert number(text) == minor


def test_a_number_is_read_by_the_marks_of_its_dialect() -> None:
    assert number("1.234.567,89", decimal_mark=",", thousands_mark=".") == 123_456_789
    assert number("1\u202f234,5", decimal_mark=",", thousands_mark="\u202f") == 123_450
    assert number("1234,5", decimal_mark=",", thousands_mark=".") == 123_450


@pytest.mark.parametrize(
    "text", ["", "x", "1,234.5", "1e3", "NaN", "inf", "$1", "1 2", "--1", ".5", "٣", "1_000", "9" * 41, "1.2.3"]
)
def test_what_is_no_number_in_the_dialect_is_none(text: str) -> None:
    assert number(text) == "not-a-number"


def test_groups_of_the_wrong_length_are_no_number() -> None:
    assert number("12,34", thousands_mark=",") == "not-a-number"


def test_more_decimals_than_the_currency_has_are_never_rounded() -> None:
    assert number("1.005") == "too-many-decimals"
    assert number("1.5", decimals=0) == "too-many-decimals"


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_any_amount_of_two_decimals_comes_out_in_cents(amount: Decimal) -> None:
    assert number(f"{amount:f}") == int(amount * 100)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 (wall clocks are naive)
def test_a_local_time_is_an_instant_that_shows_that_time_or_is_refused(wall: datetime) -> None:
    found = instant(wall.isoformat(), time_zone=NEW_YORK)
    if isinstance(found, datetime):
        assert found.tzinfo is UTC
        assert found.astimezone(ZoneInfo(NEW_YORK)).replace(tzinfo=None) == wall
    else:
        assert found == "local-time-skipped"


def test_a_time_that_the_clock_skips_is_refused() -> None:
    assert instant("2017-03-12T02:30:00", time_zone=NEW_YORK) == "local-time-skipped"
    assert instant("2017-03-12T03:00:00", time_zone=NEW_YORK) == datetime(2017, 3, 12, 7, tzinfo=UTC)


def test_a_time_that_the_clock_shows_twice_is_what_the_dialect_says() -> None:
    text, first = "2017-11-05T01:30:00", datetime(2017, 11, 5, 5, 30, tzinfo=UTC)
    assert instant(text, time_zone=NEW_YORK) == first
    assert instant(text, time_zone=NEW_YORK, ambiguous="later") == first + timedelta(hours=1)
    assert instant(text, time_zone=NEW_YORK, ambiguous="reject") == "local-time-shown-twice"


def test_a_time_with_its_offset_needs_no_clock() -> None:
    assert instant("2017-11-05T01:30:00-05:00", time_zone=NEW_YORK) == datetime(2017, 11, 5, 6, 30, tzinfo=UTC)
    assert instant("2017-11-05 01:30Z") == datetime(2017, 11, 5, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2017-13-01", "2017-06-01T25:00", "0001-01-01", "Dec 31 2017"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert instant(text, time_zone=NEW_YORK) == "not-a-time"


def test_a_format_reads_its_own_times_only() -> None:
    dialect = {"datetime_formats": ["%m/%d/%Y %H:%M:%S"], "time_zone": NEW_YORK}
    assert instant("06/01/2017 10:00:00", **dialect) == datetime(2017, 6, 1, 14, tzinfo=UTC)
    assert instant("2017-06-01 10:00:00", **dialect) == "not-a-time"


def decoder(header: list[str], **dialect: object) -> Decoder:
    return Decoder(OrderLineRow, Dialect.model_validate(dialect), "USD", header)


def test_one_column_may_feed_several_fields_and_constants_none() -> None:
    columns = {"product_id": "UPC", "line_id": "UPC"}
    header = ["order_id", "UPC", "store_id", "ordered_at", "quantity", "value"]
    records = [["1", "p1", "s", "2017-06-01", "1", "2.5"]]
    (row,) = decoder(header, columns=columns, constants={"coupon": "0.25"}).decode(records)
    assert (row["line_id"], row["product_id"], row["coupon"], row["currency"]) == ("p1", "p1", 25, "USD")


def test_an_amount_has_the_decimals_of_the_currency_in_its_own_row() -> None:
    records = [["1", "1", "s", "2017-06-01", "p", "1", value, code] for value, code in [("5", "JPY"), ("5", "BHD")]]
    rows = list(decoder([*HEADER, "currency"]).decode(records))
    assert [row["value"] for row in rows] == [5, 5000]


def test_empty_cells_are_the_default_or_missing() -> None:
    (row,) = decoder([*HEADER, "discount", "shopper_id"], nulls=["", "NULL"]).decode(
        [["1", "1", "s", "2017-06-01", "p", "NULL", "2", "", "NULL"]]
    )
    assert (row["discount"], row["shopper_id"], row["quantity"]) == (0, None, None)


def test_missing_columns_are_all_named_with_what_was_found_and_a_guess() -> None:
    with pytest.raises(Unusable) as caught:
        decoder(["Order ID", "line_id", "qty", "values"])
    fault = caught.value
    assert fault.code == "missing-columns"
    assert fault.value == "order_id, store_id, ordered_at, product_id, quantity, value"
    assert "found 'Order ID', 'line_id', 'qty', 'values'" in fault.message
    assert "is 'Order ID' the column 'order_id'?" in fault.message
    assert "is 'values' the column 'value'?" in fault.message


def test_a_column_that_is_used_already_is_not_suggested_for_another() -> None:
    with pytest.raises(Unusable) as fault:
        Decoder(
            OrderLineRow,
            Dialect(),
            "USD",
            ["store_id", "line_id", "ordered_at", "product_id", "quantity", "value"],
        )
    assert "no column 'order_id'" in str(fault.value.message)
    assert "is 'store_id'" not in str(fault.value.message)


def test_a_column_that_the_dialect_promises_is_missed_even_if_its_field_is_optional() -> None:
    with pytest.raises(Unusable, match="no column 'CARD'"):
        decoder(HEADER, columns={"shopper_id": "CARD"})


def test_a_column_named_twice_makes_the_file_unusable() -> None:
    with pytest.raises(Unusable, match="repeats 'value'"):
        decoder([*HEADER, "value"])


def test_a_dialect_for_fields_that_do_not_exist_is_a_fault_of_its_own() -> None:
    with pytest.raises(Malformed) as caught:
        decoder(HEADER, columns={"ordr_id": "X"}, constants={"colour": "red"})
    assert [problem.where for problem in caught.value.problems] == ["columns.colour", "columns.ordr_id"]
