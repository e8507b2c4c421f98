"""The clients of BigQuery: one of each kind per process, made when first asked for."""

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.cloud.bigquery import Client
    from google.cloud.bigquery_storage_v1 import BigQueryReadClient, BigQueryWriteClient
    from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport

MAXIMUM_BYTES_BILLED = 1024**4
"""What one question may cost: a tebibyte, some six dollars. A report of a large campaign reads a tenth of it."""
JOB_SECONDS = 420
"""How long a job is waited for, and a question may take: a function has nine minutes. A load that takes longer goes on,
and the next call adopts it."""
EMULATOR = "BIGQUERY_EMULATOR_HOST"
"""Google's own variable: its client goes there."""
STORAGE_EMULATOR = "BIGQUERY_STORAGE_EMULATOR_HOST"
"""Ours, for Google has none: host and port of the Storage Write interface, without TLS."""


class Clients:
    """Clients that all threads share. Their jobs run in `location`, and say `tombola: <what>` to the bill."""

    def __init__(self, project: str, dataset: str, location: str) -> None:
        """Make nothing yet."""
        self._project, self._dataset, self._location = project, dataset, location
        self._lock = threading.Lock()
        self._jobs: Client | None = None
        self._reader: BigQueryReadClient | None = None
        self._writer: BigQueryWriteClient | None = None

    def jobs(self) -> "Client":
        """Return the client that runs jobs. Their tables are by default those of our dataset."""
        from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415 (heavy)
        from google.cloud.bigquery import Client, QueryJobConfig  # noqa: PLC0415 (heavy)

        emulated = EMULATOR in os.environ
        with self._lock:
            if self._jobs is None:
                self._jobs = Client(
                    self._project,
                    credentials=AnonymousCredentials() if emulated else None,  # type: ignore[no-untyped-call]
                    location=self._location,
                    default_query_job_config=QueryJobConfig(
                        default_dataset=f"{self._project}.{self._dataset}",
                        maximum_bytes_billed=MAXIMUM_BYTES_BILLED,
                        job_timeout_ms=JOB_SECONDS * 1000,
                        labels={"tombola": "report"},
                    ),
                )
                if emulated:  # which keeps no results for the Storage Read interface: they come page by page
                    self._jobs._ensure_bqstorage_client = lambda *_, **__: None  # type: ignore[method-assign]  # noqa: SLF001
            return self._jobs

    def reader(self) -> "BigQueryReadClient | None":
        """Return the client that brings large results; None where there is none to bring them."""
        if EMULATOR in os.environ:
            return None
        from google.cloud.bigquery_storage_v1 import BigQueryReadClient  # noqa: PLC0415 (heavy)

        with self._lock:
            if self._reader is None:
                self._reader = BigQueryReadClient()  # type: ignore[no-untyped-call]
            return self._reader

    def writer(self) -> "BigQueryWriteClient":
        """Return the client that appends rows."""
        from google.cloud.bigquery_storage_v1 import BigQueryWriteClient  # noqa: PLC0415 (heavy)

        with self._lock:
            if self._writer is None:
                self._writer = BigQueryWriteClient(transport=_transport())  # type: ignore[no-untyped-call]
            return self._writer


def _transport() -> "BigQueryWriteGrpcTransport | None":
    """Return the way to an emulator; None is the way to Google."""
    address = os.environ.get(STORAGE_EMULATOR)
    if address is None:
        return None
    import grpc  # noqa: PLC0415 (heavy)
    from google.cloud.bigquery_storage_v1.services.big_query_write.transports import (  # noqa: PLC0415 (heavy)
        BigQueryWriteGrpcTransport,
    )

    return BigQueryWriteGrpcTransport(channel=grpc.insecure_channel(address))
