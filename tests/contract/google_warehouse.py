"""BigQuery's stand-in for the contract of a warehouse: one process for all tests, a dataset for each."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tombola.adapters.google.warehouse import GoogleWarehouse
from tombola.local.emulators.bigquery import bigquery, create_tables
from tombola.local.emulators.running import Running
from tombola.ports.objects import Objects
from tombola.ports.warehouse import Warehouse
from tombola.ports.warehouse_layout import layout

PROJECT = "demo-contract"
TYPES = {pa.string(): "STRING", pa.int64(): "INTEGER", pa.timestamp("us", tz="UTC"): "TIMESTAMP", pa.bool_(): "BOOLEAN"}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def bigquery_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Path]]:
    """Run BigQuery's stand-in over a folder that holds the buckets."""
    root = tmp_path_factory.mktemp("buckets")
    with bigquery(PROJECT, objects_root=root) as emulator:
        yield emulator, root


@pytest.fixture
def google_warehouse(
    bigquery_emulator: tuple[Running, Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Objects, Warehouse]]:
    """Return what makes objects and a warehouse of these tables over a dataset of their own."""
    emulator, root = bigquery_emulator
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)

    def make(tables: Mapping[str, pa.Schema], keys: Mapping[str, tuple[str, ...]]) -> tuple[Objects, Warehouse]:
        dataset = f"events_{next(_numbers)}"
        feeds = [described(name, schema) for name, schema in tables.items()]
        create_tables(emulator, PROJECT, layout(PROJECT, dataset, feeds, keys))
        from tombola.adapters.embedded.objects import EmbeddedObjects

        objects = EmbeddedObjects(root / dataset)
        warehouse = GoogleWarehouse(
            PROJECT, dataset, bucket_prefix=f"{dataset}/", location="EU", tables=tables, keys=keys
        )
        warehouse._objects = lambda: objects
        return objects, warehouse

    return make


def described(name: str, schema: pa.Schema) -> dict[str, Any]:
    """Return a table as `bigquery_table` would describe it."""
    fields = [{"name": field.name, "type": TYPES[field.type], "mode": "NULLABLE"} for field in schema]
    return {"table_id": name, "description": None, "schema": fields, "time_partitioning": None, "clustering": []}
