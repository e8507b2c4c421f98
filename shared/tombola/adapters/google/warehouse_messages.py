"""Events as the messages that a BigQuery subscription would have written, appended by the Storage Write interface.

The default stream keeps a message once or more often; the view shows its event once. So there is no offset to keep,
and a batch that is sent again after a timeout does no harm.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tombola.ports.errors import Unavailable
from tombola.ports.warehouse_layout import MESSAGE_COLUMNS

if TYPE_CHECKING:
    from google.cloud.bigquery_storage_v1 import BigQueryWriteClient
    from google.cloud.bigquery_storage_v1.types import AppendRowsRequest

ROWS = 500
BYTES = 8 * 1024 * 1024
"""Of one request, which may have 10 MB."""
SECONDS = 60


def appended(client: "BigQueryWriteClient", table: str, batch_id: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Append events to a table of messages; all are acknowledged when this returns. Raises `Unavailable`."""
    stream = f"{table}/streams/_default"
    routed = [("x-goog-request-params", f"write_stream={stream}")]
    messages = [_message(batch_id, number, row) for number, row in enumerate(rows)]
    if not messages:
        return
    for answer in client.append_rows(_requests(stream, messages), metadata=routed, timeout=SECONDS):
        if answer.error.code or answer.row_errors:
            msg = f"append to {table}: {answer.error.message or answer.row_errors[0].message}"
            raise Unavailable(msg)


def _message(batch_id: str, number: int, row: Mapping[str, object]) -> dict[str, object]:
    attributes = {"event_id": row["event_id"], "type": row["type"]}
    return {
        "subscription_name": None,
        "message_id": f"{batch_id}/{number}",
        "publish_time": row["published_at"],
        "data": row["body"],
        "attributes": json.dumps(attributes, ensure_ascii=False),
    }


def _requests(stream: str, messages: Sequence[Mapping[str, object]]) -> "Iterator[AppendRowsRequest]":
    import pyarrow as pa  # noqa: PLC0415 (heavy)
    from google.cloud.bigquery_storage_v1.types import AppendRowsRequest  # noqa: PLC0415 (heavy)

    types = {"STRING": pa.string(), "TIMESTAMP": pa.timestamp("us", tz="UTC")}
    schema = pa.schema([(name, types[type_]) for name, type_ in MESSAGE_COLUMNS.items()])
    for some in _slices(messages):
        batch = pa.RecordBatch.from_pylist([dict(message) for message in some], schema)
        rows = {
            "writer_schema": {"serialized_schema": schema.serialize().to_pybytes()},
            "rows": {"serialized_record_batch": batch.serialize().to_pybytes()},
        }
        yield AppendRowsRequest(write_stream=stream, arrow_rows=rows)


def _slices(messages: Sequence[Mapping[str, object]]) -> Iterator[list[Mapping[str, object]]]:
    """Yield the messages in parts that one request can hold."""
    part: list[Mapping[str, object]] = []
    size = 0
    for message in messages:
        adds = len(str(message["data"]).encode()) + len(str(message["attributes"]).encode())
        if part and (size + adds > BYTES or len(part) == ROWS):
            yield part
            part, size = [], 0
        part.append(message)
        size += adds
    yield part
