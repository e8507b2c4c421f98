"""Ibis over BigQuery, its temporary tables where nobody else sees them. Importing this module takes a second."""

import secrets
from typing import TYPE_CHECKING, Any

from ibis.backends.bigquery import Backend

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from google.cloud.bigquery import Client
    from google.cloud.bigquery_storage_v1 import BigQueryReadClient


_NO_READER: Any = False
"""Ibis would make a reader of its own in place of None."""


class ScratchBackend(Backend):  # type: ignore[misc]  # no types
    """Ibis's backend, over clients that others use too.

    Its own temporary tables lie in a dataset that all callers share, under the names they were given: two reports at
    a time would meet there. Here each backend's tables bear a name of its own, and go when it is disconnected; of
    one that was killed they go when the dataset lets them expire.
    """

    def do_connect(self, *, scratch: str, **options: Any) -> Backend:  # noqa: ANN401 (Ibis's own)
        """Keep temporary tables in the dataset `scratch`; the rest is as Ibis has it."""
        self._scratch, self._made = scratch, dict[str, str]()
        return super().do_connect(**options)

    def create_table(self, name: str, /, obj: "ir.Table | None" = None, **options: Any) -> "ir.Table":  # noqa: ANN401
        """Create a table as Ibis does; a temporary one in a place of its own."""
        if not options.pop("temp", False):
            return super().create_table(name, obj, **options)
        unique = f"{name}_{secrets.token_hex(8)}"
        self._made[name] = unique
        return super().create_table(unique, obj, database=self._scratch, **options)

    def disconnect(self) -> None:
        """Drop the temporary tables. The clients stay: they are the process's."""
        for name in self._made.values():
            self.client.delete_table(f"{self.data_project}.{self._scratch}.{name}", not_found_ok=True)
        self._made.clear()


def connect(client: "Client", reader: "BigQueryReadClient | None", dataset: str, scratch: str) -> Backend:
    """Return a fresh backend over a dataset; without a reader, results come page by page."""
    return ScratchBackend().connect(
        client=client, storage_client=reader or _NO_READER, dataset_id=dataset, scratch=scratch
    )
