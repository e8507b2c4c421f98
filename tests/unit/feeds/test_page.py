"""The page beside a receipt: what a person reads."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.feeds import usecases
from tombola.feeds.page import render
from tombola.feeds.receipts import Example, Finding, Receipt
from tombola.ports import Ports
from tombola.ports.errors import PreconditionFailed, Unavailable
from tombola.ports.objects import ObjectRef
from tombola.retailers.model import Dialect

Judge = Callable[..., Receipt]
Orders = Callable[..., str]
LINE = "{},1,42,s1,2017-06-01T10:00:00,p1,{},2.50,0,0"
EVIL = '<script>alert("1")</script><img src=x onerror=alert(1)>&amp;\u202e\x00\x1b[31m'
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "section", "p", "h1", "h2", "h3", "div", "span", "b"),
    *("a", "code", "table", "thead", "tbody", "tr", "th", "td", "bdi", "dl", "dt", "dd", "time"),
}


class Reader(HTMLParser):
    """Collects what a page holds."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text += " "
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def receipt(**changed: Any) -> Receipt:  # noqa: ANN401 (fields of all types)
    stated: dict[str, Any] = {
        "receipt": "shop/orders/r/receipt.json", "retailer": "shop", "feed": "orders", "object": "shop/orders/june.csv",
        "generation": 7, "sha256": "0" * 64, "bytes": 1234567, "dialect": Dialect(delimiter=";"),
        "dialect_stated": ("delimiter",), "started_at": datetime(2017, 6, 1, tzinfo=UTC), "seconds": 1.5,
        "rows": 1000, "accepted": 990, "rejected": 8, "duplicates": 2, "warnings": (), "errors": (),
        "verdict": "partial", "files": (), "rejected_file": None,
    }  # fmt: skip
    return Receipt(**stated | changed)


def finding(code: str = "not-a-number", count: int = 1, **example: Any) -> Finding:  # noqa: ANN401
    stated = {"line": 20, "value": "one", "message": "expected digits", "fix": "Write digits."}
    return Finding(code=code, field="quantity", count=count, examples=(Example(**stated | example),))


def test_the_page_says_what_happened_and_its_counts_add_up() -> None:
    page = Reader(render(receipt(errors=(finding(count=8),), warnings=(finding("quantity-zero", 3),))))
    words = " ".join(page.text.split())
    assert (
        "The file was taken, except for rejected rows. Of 1,000 rows, 990 accepted, 8 rejected, 2 sent twice." in words
    )
    assert "1,000 rows = 990 accepted + 8 rejected + 2 sent twice" in words
    assert "not-a-number in quantity 8 times Write digits. About not-a-number" in words
    assert "20 one expected digits" in words
    assert "7 more are not shown" in words
    assert 'delimiter ";" stated' in words
    assert 'quote "\\"" not stated' in words


def test_every_finding_links_to_its_explanation_and_nothing_else_is_linked() -> None:
    page = Reader(render(receipt(errors=(finding(),), warnings=(finding("quantity-zero"),))))
    links = [found["href"] or "" for tag, found in page.tags if tag == "a"]
    assert [link.rpartition("/")[2] for link in links] == [
        "feed-errors.md#not-a-number",
        "feed-errors.md#quantity-zero",
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"verdict": "accepted", "accepted": 998, "rejected": 0}, "There is nothing to do."),
        ({"verdict": "partial"}, "send them alone"),
        ({"verdict": "quarantined"}, "and over 10% none are taken"),
        ({"verdict": "quarantined", "errors": (finding("packing-broken"),)}, "cannot be read to its end"),
    ],
)
def test_each_verdict_has_its_sentence_and_its_advice(changed: dict[str, Any], said: str) -> None:
    assert said in Reader(render(receipt(**changed))).text


@given(st.just(EVIL) | st.text(max_size=30), st.text(max_size=30))
def test_no_text_of_a_file_becomes_part_of_the_page(value: str, name: str) -> None:
    hostile = finding(value=value, message=value, fix=value).model_copy(update={"field": value, "code": value})
    dialect = Dialect(columns={"order_id": value}, constants={name: value})
    page = render(receipt(object=name + value, errors=(hostile,), dialect=dialect))
    read = Reader(page)
    assert {tag for tag, _ in read.tags} <= TAGS
    assert read.open == []
    assert not any(name.startswith("on") or name in {"src", "srcset"} for _, found in read.tags for name in found)
    assert not re.search("[\\x00-\\x09\\x0b-\\x1f\u202e]", page)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = render(receipt(errors=(finding(),)))
    assert "default-src 'none'" in page
    assert not re.search(r"url\(|@import|<script|<link|<img|<iframe", page)


def read(ports: Ports, name: str) -> str:
    with ports.objects.open(ports.objects.stat("receipts", name).ref) as stream:
        return stream.read().decode()


def test_the_page_lies_beside_the_receipt_that_names_it(ports: Ports, judge: Judge, orders: Orders) -> None:
    given_back = judge(orders(*[LINE.format(order, 1) for order in range(10)], LINE.format(11, "one")))
    assert given_back.page == given_back.receipt.replace(".json", ".html")
    assert read(ports, given_back.page) == render(given_back)


def test_a_page_that_a_crash_left_out_comes_with_the_redelivery(
    ports: Ports, put: Callable[..., ObjectRef], orders: Orders
) -> None:
    class NoPages:
        def __getattr__(self, name: str) -> Any:  # noqa: ANN401
            return getattr(ports.objects, name)

        def create(self, bucket: str, name: str) -> Any:  # noqa: ANN401
            if name.endswith(".html"):
                msg = "not just now"
                raise Unavailable(msg)
            return ports.objects.create(bucket, name)

    ref = put(orders(LINE.format(1, 1)))
    with pytest.raises(Unavailable):
        usecases.validate_feed(replace(ports, objects=NoPages()), ref, attempt="one")
    given_back = usecases.validate_feed(ports, ref, attempt="two")
    assert read(ports, given_back.page) == render(given_back)
    assert usecases.validate_feed(ports, ref, attempt="three") == given_back
    with pytest.raises(PreconditionFailed), ports.objects.create("receipts", given_back.page):
        pass
