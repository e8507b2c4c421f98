"""The warehouse of one machine: odd homes, connections, and what a kill leaves behind."""

import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tombola.adapters.embedded.objects import EmbeddedObjects
from tombola.adapters.embedded.warehouse import EmbeddedWarehouse
from tombola.ports.objects import ObjectRef, Objects

TABLES = {"feed_lines": pa.schema([("line", pa.int64())])}


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return EmbeddedObjects(tmp_path)


def lines(objects: Objects, name: str, *numbers: int) -> ObjectRef:
    stream = io.BytesIO()
    pq.write_table(pa.table({"line": pa.array(numbers, pa.int64())}), stream)
    return objects.replace("staging", name, stream.getvalue())


def count(warehouse: EmbeddedWarehouse) -> int:
    (row,) = warehouse.query("SELECT count(*) AS n FROM feed_lines").to_pylist()
    return int(row["n"])


@pytest.mark.parametrize("home", [Path("relative"), Path("it's [a] *home*")])
def test_a_home_with_a_relative_path_or_odd_characters_is_read(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    objects = EmbeddedObjects(home)
    warehouse = EmbeddedWarehouse(home, objects, tables=TABLES)
    warehouse.load("feed_lines", [lines(objects, "a", 1)])
    assert count(warehouse) == 1


def test_a_connection_has_every_table_as_a_view(tmp_path: Path, objects: Objects) -> None:
    warehouse = EmbeddedWarehouse(tmp_path, objects, tables=TABLES)
    with warehouse.connect() as connection:
        found = connection.sql("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1").fetchall()
    assert [name for (name,) in found] == sorted([*TABLES, "order_recorded", "play_changed", "proposal_made"])


LOAD_UNTIL_KILLED = """
import io
import pyarrow as pa
import pyarrow.parquet as pq
from tombola.adapters.embedded.objects import EmbeddedObjects
from tombola.adapters.embedded.warehouse import EmbeddedWarehouse
objects = EmbeddedObjects(HOME)
warehouse = EmbeddedWarehouse(HOME, objects, tables={"feed_lines": pa.schema([("line", pa.int64())])})
stream = io.BytesIO()
pq.write_table(pa.table({"line": [1, 2]}), stream)
number = 0
while True:
    refs = [objects.replace("staging", f"{number}/{side}", stream.getvalue()) for side in "abc"]
    warehouse.load("feed_lines", refs)
    print(number, flush=True)
    number += 1
"""


def test_a_killed_load_is_seen_whole_or_not_at_all(
    tmp_path: Path, objects: Objects, kill_after: Callable[[str, int], list[str]]
) -> None:
    reported = len(kill_after(LOAD_UNTIL_KILLED, 30))
    warehouse = EmbeddedWarehouse(tmp_path, objects, tables=TABLES)
    seen = count(warehouse)
    assert seen % 6 == 0
    assert seen >= 6 * reported
    assert len(warehouse.loaded("feed_lines")) == seen // 2
