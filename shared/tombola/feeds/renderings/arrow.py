"""The schema of a feed's staged files, as text and as the bytes that `pyarrow.ipc.read_schema` reads."""

from tombola.feeds.events import FeedKind
from tombola.feeds.schemas import arrow_schema
from tombola.feeds.tables import table_name


def arrow_text(kind: FeedKind) -> str:
    """Return the schema in lines of `name: type`, below the name of its table."""
    return f"# {table_name(kind)}\n{arrow_schema(kind)}\n"


def arrow_file(kind: FeedKind) -> bytes:
    """Return the schema as an Arrow IPC message."""
    data: bytes = arrow_schema(kind).serialize().to_pybytes()
    return data
