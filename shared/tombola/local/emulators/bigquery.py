"""What stands in for BigQuery: bqemulator, which speaks its REST and Storage interfaces over DuckDB."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tombola.local.emulators.running import Running, answers, free_port, installed, listening, running

REST = "BIGQUERY_EMULATOR_HOST"
"""Google's own name: an address with its scheme."""
STORAGE = "BIGQUERY_STORAGE_EMULATOR_HOST"
"""Our name, for Google has none: host and port of the Storage Write interface (gRPC without TLS)."""


@contextmanager
def bigquery(project: str, *, objects_root: Path) -> Iterator[Running]:
    """Run bqemulator, empty. `objects_root` is the folder with one folder per bucket that `gs://` names mean.

    Raises `Missing`, `NotStarted`.
    """
    rest, storage = free_port(), free_port()
    address = f"http://127.0.0.1:{rest}"
    command: list[str | Path] = [
        installed("bqemulator"), "start", "--ephemeral", "--project", project, "--log-level", "warning",
        "--rest-host", "127.0.0.1", "--rest-port", str(rest), "--grpc-host", "127.0.0.1", "--grpc-port", str(storage),
    ]  # fmt: skip
    datasets = f"{address}/bigquery/v2/projects/{project}/datasets"
    environment = {REST: address, STORAGE: f"127.0.0.1:{storage}"}
    with running(
        Running("bqemulator", address, environment),
        command,
        ready=lambda: answers(datasets) and listening(storage),
        environment={"BQEMU_GCS_LOCAL_ROOT": str(objects_root)},
    ) as emulator:
        yield emulator


def create_tables(emulator: Running, project: str, layout: Mapping[str, Any]) -> None:
    """Create the datasets, tables and views of a layout (`tombola.ports.warehouse_layout`), as Terraform does."""
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415 (this module is imported without Google's)
    from google.cloud import bigquery  # noqa: PLC0415

    client = bigquery.Client(
        project,
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": emulator.address},
    )
    for dataset in layout["datasets"]:
        client.create_dataset(f"{project}.{dataset['dataset_id']}", exists_ok=True)
    for table in layout["tables"]:
        reference = {"projectId": project, "datasetId": table["dataset_id"], "tableId": table["table_id"]}
        client.create_table(bigquery.Table.from_api_repr({"tableReference": reference, **_shape(table)}))
    for view in layout["views"]:  # by SQL: of a view made by the REST interface the emulator tells no columns
        client.query(f"CREATE VIEW `{project}.{view['dataset_id']}.{view['table_id']}` AS {view['query']}").result()
    client.close()  # type: ignore[no-untyped-call]


def _shape(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a table holds as the REST interface takes it."""
    shape: dict[str, Any] = {"schema": {"fields": table["schema"]}}
    if table["time_partitioning"]:
        shape["timePartitioning"] = table["time_partitioning"]
    if table["clustering"]:
        shape["clustering"] = {"fields": table["clustering"]}
    return shape
