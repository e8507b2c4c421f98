"""Warehouse: loaded once, whole or not at all, read as one row per key."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tombola.adapters.embedded.objects import EmbeddedObjects
from tombola.adapters.embedded.warehouse import EmbeddedWarehouse
from tombola.ports.errors import NotFound, Refused
from tombola.ports.objects import ObjectRef, Objects
from tombola.ports.warehouse import Warehouse

SCHEMA = pa.schema(
    [
        ("product_id", pa.string()),
        ("brand", pa.string()),
        ("seen_at", pa.timestamp("us", tz="UTC")),
        ("cents", pa.int64()),
    ]
)
TABLES = {"feed_products": SCHEMA, "feed_lines": pa.schema([("line", pa.int64())])}
KEYS = {"feed_products": ("product_id",)}
AT = datetime(2017, 6, 15, 12, 0, 0, 123456, tzinfo=UTC)
Race = Callable[[int, Callable[[int], object]], list[object]]


@pytest.fixture
def both(request: pytest.FixtureRequest, adapters: str, tmp_path: Path) -> tuple[Objects, Warehouse]:
    """Return a warehouse, and objects that it loads from."""
    if adapters == "google":
        made: Callable[..., tuple[Objects, Warehouse]] = request.getfixturevalue("google_warehouse")
        return made(TABLES, KEYS)
    objects = EmbeddedObjects(tmp_path)
    return objects, EmbeddedWarehouse(tmp_path, objects, tables=TABLES, keys=KEYS)


@pytest.fixture
def objects(both: tuple[Objects, Warehouse]) -> Objects:
    return both[0]


@pytest.fixture
def warehouse(both: tuple[Objects, Warehouse]) -> Warehouse:
    return both[1]


def staged(objects: Objects, name: str, table: pa.Table) -> ObjectRef:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return objects.replace("staging", name, stream.getvalue())


def products(objects: Objects, name: str, **brands: str) -> ObjectRef:
    rows = [{"product_id": key, "brand": brand, "seen_at": AT, "cents": 100} for key, brand in brands.items()]
    return staged(objects, name, pa.Table.from_pylist(rows, SCHEMA))


def lines(objects: Objects, name: str, *numbers: int) -> ObjectRef:
    return staged(objects, name, pa.table({"line": pa.array(numbers, pa.int64())}))


def brands(warehouse: Warehouse) -> dict[str, str]:
    rows = warehouse.query("SELECT product_id, brand FROM feed_products").to_pylist()
    assert len({row["product_id"] for row in rows}) == len(rows)
    return {row["product_id"]: row["brand"] for row in rows}


def count(warehouse: Warehouse, table: str) -> int:
    (row,) = warehouse.query(f"SELECT count(*) AS n FROM {table}").to_pylist()  # noqa: S608 (ours)
    return int(row["n"])


# Loading


def test_a_table_without_data_is_empty_and_has_its_schema(warehouse: Warehouse) -> None:
    found = warehouse.query("SELECT * FROM feed_products")
    assert (found.num_rows, found.schema) == (0, SCHEMA)
    assert warehouse.query("SELECT * FROM order_recorded").column_names == ["event_id", "published_at", "type", "body"]
    assert warehouse.loaded("feed_products") == set()


def test_rows_come_back_as_they_were_staged(warehouse: Warehouse, objects: Objects) -> None:
    ref = products(objects, "a.parquet", p1="Bär")
    warehouse.load("feed_products", [ref])
    row = {"product_id": "p1", "brand": "Bär", "seen_at": AT, "cents": 100}
    assert warehouse.query("SELECT * FROM feed_products").to_pylist() == [row]
    assert warehouse.loaded("feed_products") == {("a.parquet", ref.generation)}


def test_a_source_loaded_twice_is_there_once(warehouse: Warehouse, objects: Objects) -> None:
    first, second = lines(objects, "a", 1, 2), lines(objects, "b", 3)
    warehouse.load("feed_lines", [first])
    warehouse.load("feed_lines", [first, second, second])
    warehouse.load("feed_lines", [])
    assert count(warehouse, "feed_lines") == 3
    assert warehouse.loaded("feed_lines") == {("a", first.generation), ("b", second.generation)}


def test_a_source_outlives_its_staged_object(warehouse: Warehouse, objects: Objects) -> None:
    ref = lines(objects, "a", 1)
    warehouse.load("feed_lines", [ref])
    objects.delete(ref)
    warehouse.load("feed_lines", [ref])
    assert count(warehouse, "feed_lines") == 1


def test_a_load_with_a_missing_source_loads_none(warehouse: Warehouse, objects: Objects) -> None:
    good, gone = lines(objects, "a", 1), lines(objects, "b", 2)
    objects.replace("staging", "b", b"newer")
    with pytest.raises(NotFound, match="superseded"):
        warehouse.load("feed_lines", [good, gone])
    assert count(warehouse, "feed_lines") == 0
    assert warehouse.loaded("feed_lines") == set()
    warehouse.load("feed_lines", [good])
    assert count(warehouse, "feed_lines") == 1


def test_a_source_that_is_no_such_table_is_refused_and_loads_none(warehouse: Warehouse, objects: Objects) -> None:
    good = lines(objects, "good", 1)
    for bad, said in [
        (objects.replace("staging", "csv", b"line\n1\n"), "source csv is no Parquet file"),
        (staged(objects, "text", pa.table({"line": ["1"]})), "line: found string, expected int64"),
        (staged(objects, "other", pa.table({"row": [1]})), "line: found nothing, expected int64"),
    ]:
        with pytest.raises(Refused) as refused:
            warehouse.load("feed_lines", [good, bad])
        assert said in str(refused.value)
    assert count(warehouse, "feed_lines") == 0


def test_text_laid_out_otherwise_and_columns_too_many_are_fine(warehouse: Warehouse, objects: Objects) -> None:
    table = pa.table(
        {
            "extra": pa.array([1.5]),
            "cents": pa.array([100], pa.int64()),
            "brand": pa.array(["b"]).dictionary_encode(),
            "product_id": pa.array(["p"], pa.large_string()),
            "seen_at": pa.array([AT], pa.timestamp("us", tz="UTC")),
        }
    )
    warehouse.load("feed_products", [staged(objects, "a", table)])
    assert warehouse.query("SELECT * FROM feed_products").schema == SCHEMA
    assert brands(warehouse) == {"p": "b"}


def test_readers_see_the_row_of_the_newest_source_whatever_was_loaded_last(
    warehouse: Warehouse, objects: Objects
) -> None:
    old = products(objects, "z", p1="old", p2="old")
    new = products(objects, "a", p1="new", p3="new")
    warehouse.load("feed_products", [new])
    warehouse.load("feed_products", [old])
    assert brands(warehouse) == {"p1": "new", "p2": "old", "p3": "new"}


def test_of_two_rows_in_one_source_the_later_stands(warehouse: Warehouse, objects: Objects) -> None:
    rows = [{"product_id": "p", "brand": brand, "seen_at": AT, "cents": 1} for brand in ("first", "second")]
    warehouse.load("feed_products", [staged(objects, "a", pa.Table.from_pylist(rows, SCHEMA))])
    assert brands(warehouse) == {"p": "second"}


def test_loads_at_the_same_time_lose_and_double_nothing(warehouse: Warehouse, objects: Objects, race: Race) -> None:
    refs = [lines(objects, str(number), number) for number in range(6)]
    outcomes = race(4, lambda number: warehouse.load("feed_lines", refs[number : number + 3]))
    assert outcomes == [None] * 4
    assert count(warehouse, "feed_lines") == 6


# Events


def event(event_id: str, **other: Any) -> dict[str, Any]:  # noqa: ANN401 (any field)
    return {"event_id": event_id, "published_at": AT, "type": "order-recorded", "body": '{"a":1}'} | other


def test_events_are_appended_once_per_batch_and_read_once_per_event(warehouse: Warehouse) -> None:
    warehouse.append("order_recorded", "batch/1", [event("a"), event("b")])
    warehouse.append("order_recorded", "batch/1", [event("a"), event("b")])
    warehouse.append("order_recorded", "batch/2", [event("b", published_at=AT.replace(year=2018)), event("c")])
    warehouse.append("order_recorded", "batch/3", [])
    found = warehouse.query("SELECT * FROM order_recorded ORDER BY event_id").to_pylist()
    assert found == [event("a"), event("b"), event("c")]
    assert count(warehouse, "play_changed") == 0


@pytest.mark.parametrize(
    "row",
    [
        {"event_id": "a"},
        event("a", extra=1),
        event("a", body=b"{}"),
        event("a", body=None),
        event("a", published_at=datetime(2017, 1, 1)),  # noqa: DTZ001 (that is the point)
    ],
)
def test_an_event_of_another_shape_is_refused_with_its_batch(warehouse: Warehouse, row: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="expected event_id, type and body as text and published_at as an aware instant"):
        warehouse.append("order_recorded", "batch", [event("fine"), row])
    assert count(warehouse, "order_recorded") == 0


def test_tables_nobody_declared_are_not_found(warehouse: Warehouse, objects: Objects) -> None:
    ref = lines(objects, "a", 1)
    for ask in (
        lambda: warehouse.load("feed_wishes", [ref]),
        lambda: warehouse.load("order_recorded", [ref]),
        lambda: warehouse.loaded("../inbox"),
        lambda: warehouse.append("feed_lines", "b", [event("a")]),
    ):
        with pytest.raises(NotFound, match="unknown table"):
            ask()


# Queries


def test_parameters_are_values_never_words_of_the_statement(warehouse: Warehouse, objects: Objects) -> None:
    warehouse.load("feed_products", [products(objects, "a", p1="x' OR 1=1 --", p2="y")])
    found = warehouse.query(
        "SELECT product_id FROM feed_products WHERE brand = $brand AND seen_at = $at",
        {"brand": "x' OR 1=1 --", "at": AT},
    )
    assert found.to_pylist() == [{"product_id": "p1"}]


@pytest.mark.parametrize(
    "sql",
    [
        "SELEC",
        "",
        "SELECT * FROM wishes",
        "SELECT $missing",
        "SELECT 1; SELECT 2",
        "CREATE TABLE feed_lines AS SELECT 1",
        "INSERT INTO order_recorded SELECT 1",
        "COPY (SELECT 1) TO '/tmp/stolen.csv'",
        "SET enable_external_access = true",
        "ATTACH '/tmp/x.duckdb'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
    ],
)
def test_a_statement_that_does_not_read_our_tables_is_refused(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(Refused):
        warehouse.query(sql)


def test_a_statement_does_not_see_its_callers_variables(warehouse: Warehouse) -> None:
    stolen = pa.table({"a": [1]})
    with pytest.raises(Refused, match="stolen does not exist"):
        warehouse.query("SELECT * FROM stolen")
    assert stolen.num_rows == 1
