"""Warehouse: BigQuery. Load jobs from Cloud Storage, appended messages, and questions to views that show each row once.

Nothing here changes what is stored: see `tombola.ports.warehouse_layout`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from tombola.adapters.google.errors import translated
from tombola.adapters.google.warehouse_clients import JOB_SECONDS, Clients
from tombola.adapters.google.warehouse_sources import BUCKET, carried
from tombola.ports.objects import ObjectRef, Objects
from tombola.ports.warehouse import EVENT_TABLES, check_event, check_table
from tombola.ports.warehouse_layout import LOADS, messages_table, rows_table, scratch_dataset

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud.bigquery import LoadJob, QueryJobConfig
    from ibis.backends import BaseBackend

REQUEST_SECONDS = 30
"""One request to start or look at a job: BigQuery answers within seconds, or not at all."""
RETRY_SECONDS = 60
"""How long such a request is repeated: a function has nine minutes, and its caller comes again."""
CARRIERS = 4
"""Sources carried at a time: each holds some thousand rows."""


class GoogleWarehouse:
    """The tables of one dataset. `tables` are those of the feeds, and may be a mapping that makes them late.

    What names one row is known to the dataset's views alone.
    """

    def __init__(
        self,
        project: str,
        dataset: str,
        *,
        bucket_prefix: str,
        location: str,
        tables: Mapping[str, "pa.Schema"],
    ) -> None:
        """Load from buckets that begin with `bucket_prefix`. `location` is where the dataset lies."""
        self._project, self._dataset, self._bucket_prefix = project, dataset, bucket_prefix
        self._tables = tables
        self._clients = Clients(project, dataset, location)

    def load(self, table: str, sources: Sequence[ObjectRef]) -> None:
        """Load staged Parquet objects in one job. A source loaded before (same name and generation) changes nothing.

        All or none of the sources of one call become visible. Raises `NotFound` for a missing source or table,
        `Refused` for a source that is no Parquet of the table's schema.
        """
        check_table(table, self._tables)
        known = self._loaded(table, [source.name for source in sources])
        fresh = sorted({source for source in sources if (source.name, source.generation) not in known})
        if not fresh:
            return
        job = _job_name(table, fresh)
        if uris := self._carry(table, fresh):
            with translated(f"load into {table!r}"):
                self._load_once(table, job, uris)
        self._note(table, fresh, job)

    def append(self, table: str, batch_id: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Store streamed events `{event_id, published_at, type, body}` (body is JSON text).

        The same event twice, in one batch or two, is one row to a reader. Raises `NotFound` for an unknown table,
        `Refused` for a row of another shape.
        """
        from tombola.adapters.google.warehouse_messages import appended  # noqa: PLC0415 (most never append)

        check_table(table, EVENT_TABLES)
        for row in rows:
            check_event(row)
        within = f"projects/{self._project}/datasets/{self._dataset}/tables/{messages_table(table)}"
        with translated(f"append to {table!r}"):
            appended(self._clients.writer(), within, batch_id, rows)

    def loaded(self, table: str) -> set[tuple[str, int]]:
        """Return (name, generation) of every source that `load` has made visible."""
        check_table(table, self._tables)
        return self._loaded(table, None)

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> "pa.Table":
        """Run one SELECT in DuckDB's SQL over the tables by their names; named parameters are `$name`.

        A table that has no data yet is an empty table of its declared schema. Raises `Refused` for a statement that
        is no SELECT over our tables, or is wrong.
        """
        from tombola.adapters.google.warehouse_statements import said_to_bigquery  # noqa: PLC0415 (heavy)

        given = dict(parameters or {})
        return self._run("query", said_to_bigquery(sql, given, (*self._tables, *EVENT_TABLES)), given)

    def ibis(self) -> "BaseBackend":
        """Return a fresh Ibis backend over the same tables; the caller disconnects it.

        Temporary tables made in it are seen by nobody else and go with it.
        """
        from tombola.adapters.google.warehouse_ibis import connect  # noqa: PLC0415 (heavy)

        return connect(self._clients.jobs(), self._clients.reader(), self._dataset, scratch_dataset(self._dataset))

    def _objects(self) -> Objects:
        from tombola.adapters.google.objects import GoogleObjects  # noqa: PLC0415 (only loading needs it)

        return GoogleObjects(self._project, self._bucket_prefix)

    def _carry(self, table: str, sources: Sequence[ObjectRef]) -> list[str]:
        """Return the addresses of the sources' rows."""
        objects, declared = self._objects(), self._tables[table]
        with ThreadPoolExecutor(CARRIERS) as pool:
            names = pool.map(lambda source: carried(objects, table, source, declared), sources)
            return [f"gs://{self._bucket_prefix}{BUCKET}/{name}" for name in names if name is not None]

    def _load_once(self, table: str, name: str, uris: Sequence[str]) -> None:
        """Run the load job of this name, or adopt the one there is; after one that failed, that of the next attempt."""
        for attempt in count(1):
            job, ours = self._begin(table, f"{name}_{attempt}", uris)
            if not ours and job.done(retry=_retry(), timeout=REQUEST_SECONDS) and job.error_result:
                continue
            job.result(retry=_retry(), timeout=JOB_SECONDS)
            return

    def _begin(self, table: str, job_id: str, uris: Sequence[str]) -> "tuple[LoadJob, bool]":
        """Return the job of this id, and whether this call has started it."""
        from google.api_core.exceptions import Conflict  # noqa: PLC0415 (heavy)
        from google.cloud.bigquery import LoadJobConfig  # noqa: PLC0415 (heavy)

        client = self._clients.jobs()
        asked = LoadJobConfig(
            source_format="PARQUET", create_disposition="CREATE_NEVER", write_disposition="WRITE_APPEND",
            labels={"tombola": "load"},
        )  # fmt: skip
        target = f"{self._project}.{self._dataset}.{rows_table(table)}"
        try:
            return client.load_table_from_uri(
                uris, target, job_id=job_id, job_config=asked, retry=_retry(), timeout=REQUEST_SECONDS
            ), True
        except Conflict:
            return cast("LoadJob", client.get_job(job_id, retry=_retry(), timeout=REQUEST_SECONDS)), False

    def _note(self, table: str, sources: Sequence[ObjectRef], job: str) -> None:
        """Note what was loaded. Noted twice it is the same; lost, the sources are loaded again and shown once."""
        statement = (
            f"INSERT INTO {LOADS} (table_name, source_name, source_generation, job_id)"  # noqa: S608 (our own name)
            " SELECT @table, source.name, source.generation, @job FROM UNNEST(@sources) AS source"
        )
        loaded = [{"name": source.name, "generation": source.generation} for source in sources]
        self._run("load", statement, {"table": table, "sources": loaded, "job": job})

    def _loaded(self, table: str, names: Sequence[str] | None) -> set[tuple[str, int]]:
        statement = f"SELECT DISTINCT source_name, source_generation FROM {LOADS} WHERE table_name = @table"  # noqa: S608
        parameters: dict[str, object] = {"table": table}
        if names is not None:
            statement, parameters = f"{statement} AND source_name IN UNNEST(@names)", {**parameters, "names": names}
        rows = self._run("load", statement, parameters).to_pylist()
        return {(row["source_name"], row["source_generation"]) for row in rows}

    def _run(self, what: str, statement: str, parameters: Mapping[str, object]) -> "pa.Table":
        """Run a statement in BigQuery's own SQL."""
        with translated(what):
            job = self._clients.jobs().query(
                statement, job_config=_asked(what, parameters), retry=_retry(), timeout=REQUEST_SECONDS, job_retry=None
            )
            rows = job.result(retry=_retry(), timeout=JOB_SECONDS, job_retry=None)
            return rows.to_arrow(create_bqstorage_client=False)


def _asked(what: str, parameters: Mapping[str, object]) -> "QueryJobConfig":
    from google.cloud.bigquery import QueryJobConfig  # noqa: PLC0415 (heavy)

    from tombola.adapters.google.warehouse_parameters import query_parameter  # noqa: PLC0415 (heavy)

    given = [query_parameter(name, value) for name, value in parameters.items()]
    return QueryJobConfig(query_parameters=given, labels={"tombola": what})


def _retry() -> Any:  # noqa: ANN401 (google-api-core's own)
    from google.cloud.bigquery import DEFAULT_RETRY  # noqa: PLC0415 (heavy)

    return DEFAULT_RETRY.with_timeout(RETRY_SECONDS)


def _job_name(table: str, sources: Sequence[ObjectRef]) -> str:
    """Return a name that the same sources always give."""
    text = "\n".join(f"{source.bucket}\0{source.name}\0{source.generation}" for source in sources)
    return f"tombola_load_{table}_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
