"""BigQuery's stand-in for the contract of a warehouse: one process for all tests, a dataset for each."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tombola.adapters.google.objects import GoogleObjects
from tombola.adapters.google.warehouse import GoogleWarehouse
from tombola.local.emulators.bigquery import bigquery, create_tables
from tombola.local.emulators.running import Running
from tombola.ports.objects import Objects
from tombola.ports.warehouse import Warehouse
from tombola.ports.warehouse_layout import layout

PROJECT = "demo-contract"
TYPES = {
    pa.string(): "STRING",
    pa.int64(): "INTEGER",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP",
}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def bigquery_emulator(buckets_root: Path) -> Iterator[Running]:
    """Run BigQuery's stand-in over the folder that holds all buckets."""
    with bigquery(PROJECT, objects_root=buckets_root) as emulator:
        yield emulator


@pytest.fixture
def google_warehouse(
    bigquery_emulator: Running, google_objects: GoogleObjects, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Objects, Warehouse]]:
    """Return what makes a warehouse of given tables over a dataset of its own, and objects that it loads from."""
    for name, value in bigquery_emulator.environment.items():
        monkeypatch.setenv(name, value)

    def make(tables: Mapping[str, pa.Schema], keys: Mapping[str, tuple[str, ...]]) -> tuple[Objects, Warehouse]:
        dataset, prefix = f"events_{next(_numbers)}", google_objects._prefix
        feeds = [described(name, schema) for name, schema in tables.items()]
        create_tables(bigquery_emulator, PROJECT, layout(PROJECT, dataset, feeds, keys))
        return google_objects, GoogleWarehouse(PROJECT, dataset, bucket_prefix=prefix, location="EU", tables=tables)

    return make


def described(name: str, schema: pa.Schema) -> dict[str, Any]:
    """Return a table as `bigquery_table` would describe it."""
    fields = [{"name": field.name, "type": TYPES[field.type], "mode": "NULLABLE"} for field in schema]
    return {"table_id": name, "description": None, "schema": fields, "time_partitioning": None, "clustering": []}
