"""The intake: one receipt per generation of an object, whatever is delivered twice, late or half."""

import gzip
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from tombola.errors import Fault, Gone, Malformed, NotSetUp, Unknown
from tombola.feeds import usecases
from tombola.feeds.events import FeedValidated
from tombola.feeds.intake import BYTES_PER_SECOND, SHRINKS
from tombola.feeds.receipts import Receipt
from tombola.orders.facts import MAX_LINES
from tombola.ports import Ports
from tombola.ports.clock import Clock
from tombola.ports.errors import Unavailable
from tombola.ports.objects import ObjectInfo, ObjectRef, Objects, ObjectWriter
from tombola.privacy.pseudonyms import HOUSEHOLD, pseudonym
from tombola.runtime.manifests import read_manifests

Judge = Callable[..., Receipt]
Orders = Callable[..., str]
Put = Callable[..., ObjectRef]
Published = Callable[[str], list[dict[str, Any]]]
LINES = [f"{order},{line},42,s1,2017-06-01T10:00:00,p{line},1,2.50,0,0" for line in (1, 2) for order in (1, 2, 3)]


def names(ports: Ports, bucket: str, prefix: str = "corner-shop/") -> list[str]:
    return [info.ref.name for info in ports.objects.list(bucket, prefix)]


class Outage:
    """Objects that fail to write names with a certain ending."""

    def __init__(self, objects: Objects, ending: str) -> None:
        self._objects, self._ending = objects, ending

    def create(self, bucket: str, name: str) -> AbstractContextManager[ObjectWriter]:
        if name.endswith(self._ending):
            msg = f"{bucket}/{name} cannot be written just now"
            raise Unavailable(msg)
        return self._objects.create(bucket, name)

    def replace(self, bucket: str, name: str, data: bytes, *, if_generation: int | None = None) -> ObjectRef:
        return self._objects.replace(bucket, name, data, if_generation=if_generation)

    def stat(self, bucket: str, name: str) -> ObjectInfo:
        return self._objects.stat(bucket, name)

    def open(self, ref: ObjectRef) -> BinaryIO:
        return self._objects.open(ref)

    def delete(self, ref: ObjectRef) -> None:
        self._objects.delete(ref)

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        return self._objects.list(bucket, prefix)


def test_a_redelivery_returns_the_same_receipt_and_publishes_the_same_event(
    ports: Ports, put: Put, orders: Orders, published: Published
) -> None:
    ref = put(orders(*LINES))
    first = usecases.validate_feed(ports, ref, attempt="one")
    assert usecases.validate_feed(ports, ref, attempt="two") == first
    once, again = published("feed-validated")
    assert once == again
    assert once["files"] == [first.files[0].model_dump()]
    assert len(names(ports, "staging")) == 1


def test_of_two_attempts_at_once_one_receipt_remains_and_no_file_of_the_loser(
    ports: Ports, put: Put, orders: Orders, published: Published
) -> None:
    ref = put(orders(*LINES, "x"))
    barrier, receipts = threading.Barrier(2), []

    def attempt(name: str) -> None:
        barrier.wait()
        receipts.append(usecases.validate_feed(ports, ref, attempt=name))

    threads = [threading.Thread(target=attempt, args=[name]) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert receipts[0] == receipts[1]
    assert len({event["event_id"] for event in published("feed-validated")}) == 1
    assert len(names(ports, "receipts")) == 2  # the receipt and its page
    assert len(names(ports, "rejects")) == 1
    assert names(ports, "staging") == [file.name for file in receipts[0].files]


def test_a_race_lost_at_the_last_moment_takes_the_winners_receipt(ports: Ports, put: Put, orders: Orders) -> None:
    ref = put(orders(*LINES, "x", *[f"9{line}" for line in LINES * 2]))
    winner = usecases.validate_feed(ports, ref, attempt="winner")

    class Late(Outage):
        """Does not see the receipt before it tries to create it."""

        blind = 1

        def stat(self, bucket: str, name: str) -> ObjectInfo:
            if bucket == "receipts" and self.blind:
                self.blind -= 1
                name = f"{name}-not-there-yet"
            return super().stat(bucket, name)

    late = replace(ports, objects=Late(ports.objects, "never"))
    assert usecases.validate_feed(late, ref, attempt="loser") == winner
    buckets = ("staging", "receipts", "rejects")
    assert not [name for bucket in buckets for name in names(ports, bucket) if "loser" in name]


def test_what_a_crash_leaves_behind_is_never_read(ports: Ports, put: Put, orders: Orders, published: Published) -> None:
    ref = put(orders(*LINES))
    with pytest.raises(Unavailable):
        usecases.validate_feed(replace(ports, objects=Outage(ports.objects, "receipt.json")), ref, attempt="crashed")
    assert published("feed-validated") == []
    assert len(names(ports, "staging")) == 1
    assert usecases.load_warehouse(ports) == 0
    usecases.validate_feed(ports, ref, attempt="second")
    assert usecases.load_warehouse(ports) == 1
    (row,) = ports.warehouse.query("select count(*) as lines from feed_orders").to_pylist()
    assert row == {"lines": 6}


def test_an_outage_while_staging_leaves_no_file(ports: Ports, put: Put, orders: Orders) -> None:
    ref = put(orders(*LINES, "broken"))
    with pytest.raises(Unavailable):
        usecases.validate_feed(replace(ports, objects=Outage(ports.objects, ".csv")), ref, attempt="one")
    assert names(ports, "staging") == names(ports, "receipts") == names(ports, "rejects") == []


def test_a_replaced_or_deleted_generation_is_superseded(ports: Ports, put: Put, orders: Orders) -> None:
    old = put(orders(*LINES))
    new = put(orders(*LINES[:2]))
    with pytest.raises(Gone) as caught:
        usecases.validate_feed(ports, old, attempt="one")
    assert caught.value.code == "superseded"
    assert usecases.validate_feed(ports, new, attempt="two").rows == 2
    gone = put(orders(*LINES), file="gone.csv")
    ports.objects.delete(gone)
    with pytest.raises(Gone):
        usecases.validate_feed(ports, gone, attempt="three")


def test_a_receipt_outlives_its_file(ports: Ports, put: Put, orders: Orders) -> None:
    ref = put(orders(*LINES))
    receipt = usecases.validate_feed(ports, ref, attempt="one")
    ports.objects.delete(ref)
    assert usecases.validate_feed(ports, ref, attempt="two") == receipt


@pytest.mark.parametrize(
    ("name", "fault", "code"),
    [
        ("corner-shop/orders/../../x.csv", Malformed, "bad-object-name"),
        ("corner-shop/orders", Malformed, "bad-object-name"),
        ("corner-shop/orders/2017/06.csv", Malformed, "bad-object-name"),
        ("corner-shop/orders/a\nb.csv", Malformed, "bad-object-name"),
        ("corner-shop/prices/06.csv", Unknown, "unknown-feed"),
        ("corner-shop/navigation/06.csv", Unknown, "unknown-feed"),
        ("nobody/orders/06.csv", Unknown, "unknown-retailer"),
    ],
)
def test_a_file_in_a_place_that_means_nothing_is_a_fault(
    ports: Ports, published: Published, name: str, fault: type[Fault], code: str
) -> None:
    with pytest.raises(fault) as caught:
        usecases.validate_feed(ports, ObjectRef("inbox", name, 1), attempt="one")
    assert caught.value.code == code
    assert caught.value.problems
    assert published("feed-validated") == []


def test_a_retailer_without_a_pseudonym_key_is_a_fault(ports: Ports) -> None:
    config = b"{retailer: new-shop, name: New, country: US, currency: USD, feeds: {orders: {}}}"
    ports.objects.replace("config", "retailers/new-shop.yaml", config)
    ref = ports.objects.replace("inbox", "new-shop/orders/x.csv", b"order_id\n")
    with pytest.raises(NotSetUp) as caught:
        usecases.validate_feed(ports, ref, attempt="one")
    assert caught.value.code == "unknown-key"


def test_orders_are_stated_once_each_with_all_their_lines(
    ports: Ports, judge: Judge, orders: Orders, last_event: Callable[[], FeedValidated], published: Published
) -> None:
    judge(orders(*LINES))
    assert usecases.publish_orders(ports, last_event()) == 3
    stated = [event["statement"] for event in published("order-received-bulk")]
    assert [one["order_id"] for one in stated] == ["1", "2", "3"]
    assert [line["line_id"] for line in stated[0]["lines"]] == ["1", "2"]
    assert (stated[0]["door"], stated[0]["scope"]) == ("feed", "some")
    assert stated[0]["stated_at"] == stated[0]["header"]["ordered_at"] == "2017-06-01T14:00:00Z"
    assert stated[0]["lines"][0]["value_minor"] == 250


def test_publishing_again_publishes_the_same(
    ports: Ports, judge: Judge, orders: Orders, last_event: Callable[[], FeedValidated], published: Published
) -> None:
    judge(orders(*LINES, *[f"x{number},1,,s1,2017-06-01T10:00:00,p,1,1,0,0" for number in range(600)]))
    usecases.publish_orders(ports, last_event())
    once = published("order-received-bulk")
    usecases.publish_orders(ports, last_event())
    assert published("order-received-bulk") == once * 2
    assert len({event["event_id"] for event in once}) == len(once) == 603


def test_lines_of_different_versions_are_stated_apart(
    ports: Ports, judge: Judge, orders: Orders, last_event: Callable[[], FeedValidated], published: Published
) -> None:
    header = "order_id,line_id,store_id,ordered_at,product_id,quantity,value,updated_at"
    judge(orders("1,1,s,2017-06-01,p,1,1,2017-06-02", "1,2,s,2017-06-01,p,1,1,2017-06-03", header=header))
    assert usecases.publish_orders(ports, last_event()) == 2
    first, second = published("order-received-bulk")
    assert first["event_id"] != second["event_id"]
    assert first["statement"]["stated_at"] < second["statement"]["stated_at"]


def test_an_order_of_more_lines_than_a_statement_holds_is_stated_in_parts(
    ports: Ports, judge: Judge, orders: Orders, last_event: Callable[[], FeedValidated], published: Published
) -> None:
    judge(orders(*(f"1,{line},,s1,2017-06-01T10:00:00,p,1,1,0,0" for line in range(MAX_LINES + 1))))
    assert usecases.publish_orders(ports, last_event()) == 2
    assert [len(event["statement"]["lines"]) for event in published("order-received-bulk")] == [MAX_LINES, 1]


def test_returns_and_cancellations_are_stated(
    ports: Ports, judge: Judge, last_event: Callable[[], FeedValidated], published: Published
) -> None:
    header = "return_id,order_id,line_id,quantity,value,returned_at,cancelled\n"
    judge(header + "r1,1,2,1,2.50,2017-06-02T09:00,no\nr2,2,,,,2017-06-02T09:00,yes\n", "returns")
    assert usecases.publish_orders(ports, last_event()) == 2
    returned, cancelled = (event["statement"] for event in published("order-received-bulk"))
    assert returned["returns"] == [{"return_id": "r1", "line_id": "2", "quantity": 1, "value_minor": 250}]
    assert (returned["cancelled_at"], cancelled["returns"]) == (None, [])
    assert cancelled["cancelled_at"] == "2017-06-02T13:00:00Z"


def test_shoppers_are_stated_with_their_consents_under_a_pseudonym(
    ports: Ports, judge: Judge, last_event: Callable[[], FeedValidated], published: Published
) -> None:
    header = "shopper_id,registered_at,consent_profile,consent_ads,consent_partner,consented_at,loyalty_tier\n"
    judge(header + "4711,2016-01-01,yes,no,1,2017-06-01,gold\n", "shoppers")
    assert usecases.publish_shoppers(ports, last_event()) == 1
    (event,) = published("shopper-received")
    assert "4711" not in json.dumps(event)
    assert (event["loyalty_tier"], event["registered_at"]) == ("gold", "2016-01-01T00:00:00Z")
    assert [(one["purpose"], one["granted"]) for one in event["consents"]] == [
        ("profile", True),
        ("ads", False),
        ("partner", True),
    ]


def test_a_household_of_an_order_line_is_stated_under_a_pseudonym_of_its_own(
    ports: Ports, judge: Judge, last_event: Callable[[], FeedValidated], published: Published
) -> None:
    header = "order_id,line_id,shopper_id,household_id,store_id,ordered_at,product_id,quantity,value\n"
    judge(header + "1,1,4711,4711,s1,2017-06-01T10:00:00,p1,1,2.50\n1,2,4711,4711,s1,2017-06-01T10:00:00,p2,1,2.50\n")
    assert usecases.publish_orders(ports, last_event()) == 1
    (event,) = published("order-received-bulk")
    stated = event["statement"]["header"]
    key = ports.keys.get("pseudonym-corner-shop").material
    assert stated["household"] == pseudonym(key, "corner-shop", "4711", HOUSEHOLD) != stated["shopper"]
    assert "4711" not in json.dumps(event)


def test_every_feed_is_left_alone_by_who_does_not_read_it(
    ports: Ports, judge: Judge, orders: Orders, last_event: Callable[[], FeedValidated]
) -> None:
    judge(orders(*LINES))
    assert usecases.publish_shoppers(ports, last_event()) == 0
    judge("product_id\np1\n", "products")
    assert usecases.publish_orders(ports, last_event()) == 0


def test_nothing_of_a_quarantined_file_is_published_or_loaded(
    ports: Ports, judge: Judge, orders: Orders, last_event: Callable[[], FeedValidated]
) -> None:
    judge(orders(*LINES, "broken"))
    assert last_event().verdict == "quarantined"
    assert usecases.publish_orders(ports, last_event()) == 0
    assert usecases.load_warehouse(ports) == 0


def test_a_staged_file_that_is_gone_is_a_fault(
    ports: Ports, judge: Judge, orders: Orders, last_event: Callable[[], FeedValidated]
) -> None:
    (file,) = judge(orders(*LINES)).files
    ports.objects.delete(ObjectRef(file.bucket, file.name, file.generation))
    with pytest.raises(Gone) as caught:
        usecases.publish_orders(ports, last_event())
    assert caught.value.code == "staged-file-gone"


def test_a_staged_file_that_is_gone_keeps_no_other_out_of_the_warehouse(
    ports: Ports, judge: Judge, orders: Orders
) -> None:
    (lost,) = judge(orders(*LINES)).files
    judge(orders("9,1,,s1,2017-06-01T10:00:00,p,1,1,0,0"), file="next.csv")
    judge("product_id,name\np1,Milk\n", "products")
    ports.objects.delete(ObjectRef(lost.bucket, lost.name, lost.generation))
    for _ in range(2):
        with pytest.raises(Gone) as caught:
            usecases.load_warehouse(ports)
        assert [problem.found for problem in caught.value.problems] == [lost.name]
    for table in ("feed_orders", "feed_products"):
        assert ports.warehouse.query(f"select count(*) as n from {table}").to_pylist() == [{"n": 1}]  # noqa: S608 (our own name)


def test_loading_again_changes_nothing_and_new_files_are_found(ports: Ports, judge: Judge, orders: Orders) -> None:
    judge(orders(*LINES))
    judge("product_id,name\np1,Milk\n", "products")
    assert [usecases.load_warehouse(ports), usecases.load_warehouse(ports)] == [2, 0]
    judge(orders("9,1,,s1,2017-06-01T10:00:00,p,1,1,0,0"), file="next.csv")
    assert usecases.load_warehouse(ports) == 1
    (row,) = ports.warehouse.query("select count(*) as n, sum(value_minor)::bigint as v from feed_orders").to_pylist()
    assert row == {"n": 7, "v": 6 * 250 + 100}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_that_cannot_be_judged_in_time_is_refused_at_once(
    ports: Ports, put: Put, orders: Orders, published: Published, pack: Callable[[bytes], bytes]
) -> None:
    data = pack(orders(*LINES).encode())
    size = len(data) * (1 if pack is bytes else SHRINKS)
    enough = size / BYTES_PER_SECOND
    receipt = usecases.validate_feed(ports, put(data, file="late.csv"), attempt="one", seconds=enough * 0.99)
    assert [(error.code, error.count) for error in receipt.errors] == [("split-this-file", 1)]
    assert (receipt.verdict, receipt.rows, receipt.bytes, receipt.files) == ("quarantined", 0, 0, ())
    assert published("feed-validated")[-1]["verdict"] == "quarantined"
    assert usecases.validate_feed(ports, put(data), attempt="two", seconds=enough).verdict == "accepted"


class Hurrying:
    """A clock of which every look takes some seconds."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._now, self._each = clock.now(), timedelta(seconds=seconds)

    def now(self) -> datetime:
        self._now += self._each
        return self._now


def test_a_file_whose_rows_take_too_long_has_a_receipt_that_says_so_and_counts_right(
    ports: Ports, put: Put, orders: Orders
) -> None:
    lines = [f"{number // 2},1,42,s1,2017-06-01T10:00:00,p1,1,2.50,0,0" for number in range(200_000)]
    data = orders(*lines)
    slow = replace(ports, clock=Hurrying(ports.clock, 100))
    receipt = usecases.validate_feed(slow, put(data), attempt="one")
    assert [error.code for error in receipt.errors] == ["split-this-file"]
    assert (receipt.verdict, receipt.files) == ("quarantined", ())
    assert 0 <= receipt.rows < len(lines)
    assert (receipt.bytes, receipt.sha256) == (len(data), hashlib.sha256(data.encode()).hexdigest())
    assert usecases.validate_feed(ports, put(data, file="again.csv"), attempt="two").rows == len(lines)


def test_a_file_that_is_read_twice_up_to_a_fault_is_digested_once(judge: Judge, orders: Orders) -> None:
    data = orders(LINES[0], LINES[0]).encode() + b"\xff\n" + LINES[1].encode() * 100_000
    receipt = judge(data)
    assert (receipt.rows, receipt.accepted, receipt.duplicates) == (2, 1, 1)
    assert (receipt.bytes, receipt.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_the_function_has_the_seconds_that_its_manifest_states() -> None:
    folder = Path(__file__).resolve().parents[3] / "functions"
    stated = read_manifests(folder)["validate_feed"].sizing.timeout
    assert f"\nSECONDS = {stated}\n" in (folder / "validate_feed" / "main.py").read_text(encoding="utf-8")
