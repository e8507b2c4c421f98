"""The receipt is the commit: whatever call fails, whoever is killed, one result and no file that no receipt names."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pyarrow.parquet as pq
import pytest

from tombola.adapters.embedded.topics import EmbeddedTopics
from tombola.errors import Gone
from tombola.feeds import usecases
from tombola.feeds.events import FeedValidated, FileRef
from tombola.feeds.receipts import Receipt
from tombola.ports import Ports
from tombola.ports.objects import ObjectRef, Objects
from tombola.runtime.outbox import PublishingDocuments, relay

if TYPE_CHECKING:
    from tombola.ports.documents import Documents
    from tombola.ports.topics import Topics
    from tombola.ports.warehouse import Warehouse

HEADER = "order_id,line_id,shopper_id,store_id,ordered_at,product_id,quantity,value,discount,coupon"
LINES = [f"{order},{line},42,s1,2017-06-01T10:00:00,p{line},1,2.50,0,0" for line in (1, 2) for order in range(12)]
FILE = "\n".join([HEADER, *LINES, "broken", LINES[0], ""]).encode()
NAME = "corner-shop/orders/june.csv"
PublishedIn = Callable[[Ports, str], list[dict[str, Any]]]
NO_END = 10**9
A_MOMENT_AGO = timedelta(seconds=-1)
"""The clock of these tests stands still."""


class Killed(BaseException):
    """The process is no more: nothing that would still run in it has any effect."""


class Fate:
    """Lets a process live for so many calls of its ports, and no longer."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def meet(self) -> None:
        """Live on for a call, or die before it."""
        self.left -= 1
        if self.left < 0:
            raise Killed


class Mortal:
    """A port, or a writer, whose every call meets its fate."""

    def __init__(self, port: object, fate: Fate) -> None:
        self._port, self._fate = port, fate

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401, D105 (whatever the port can)
        found = getattr(self._port, name)

        def call(*arguments: object, **named: object) -> object:
            self._fate.meet()
            return found(*arguments, **named)

        return call if callable(found) else found

    @contextmanager
    def create(self, bucket: str, name: str) -> Iterator["Mortal"]:
        """Write an object: opening, every piece, and the end are calls of their own."""
        self._fate.meet()
        with cast("Objects", self._port).create(bucket, name) as writer:
            yield Mortal(writer, self._fate)
            self._fate.meet()


def mortal(ports: Ports, fate: Fate) -> Ports:
    """Return ports of a process of this fate; between a commit and the publishing of its events it may end too."""
    assert isinstance(ports.documents, PublishingDocuments)
    topics = cast("Topics", Mortal(ports.topics, fate))
    return replace(
        ports,
        objects=cast("Objects", Mortal(ports.objects, fate)),
        topics=topics,
        documents=PublishingDocuments(cast("Documents", Mortal(ports.documents.documents, fate)), topics),
        warehouse=cast("Warehouse", Mortal(ports.warehouse, fate)),
    )


class Reading:
    """Objects that remember which staged files were read."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.staged: set[tuple[str, int]] = set()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401, D105 (whatever objects can)
        return getattr(self._objects, name)

    def open(self, ref: ObjectRef) -> BinaryIO:
        if ref.bucket == "staging":
            self.staged.add((ref.name, ref.generation))
        return self._objects.open(ref)


def run(ports: Ports, ref: ObjectRef, attempt: str, published: Callable[[str], list[dict[str, Any]]]) -> None:
    """Take a file in, and do everything that comes of it."""
    usecases.validate_feed(ports, ref, attempt=attempt)
    usecases.publish_orders(ports, FeedValidated.model_validate(published("feed-validated")[-1]))
    usecases.load_warehouse(ports)


def result(ports: Ports, published_in: PublishedIn) -> dict[str, Any]:
    """Return all there is to see in the end, but for the names of attempts."""
    (receipt,) = receipts(ports)
    of_attempts = {"seconds", "files", "rejected_file", "signature", "started_at", "generation", "receipt", "page"}
    return {
        "receipt": receipt.model_dump(exclude=of_attempts),
        "stated": stated(ports, published_in),
        "rows": [row for file in receipt.files for row in staged_rows(ports, file)],
        "loaded": ports.warehouse.loaded("feed_orders") == {(file.name, file.generation) for file in receipt.files},
        "said": len({event["event_id"] for event in published_in(ports, "feed-validated")}),
        "notes": [info.ref.name for info in ports.objects.list("staging", "_unloaded/")],
    }


def stated(ports: Ports, published_in: PublishedIn) -> list[str]:
    """Return what was stated, once per event."""
    found = {event["event_id"]: event["statement"] for event in published_in(ports, "order-received-bulk")}
    return sorted(json.dumps(one, sort_keys=True) for one in found.values())


def receipts(ports: Ports) -> list[Receipt]:
    return [
        Receipt.model_validate_json(read(ports, info.ref))
        for info in ports.objects.list("receipts")
        if info.ref.name.endswith("/receipt.json")
    ]


def staged_rows(ports: Ports, file: FileRef) -> list[dict[str, Any]]:
    table = pq.read_table(io.BytesIO(read(ports, ref_of(file)))).drop_columns("stated_at")
    return list(table.to_pylist())


def ref_of(file: FileRef) -> ObjectRef:
    return ObjectRef(file.bucket, file.name, file.generation)


def read(ports: Ports, ref: ObjectRef) -> bytes:
    with ports.objects.open(ref) as stream:
        return stream.read()


def of_every_death(once: Callable[[int, Callable[[Ports], Ports]], Any]) -> list[Any]:
    """Return what `once` returns of an undisturbed process, then of one killed at its first call, its second, ...

    `once` is given a number and what makes ports mortal. The last one lives to the end.
    """
    fates = [Fate(NO_END)]
    found = [once(NO_END, lambda ports: mortal(ports, fates[-1]))]
    while len(fates) == 1 or fates[-1].left < 0:
        fates.append(Fate(len(fates) - 1))
        found.append(once(len(fates), lambda ports: mortal(ports, fates[-1])))
    return found


def test_killed_at_any_call_and_delivered_again_a_file_has_one_result(
    ports_in: Callable[[Path], Ports], published_in: PublishedIn, tmp_path: Path
) -> None:
    def once(number: int, doomed: Callable[[Ports], Ports]) -> dict[str, Any]:
        ports = ports_in(tmp_path / f"home-{number}")
        ref = ports.objects.replace("inbox", NAME, FILE)
        with suppress(Killed):
            run(doomed(ports), ref, "first", partial(published_in, ports))
        reading = Reading(ports.objects)
        run(replace(ports, objects=reading), ref, "second", partial(published_in, ports))
        assert reading.staged <= {(file.name, file.generation) for one in receipts(ports) for file in one.files}
        return result(ports, published_in)

    expected, *found = of_every_death(once)
    assert [number for number, one in enumerate(found) if one != expected] == []
    assert len(found) > 30
    assert (len(expected["rows"]), len(expected["stated"]), expected["said"]) == (24, 12, 1)
    assert (expected["loaded"], expected["notes"]) == (True, [])


def in_small_groups(ports: Ports, receipt: Receipt) -> FeedValidated:
    """Return what is said of a file whose staged rows lie in groups of five."""
    (file,) = receipt.files
    grouped = io.BytesIO()
    pq.write_table(pq.read_table(io.BytesIO(read(ports, ref_of(file)))), grouped, row_group_size=5)
    ref = ports.objects.replace("staging", file.name, grouped.getvalue())
    files = (file.model_copy(update={"generation": ref.generation}),)
    said = receipt.model_dump(include={"retailer", "feed", "receipt", "verdict"})
    return FeedValidated(event_id="first", files=files, **said)


def pass_on(ports: Ports, doomed: Ports, event: FeedValidated) -> None:
    """Deliver `feed-validated` until nothing is left, first to a process that may be killed; then it comes again."""
    topics, processes = ports.topics, [doomed]
    assert isinstance(topics, EmbeddedTopics)
    topics.publish("feed-validated", [event.outbound().message])
    while leased := topics.lease("test-feed-validated", 1):
        try:
            usecases.publish_orders(processes[-1], FeedValidated.model_validate_json(leased[0].data))
            topics.acknowledge([leased[0].id])
        except Killed:
            processes.append(ports)
            topics.release_all()
        relay(ports, A_MOMENT_AGO)


def test_killed_at_any_call_and_delivered_again_a_large_file_is_passed_on_whole(
    ports_in: Callable[[Path], Ports], published_in: PublishedIn, tmp_path: Path
) -> None:
    def once(number: int, doomed: Callable[[Ports], Ports]) -> list[str]:
        ports = ports_in(tmp_path / f"home-{number}")
        receipt = usecases.validate_feed(ports, ports.objects.replace("inbox", NAME, FILE), attempt="one")
        assert isinstance(ports.topics, EmbeddedTopics)
        ports.topics.acknowledge(one.id for one in ports.topics.lease("test-feed-validated", 9))
        pass_on(ports, doomed(ports), in_small_groups(ports, receipt))
        return stated(ports, published_in)

    expected, *found = of_every_death(once)
    assert [number for number, one in enumerate(found) if one != expected] == []
    assert (len(expected), len(found) > 30) == (24, True)  # a slice of five lines holds each order once


PROCESS = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from tombola.adapters.embedded.clock import ReplayClock
from tombola.feeds import usecases
from tombola.ports.objects import ObjectRef
from tombola.runtime import wiring
from tombola.runtime.settings import Settings

home, attempt = Path(sys.argv[1]), sys.argv[2]
ports = wiring.build(Settings(home=home))
print("ready", flush=True)
sys.stdin.readline()
for info in ports.objects.list("inbox"):
    receipt = usecases.validate_feed(ports, info.ref, attempt=attempt)
    print(receipt.model_dump_json(), flush=True)
usecases.load_warehouse(ports)
"""


def test_two_processes_at_once_on_the_same_files_give_one_receipt_each(ports: Ports, tmp_path: Path) -> None:
    for number in range(8):
        ports.objects.replace("inbox", f"corner-shop/orders/{number}.csv", FILE.replace(b"\n1", b"\n%d1" % number))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path / "home"), attempt],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for attempt in ("one", "two")
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    one, two = (process.communicate(timeout=120)[0].splitlines() for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    assert len(one) == 8
    assert one == two
    kept = {file.name for receipt in receipts(ports) for file in receipt.files}
    assert {info.ref.name for info in ports.objects.list("staging")} == kept
    (row,) = ports.warehouse.query(
        "select count(*) as n, count(distinct (order_id, line_id)) as d from feed_orders"
    ).to_pylist()
    assert row["n"] == row["d"]


def test_a_generation_written_over_while_it_is_read_is_superseded_and_leaves_nothing(
    ports: Ports, tmp_path: Path
) -> None:
    path = tmp_path / "home" / "inbox" / NAME
    old = ports.objects.replace("inbox", NAME, FILE)

    class Overwritten(Reading):
        """Objects whose file is written over once it is open."""

        def open(self, ref: ObjectRef) -> BinaryIO:
            stream = super().open(ref)
            if ref == old:
                path.write_bytes(FILE.replace(b"2.50", b"9.99"))
                later = datetime.now(UTC).timestamp() + 5
                os.utime(path, (later, later))
            return stream

    changing = replace(ports, objects=Overwritten(ports.objects))
    with pytest.raises(Gone) as caught:
        usecases.validate_feed(changing, old, attempt="one")
    assert caught.value.code == "superseded"
    assert receipts(ports) == []
    assert list(ports.objects.list("staging")) == []
    new = ports.objects.stat("inbox", NAME).ref
    usecases.validate_feed(ports, new, attempt="two")
    usecases.load_warehouse(ports)
    (row,) = ports.warehouse.query("select distinct value_minor from feed_orders").to_pylist()
    assert row == {"value_minor": 999}
