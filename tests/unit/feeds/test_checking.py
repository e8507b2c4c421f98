"""Checking: every row is accepted, rejected or a duplicate, and the receipt says why."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tombola.feeds.codes import CODES
from tombola.feeds.receipts import MAX_EXAMPLES, Receipt
from tombola.ports import Ports
from tombola.ports.objects import ObjectRef
from tombola.privacy.pseudonyms import pseudonym

Judge = Callable[..., Receipt]
Orders = Callable[..., str]
GOOD = ["1", "1", "42", "s1", "2017-06-01T10:00:00", "p1", "1", "2.50", "0", "0"]
ORDER, LINE, SHOPPER, STORE, AT, PRODUCT, QUANTITY, VALUE, DISCOUNT, COUPON = range(10)


def line(**changes: str) -> str:
    fields = list(GOOD)
    for name, text in changes.items():
        fields[globals()[name.upper()]] = text
    return ",".join(fields)


def staged(ports: Ports, receipt: Receipt) -> pa.Table:
    (file,) = receipt.files
    with ports.objects.open(ObjectRef(file.bucket, file.name, file.generation)) as stream:
        return pq.read_table(stream)


def rejected(ports: Ports, receipt: Receipt) -> bytes:
    file = receipt.rejected_file
    assert file is not None
    with ports.objects.open(ObjectRef(file.bucket, file.name, file.generation)) as stream:
        return stream.read()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"order": ""}, "missing"),
        ({"order": "  "}, "missing"),
        ({"at": ""}, "missing"),
        ({"quantity": "many"}, "not-a-number"),
        ({"quantity": "1.5"}, "not-whole"),
        ({"quantity": "-1"}, "negative"),
        ({"quantity": "9999999999"}, "too-large"),
        ({"value": "-0.01"}, "negative"),
        ({"value": "1.005"}, "too-many-decimals"),
        ({"discount": "x"}, "not-a-number"),
        ({"at": "yesterday"}, "not-a-time"),
        ({"at": "2017-03-12T02:30:00"}, "local-time-skipped"),
        ({"store": "s" * 201}, "too-long"),
        ({"product": '"p\n1"'}, "control-character"),
        ({"product": "p\x07"}, "control-character"),
        ({"store": "a,b"}, "wrong-field-count"),
        ({"store": '"a"b'}, "broken-quoting"),
    ],
)
def test_a_broken_row_is_rejected_and_told_where_and_why(
    judge: Judge, orders: Orders, ports: Ports, changes: dict[str, str], code: str
) -> None:
    good = [line(order=str(number)) for number in range(2, 30)]
    receipt = judge(orders(good[0], line(**changes), *good[1:]))
    assert (receipt.rows, receipt.accepted, receipt.rejected, receipt.verdict) == (29, 28, 1, "partial")
    (finding,) = receipt.errors
    assert (finding.code, finding.count, finding.examples[0].line) == (code, 1, 3)
    assert finding.examples[0].fix == CODES[code].fix
    assert rejected(ports, receipt) == orders(line(**changes)).encode()


def test_all_that_is_wrong_with_a_row_is_told_at_once(judge: Judge, orders: Orders) -> None:
    receipt = judge(orders(line(order="", quantity="x", value="-1", at="never")))
    assert {(finding.code, finding.field) for finding in receipt.errors} == {
        ("missing", "order_id"),
        ("not-a-number", "quantity"),
        ("negative", "value"),
        ("not-a-time", "ordered_at"),
    }
    assert receipt.rejected == 1


@pytest.mark.parametrize("code", ["XXX", "usd", "", "EURO"])
def test_a_currency_nobody_knows_is_rejected(judge: Judge, orders: Orders, code: str) -> None:
    header = "order_id,line_id,store_id,ordered_at,product_id,quantity,value,currency"
    receipt = judge(orders(f"1,1,s,2017-06-01,p,1,1.5,{code}", header=header))
    assert [finding.field for finding in receipt.errors] == ["currency"]
    assert receipt.errors[0].code == ("unknown-currency" if code else "missing")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": "0", "value": "0", "coupon": "1.00"}, "quantity-zero"),
        ({"value": "0"}, "value-zero"),
        ({"coupon": "2.51"}, "coupon-exceeds-value"),
        ({"quantity": "89638"}, "quantity-in-fine-units"),
        ({"product": "p9"}, "unknown-product"),
        ({"at": "2017-11-05T01:30:00"}, "local-time-ambiguous"),
    ],
)
def test_an_odd_row_is_accepted_with_a_warning(
    judge: Judge, orders: Orders, changes: dict[str, str], code: str
) -> None:
    receipt = judge(orders(line(order="2"), line(**changes)))
    assert (receipt.accepted, receipt.verdict, receipt.errors) == (2, "accepted", ())
    finding = next(finding for finding in receipt.warnings if finding.code == code)
    assert finding.examples[-1].line == 3


@pytest.mark.parametrize(
    ("changes", "code", "shown"),
    [
        ({"value": "0.00"}, "value-zero", "0.00"),
        ({"value": "1.00", "coupon": "01.50"}, "coupon-exceeds-value", "01.50"),
        ({"quantity": "+2000"}, "quantity-in-fine-units", "+2000"),
        ({"at": "2017-11-05 01:30"}, "local-time-ambiguous", "2017-11-05 01:30"),
    ],
)
def test_a_receipt_shows_what_the_sender_wrote(
    judge: Judge, orders: Orders, changes: dict[str, str], code: str, shown: str
) -> None:
    receipt = judge(orders(line(order="2"), line(**changes)))
    assert [one.examples[-1].value for one in receipt.warnings if one.code == code] == [shown]


def test_a_receipt_never_shows_what_names_a_person(judge: Judge) -> None:
    header = "shopper_id,consent_profile,consent_ads,consent_partner,consented_at\n"
    receipt = judge(header + "card-4711,yes,no,no,2017-06-01\ncard-4711,no,no,no,2017-06-01\n", "shoppers")
    assert [one.examples[0].value for one in receipt.errors] == ["(9 characters)"]


def test_an_identical_row_is_a_duplicate_and_another_row_of_its_key_is_rejected(judge: Judge, orders: Orders) -> None:
    receipt = judge(orders(*[line()] * 3, line(value="2.5"), line(value="9"), line(value="9"), line(order="2")))
    assert (receipt.rows, receipt.accepted, receipt.rejected, receipt.duplicates) == (7, 2, 2, 3)
    (finding,) = receipt.errors
    assert (finding.code, finding.count, [example.line for example in finding.examples]) == ("key-conflict", 2, [6, 7])


def test_what_is_accepted_is_staged_with_types(judge: Judge, orders: Orders, ports: Ports) -> None:
    receipt = judge(orders(line(), line(line="2", shopper="")))
    table = staged(ports, receipt)
    assert receipt.files[0].rows == 2
    first, second = table.to_pylist()
    assert first["shopper"] == pseudonym(ports.keys.get("pseudonym-corner-shop").material, "corner-shop", "42")
    assert second["shopper"] is None
    assert (first["value_minor"], first["quantity"], first["currency"], first["source_line"]) == (250, 1, "USD", 2)
    assert first["ordered_at"] == first["stated_at"]
    assert first["ordered_at"].isoformat() == "2017-06-01T14:00:00+00:00"


def test_a_raw_shopper_id_never_reaches_staging_or_the_receipt(judge: Judge, ports: Ports, tmp_path: Path) -> None:
    raw = "card-4711-0815"
    shoppers = "shopper_id,consent_profile,consent_ads,consent_partner,consented_at\n"
    good = "".join(f"{raw}-{number},yes,no,no,2017-06-01\n" for number in range(30))
    receipt = judge(shoppers + good + f"{raw}-0,no,no,no,2017-06-01\n{raw}\x07,yes,no,no,2017-06-01\n", "shoppers")
    assert (receipt.accepted, receipt.rejected) == (30, 2)
    assert raw not in receipt.model_dump_json()
    assert raw not in str(staged(ports, receipt).to_pylist())
    assert tmp_path.exists()


def test_at_most_twenty_examples_of_a_code_are_kept(judge: Judge, orders: Orders) -> None:
    receipt = judge(orders(*(line(order=str(number), quantity="x", value="y") for number in range(50))))
    assert sum(finding.count for finding in receipt.errors) == 100
    assert sum(len(finding.examples) for finding in receipt.errors) == MAX_EXAMPLES


def test_good_rows_among_many_bad_ones_are_taken(judge: Judge, orders: Orders, ports: Ports) -> None:
    bad = [line(order=f"b{number}", store="s" * 10_000) for number in range(800)]
    good = [line(order=str(number)) for number in range(8_000)]
    receipt = judge(orders(*bad[:400], *good[:3_000], *bad[400:], *good[3_000:]))
    assert (receipt.rows, receipt.accepted, receipt.rejected) == (8_800, 8_000, 800)
    assert staged(ports, receipt)["order_id"].to_pylist() == [str(number) for number in range(8_000)]


def test_too_many_rejected_rows_quarantine_the_file(judge: Judge, orders: Orders, ports: Ports) -> None:
    good = [line(order=str(number)) for number in range(2, 11)]
    assert judge(orders(*good, line(value="x"))).verdict == "partial"
    receipt = judge(orders(*good[1:], line(value="x")))
    assert (receipt.verdict, receipt.files) == ("quarantined", ())
    assert rejected(ports, receipt) == orders(line(value="x")).encode()
    assert len(list(ports.objects.list("staging", "corner-shop/"))) == 1


@pytest.mark.parametrize(
    "data",
    [b"", b"a,b\n1,2\n", b"\xff\xfe", b"\x1f\x8b\x00", b"order_id,order_id\n", b"\0" * 100, b'order_id,"'],
)
def test_a_file_that_cannot_be_read_is_quarantined_with_a_receipt(judge: Judge, data: bytes) -> None:
    receipt = judge(data)
    assert (receipt.verdict, receipt.files, receipt.rows, receipt.bytes) == ("quarantined", (), 0, len(data))
    assert all(CODES[finding.code].level == "file" for finding in receipt.errors)


def test_a_file_of_a_header_only_is_accepted_and_empty(judge: Judge, orders: Orders) -> None:
    receipt = judge(orders())
    assert (receipt.verdict, receipt.rows, receipt.files) == ("accepted", 0, ())


def test_a_file_cut_off_halfway_keeps_counts_that_add_up_and_gives_nothing_away(judge: Judge, orders: Orders) -> None:
    receipt = judge(orders(line(), line(order="2"), line(order="3", value="x")).encode() + b"4,\xff")
    assert (receipt.rows, receipt.accepted, receipt.rejected) == (3, 2, 1)
    assert (receipt.verdict, receipt.files) == ("quarantined", ())
    assert [finding.count for finding in receipt.errors if finding.code == "undecodable"] == [1]


def test_an_order_may_be_stated_with_a_version_of_its_own(judge: Judge, orders: Orders, ports: Ports) -> None:
    header = "order_id,line_id,store_id,ordered_at,product_id,quantity,value,updated_at"
    receipt = judge(orders("1,1,s,2017-06-01,p,1,1,2017-06-02", "1,2,s,2017-06-01,p,1,1,", header=header))
    stated = staged(ports, receipt)["stated_at"].to_pylist()
    assert [at.day for at in stated] == [2, 1]


def test_products_are_stated_when_their_file_arrived(judge: Judge, ports: Ports) -> None:
    receipt = judge("product_id,name\np1,Milk\np2,\n", "products")
    arrived = ports.objects.stat("inbox", "corner-shop/products/file.csv").updated_at
    rows = staged(ports, receipt).to_pylist()
    assert [row["name"] for row in rows] == ["Milk", None]
    assert all(abs(row["stated_at"] - arrived) < timedelta(microseconds=2) for row in rows)


def test_a_return_names_a_line_or_cancels_its_order(judge: Judge) -> None:
    header = "return_id,order_id,line_id,quantity,value,returned_at,cancelled\n"
    good = "".join(f"r{number},1,{number},1,2.50,2017-06-02,no\n" for number in range(10))
    receipt = judge(header + good + "r10,2,,,,2017-06-02,yes\nr11,2,,,,2017-06-02,\n", "returns")
    assert (receipt.accepted, [finding.code for finding in receipt.errors]) == (11, ["line-missing"])


def test_a_word_that_is_neither_yes_nor_no_is_no_consent(judge: Judge) -> None:
    header = "shopper_id,consent_profile,consent_ads,consent_partner,consented_at\n"
    receipt = judge(header + "1,YES,0,n,2017-06-01\n2,perhaps,,n,2017-06-01\n", "shoppers")
    assert {(one.code, one.field) for one in receipt.errors} == {
        ("not-yes-or-no", "consent_profile"),
        ("missing", "consent_ads"),
    }


CELLS = st.sampled_from(["", "1", "2", "x", "-1", "1.5", '"', '"a"', "a\nb", "\r", ",", "2017-06-01", "\u00e9", "\x07"])
ROWS = st.lists(
    st.one_of(
        st.just(line()),
        st.builds(lambda order, value: line(order=order, value=value), CELLS, CELLS),
        st.lists(CELLS, max_size=12).map(",".join),
        st.text(max_size=30),
    ),
    max_size=40,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(ROWS, st.booleans())
def test_the_counts_of_any_file_add_up(judge: Judge, orders: Orders, rows: list[str], crlf: bool) -> None:  # noqa: FBT001 (a drawn value)
    text = orders(*rows)
    receipt = judge((text.replace("\n", "\r\n") if crlf else text).encode("utf-8", "surrogatepass"))
    assert receipt.rows == receipt.accepted + receipt.rejected + receipt.duplicates
    assert sum(file.rows for file in receipt.files) == (0 if receipt.verdict == "quarantined" else receipt.accepted)
    assert receipt.rejected == (receipt.rejected_file.rows if receipt.rejected_file else 0)
    assert receipt.started_at >= datetime(2017, 1, 1, tzinfo=receipt.started_at.tzinfo)
