"""Loading: every receipt's files once, whatever crashes or runs twice, at a cost of what is new."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tombola.feeds import usecases
from tombola.feeds.events import FileRef
from tombola.feeds.receipts import Receipt
from tombola.ports import Ports
from tombola.ports.errors import Unavailable
from tombola.ports.objects import ObjectInfo, ObjectRef, Objects
from tombola.ports.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

Judge = Callable[..., Receipt]
Orders = Callable[..., str]
LINE = "{0},1,42,s1,2017-06-01T10:00:00,p1,1,2.50,0,0"


def rows(ports: Ports) -> int:
    (row,) = ports.warehouse.query("select count(*) as n from feed_orders").to_pylist()
    return int(row["n"])


class Dying:
    """Objects whose process dies when the first note is to be taken away."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401, D105 (whatever objects can)
        return getattr(self._objects, name)

    def delete(self, ref: ObjectRef) -> None:
        msg = f"dead before {ref.name} was deleted"
        raise Unavailable(msg)


class Asked:
    """Objects and a warehouse that remember what they are asked for."""

    def __init__(self, objects: Objects, warehouse: Warehouse) -> None:
        self._objects, self._warehouse = objects, warehouse
        self.listed: list[str] = []
        self.stats = 0
        self.loads: list[int] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401, D105 (whatever objects can)
        return getattr(self._objects, name)

    def stat(self, bucket: str, name: str) -> ObjectInfo:
        self.stats += 1
        return self._objects.stat(bucket, name)

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        for info in self._objects.list(bucket, prefix):
            self.listed.append(info.ref.name)
            yield info

    def load(self, table: str, sources: Sequence[ObjectRef]) -> None:
        self.loads.append(len(sources))
        self._warehouse.load(table, sources)

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> "pa.Table":
        return self._warehouse.query(sql, parameters)


def test_a_crash_between_the_load_and_the_mark_loads_nothing_twice(ports: Ports, judge: Judge, orders: Orders) -> None:
    judge(orders(LINE.format(1), LINE.format(2)))
    with pytest.raises(Unavailable):
        usecases.load_warehouse(replace(ports, objects=Dying(ports.objects)))
    assert rows(ports) == 2
    assert [usecases.load_warehouse(ports), usecases.load_warehouse(ports)] == [1, 0]
    assert rows(ports) == 2


def test_two_at_once_load_every_file_once(ports: Ports, judge: Judge, orders: Orders) -> None:
    for number in range(12):
        judge(orders(LINE.format(number)), file=f"{number}.csv")
    barrier = threading.Barrier(2)
    failed: list[BaseException] = []

    def load() -> None:
        barrier.wait()
        try:
            usecases.load_warehouse(ports)
        except BaseException as error:  # noqa: BLE001 (looked at by the test)
            failed.append(error)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert rows(ports) == 12
    assert usecases.load_warehouse(ports) == 0


def copied(ports: Ports, receipt: Receipt, number: int) -> None:
    """Give one receipt more, for a copy of the same staged file, as the intake would have left it."""
    folder = f"corner-shop/orders/copy-{number:04}"
    (file,) = receipt.files
    with ports.objects.open(ObjectRef(file.bucket, file.name, file.generation)) as stream:
        ref = ports.objects.replace("staging", f"{folder}/a.parquet", stream.read())
    files = (FileRef(bucket=ref.bucket, name=ref.name, generation=ref.generation, rows=file.rows),)
    more = receipt.model_copy(update={"receipt": f"{folder}/receipt.json", "files": files})
    ports.objects.replace("receipts", more.receipt, more.model_dump_json().encode())
    ports.objects.replace("staging", f"_unloaded/{folder}", b"")


def test_a_thousand_receipts_are_loaded_in_one_job_of_their_kind(ports: Ports, judge: Judge, orders: Orders) -> None:
    receipt = judge(orders(LINE.format(1)))
    judge("product_id\np1\n", "products")
    for number in range(999):
        copied(ports, receipt, number)
    asked = Asked(ports.objects, ports.warehouse)
    assert usecases.load_warehouse(replace(ports, objects=asked, warehouse=asked)) == 1_001
    assert sorted(asked.loads) == [1, 1_000]
    assert rows(ports) == 1


def test_what_a_run_costs_depends_on_what_is_new_alone(ports: Ports, judge: Judge, orders: Orders) -> None:
    def cost() -> tuple[int, int, int]:
        asked = Asked(ports.objects, ports.warehouse)
        assert usecases.load_warehouse(replace(ports, objects=asked, warehouse=asked)) == 1
        return len(asked.listed), asked.stats, len(asked.loads)

    receipt = judge(orders(LINE.format(1)))
    first = cost()
    for number in range(50):
        copied(ports, receipt, number)
    usecases.load_warehouse(ports)
    judge(orders(LINE.format(2)), file="next.csv")
    assert cost() == first


def test_a_file_judged_again_after_it_was_loaded_is_loaded_once(
    ports: Ports, put: Callable[..., ObjectRef], orders: Orders
) -> None:
    ref = put(orders(LINE.format(1)))
    usecases.validate_feed(ports, ref, attempt="one")
    usecases.load_warehouse(ports)
    usecases.validate_feed(ports, ref, attempt="two")
    usecases.load_warehouse(ports)
    assert rows(ports) == 1
    assert list(ports.objects.list("staging", "_unloaded/")) == []
