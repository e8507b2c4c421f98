"""The rows of the five feeds: what each field may hold, and the rules across them."""

import io
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from stdnum import ean

from tombola.feeds import usecases
from tombola.feeds.codes import CODES
from tombola.feeds.comparisons import breaks, expression
from tombola.feeds.contracts import ACTIONS, CONTRACTS, KINDS, NEEDED_BY_ACTION, NavigationRow, contract, reading, unit
from tombola.feeds.decoding import Decoder
from tombola.feeds.events import FeedKind, FeedValidated
from tombola.feeds.fields import gtin14
from tombola.feeds.formats import open_records
from tombola.feeds.masking import Mask
from tombola.feeds.measuring import Measured
from tombola.feeds.receipts import Receipt
from tombola.feeds.rules import Comparison, Times, holds, including
from tombola.feeds.staging import read_rows
from tombola.ports import Ports
from tombola.ports.objects import ObjectRef
from tombola.retailers.model import Dialect

Judge = Callable[..., Receipt]
PRODUCTS = "product_id,gtin\n"
NAVIGATION = "event_id,action,campaign_id,page,product_id,search,quantity,occurred_at\n"
RETURNS = "return_id,order_id,line_id,quantity,bought,value,returned_at,cancelled\n"
GTINS = st.integers(0, 10**13 - 1).map(lambda number: str(number) + ean.calc_check_digit(str(number)))
NEARLY = st.one_of(
    st.sampled_from([8, 12, 13, 14]).flatmap(lambda size: st.text("0123456789", min_size=size, max_size=size)),
    st.builds(lambda text, size: text.zfill(size), GTINS, st.sampled_from([8, 12, 13, 14])),
    st.text("0123456789+-_ .e\u0663\uff11", max_size=15),
)


@pytest.fixture
def browse(ports: Ports, judge: Judge) -> Callable[[str], Receipt]:
    """Return a judge of navigation, which the shop sends too."""
    shop = b"{retailer: corner-shop, name: S, country: US, currency: USD, feeds: {navigation: {}}}"
    ports.objects.replace("config", "retailers/corner-shop.yaml", shop)
    return lambda rows: judge(NAVIGATION + rows, "navigation")


def found(receipt: Receipt) -> list[tuple[str, str]]:
    return [(finding.code, finding.field) for finding in receipt.errors]


@pytest.mark.parametrize("kind", KINDS)
def test_the_mask_understands_every_contract(kind: FeedKind) -> None:
    header = ",".join(contract(kind).model_fields) + "\n"
    reader = open_records(Measured(io.BytesIO(header.encode())), Dialect())
    assert Mask(Decoder(contract(kind), Dialect(), "USD", reader.header), Dialect()).understands


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_an_example_and_every_number_a_unit(kind: FeedKind) -> None:
    row = contract(kind)
    for name, info in row.model_fields.items():
        assert info.examples, name
        assert bool(unit(row, name)) == (reading(row, name) in {"whole", "amount"}), name


def test_every_rule_has_a_code_of_its_level_and_a_field() -> None:
    for row in CONTRACTS.values():
        for level, rules in (("row", row.WRONG), ("warning", row.ODD)):
            assert all(CODES[rule.code].level == level and rule.field in row.model_fields for rule in rules)


@given(NEARLY)
def test_the_authority_decides_what_a_gtin_is(text: str) -> None:
    plain = text.isascii() and text.isdigit()
    try:
        assert gtin14(text) == text.zfill(14)
    except ValueError:
        assert not (plain and ean.is_valid(text))
    else:
        assert plain
        assert ean.is_valid(text)


@given(st.lists(NEARLY, min_size=1, max_size=20))
def test_the_mask_is_sure_of_a_gtin_only_where_the_authority_is(texts: list[str]) -> None:
    dialect = Dialect(nulls=("none",))
    rows = "".join(f'p{number},"{text}"\n' for number, text in enumerate(texts))
    reader = open_records(Measured(io.BytesIO((PRODUCTS + rows).encode())), dialect)
    mask = Mask(Decoder(contract("products"), dialect, "USD", reader.header), dialect)
    (block,) = reader.blocks()
    masked = mask.judge(block)
    assert masked is not None
    for text, sure, value in zip(texts, masked.sure, masked.values["gtin"], strict=True):
        assert sure == (text.isascii() and text.isdigit() and ean.is_valid(text))
        assert not sure or value == gtin14(text)


def test_a_gtin_is_stored_as_14_digits_and_one_with_a_slip_is_told_the_digit_that_fits(judge: Judge) -> None:
    good = "".join(f"p{number},4006381333931\n" for number in range(20))
    receipt = judge(PRODUCTS + good + "a,4006381333932\nb,400638-133393-1\nc,36000291452\nd,036000291452\n", "products")
    assert found(receipt) == [("gtin-check-digit", "gtin"), ("not-a-gtin", "gtin")]
    assert receipt.errors[0].examples[0].message == "the last digit is 2; expected 1 after these"
    assert (receipt.errors[1].count, receipt.accepted) == (2, 21)


def test_a_page_may_not_bring_its_query(browse: Callable[[str], Receipt]) -> None:
    fine = "".join(f"{number},page_viewed,,/search,,,,2017-06-01\n" for number in range(20))
    assert found(browse(fine + "x,page_viewed,,/search?q=Erika,,,,2017-06-01\n")) == [("page-with-query", "page")]


VALUES = st.one_of(st.none(), st.integers(0, 5))
COMPARISONS = st.one_of(
    st.builds(Comparison, st.sampled_from("abc"), st.sampled_from(["missing", "given"])),
    st.builds(
        Comparison,
        st.sampled_from("abc"),
        st.sampled_from(["==", ">"]),
        st.one_of(st.integers(0, 5), st.builds(Times, st.integers(1, 3), st.sampled_from("abc"))),
    ),
)


@given(st.lists(st.one_of(st.none(), st.text("ab?", max_size=3)), min_size=1), st.text("ab?", max_size=2))
def test_a_text_is_contained_in_columns_where_it_is_in_their_rows(texts: list[str | None], wanted: str) -> None:
    frame = pl.DataFrame({"a": texts}, schema={"a": pl.String})
    when = (including("a", wanted),)
    marks = frame.select(expression(when).alias("holds"))["holds"].to_list()
    assert marks == [holds(when)(row) for row in frame.iter_rows(named=True)]


@given(
    st.lists(COMPARISONS, min_size=1, max_size=3).map(tuple), st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1)
)
def test_a_rule_holds_of_columns_where_it_holds_of_their_rows(
    when: tuple[Comparison, ...], rows: list[tuple[int | None, ...]]
) -> None:
    frame = pl.DataFrame(rows, schema=dict.fromkeys("abc", pl.Int64), orient="row")
    marks = frame.select(expression(when).alias("holds"))["holds"].to_list()
    assert marks == [holds(when)(row) for row in frame.iter_rows(named=True)]


def test_no_rules_are_never_broken() -> None:
    assert (
        pl.DataFrame({"a": [1, 2]}).select(pl.col("a"), breaks(()).alias("broken"))["broken"].to_list() == [False] * 2
    )


@pytest.mark.parametrize("action", ACTIONS.words)
def test_an_action_needs_its_fields_and_no_others(browse: Callable[[str], Receipt], action: str) -> None:
    cells = {"campaign_id": "c", "page": "/", "product_id": "p", "quantity": "0"}
    names = NEEDED_BY_ACTION.get(action, ())
    full = {name: text if name in names else "" for name, text in cells.items()}
    rows = [full, *({**full, name: ""} for name in names)]
    lines = [
        f"{number},{action},{row['campaign_id']},{row['page']},{row['product_id']},,{row['quantity']},2017-06-01\n"
        for number, row in enumerate(rows)
    ]
    receipt = browse("".join(lines))
    assert sorted(found(receipt)) == sorted(("needed-by-action", name) for name in names)
    assert receipt.accepted == 1


def test_an_action_nobody_knows_is_told_those_there_are(browse: Callable[[str], Receipt]) -> None:
    receipt = browse("1,View,,,,,,2017-06-01\n")
    assert found(receipt) == [("unknown-action", "action")]
    assert all(word in receipt.errors[0].examples[0].message for word in ACTIONS.words)
    assert all(f"`{word}`" in (NavigationRow.model_fields["action"].description or "") for word in ACTIONS.words)


def test_what_was_searched_for_is_neither_shown_nor_stored(browse: Callable[[str], Receipt], ports: Ports) -> None:
    name = "Erika Mustermann"
    fine = "".join(f"{number},searched,,,,{name},,2017-06-01\n" for number in range(20))
    receipt = browse(fine + f"x,searched,,,,{name}\x07,,2017-06-01\n")
    assert found(receipt) == [("control-character", "search")]
    assert name not in receipt.model_dump_json()
    (file,) = receipt.files
    with ports.objects.open(ObjectRef(file.bucket, file.name, file.generation)) as stream:
        assert not any(name in map(str, row.values()) for row in read_rows(stream))


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("r,o,l,3,2,1.00,2017-06-02,no", "returned-exceeds-bought"),
        ("r,o,l,2,2,1.00,2017-06-02,no", None),
        ("r,o,l,3,,1.00,2017-06-02,no", None),
        ("r,o,,1,,1.00,2017-06-02,", "line-missing"),
        ("r,o,,,,,2017-06-02,yes", None),
        ("r,o,l,1,,1.00,2017-06-02,yes", None),
        ("r,o,l,,,,2017-06-02,yes", "returns-nothing"),
        ("r,o,l,0,2,0,2017-06-02,no", "returns-nothing"),
        ("r,o,l,0,,0.50,2017-06-02,no", None),
        ("r,o,l,1,,0.505,2017-06-02,no", "too-many-decimals"),
    ],
)
def test_a_return_says_what_came_back_and_no_more_than_was_bought(judge: Judge, row: str, code: str | None) -> None:
    assert [code for code, _ in found(judge(RETURNS + row + "\n", "returns"))] == ([code] if code else [])


def test_everything_wrong_across_a_row_is_told_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        contract("navigation").model_validate({"event_id": "1", "action": "basket_changed", "occurred_at": "x"})
    assert [error["type"] for error in caught.value.errors()] == ["is_instance_of"]
    row = {"event_id": "1", "action": "basket_changed", "occurred_at": pl.Series([0]).cast(pl.Datetime)[0]}
    with pytest.raises(ValidationError) as caught:
        contract("navigation").model_validate(row)
    assert [error["loc"] for error in caught.value.errors()] == [("product_id",), ("quantity",)]


@pytest.mark.parametrize(
    ("discount", "code"), [("60.00", None), ("60.01", "warning"), ("30000.00", "warning"), ("30000.01", "error")]
)
def test_a_discount_far_beyond_the_value_is_odd_and_out_of_all_proportion_wrong(
    judge: Judge, orders: Callable[..., str], discount: str, code: str | None
) -> None:
    receipt = judge(orders(f"1,1,42,s1,2017-06-01T10:00:00,p1,1,3.00,{discount},0"))
    warned = "discount-dwarfs-value" in {finding.code for finding in receipt.warnings}
    assert (warned, bool(receipt.errors)) == (code == "warning", code == "error")


def test_unknown_products_are_counted_and_each_is_named_once(judge: Judge, orders: Callable[..., str]) -> None:
    named = [f"p{number // 30 + 10}" for number in range(120)] + ["p10"] * 500
    receipt = judge(
        orders(*(f"{number},1,,s1,2017-06-01T10:00:00,{name},1,3.00,0,0" for number, name in enumerate(named)))
    )
    (finding,) = (one for one in receipt.warnings if one.code == "unknown-product")
    assert finding.count == len(named)
    assert [(one.line, one.value) for one in finding.examples] == [(2, "p10"), (32, "p11"), (62, "p12"), (92, "p13")]


RETURNED = "r{},o,{},{},{},{},2017-06-02,{}\n"


def test_the_mask_doubts_rows_that_break_a_rule_and_no_others() -> None:
    rows = [
        ("l", "1", "2", "1.00", "no"),
        ("l", "3", "2", "1.00", "no"),
        ("", "", "", "", "yes"),
        ("", "1", "", "1", "no"),
    ]
    text = RETURNS + "".join(RETURNED.format(number, *row) for number, row in enumerate(rows))
    reader = open_records(Measured(io.BytesIO(text.encode())), Dialect())
    mask = Mask(Decoder(contract("returns"), Dialect(), "USD", reader.header), Dialect())
    (block,) = reader.blocks()
    masked = mask.judge(block)
    assert masked is not None
    assert masked.sure.tolist() == [True, False, True, False]


def test_a_cancelled_line_is_taken_from_its_order_and_a_cancellation_without_line_ends_it(
    ports: Ports,
    judge: Judge,
    last_event: Callable[[], FeedValidated],
    published: Callable[[str], list[dict[str, Any]]],
) -> None:
    judge(RETURNS + "r1,o1,l,1,2,1.00,2017-06-02,yes\nr2,o2,,,,,2017-06-02,yes\n", "returns")
    usecases.publish_orders(ports, last_event())
    line, order = (event["statement"] for event in published("order-received-bulk"))
    assert [(one["line_id"], one["quantity"], one["value_minor"]) for one in line["returns"]] == [("l", 1, 100)]
    assert line["cancelled_at"] is None
    assert (order["returns"], order["cancelled_at"]) == ([], "2017-06-02T04:00:00Z")
