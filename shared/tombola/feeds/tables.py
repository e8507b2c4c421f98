"""The warehouse tables of all feeds: their names, schemas and keys."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tombola.feeds.contracts import CONTRACTS, KINDS
from tombola.feeds.events import FeedKind

if TYPE_CHECKING:
    import pyarrow as pa


STORED_AS: Mapping[str, str] = {"shopper_id": "shopper", "household_id": "household"}
"""The columns of pseudonyms, by the contract's fields in whose place they stand."""


def table_name(kind: FeedKind) -> str:
    """Return the warehouse table of a feed: `feed_orders`."""
    return f"feed_{kind}"


def stored_name(field: str) -> str:
    """Return the column of a field that is no amount: shoppers and households are stored as pseudonyms."""
    return STORED_AS.get(field, field)


class _Tables(Mapping[str, "pa.Schema"]):
    """Schemas by table, made when asked for: who only judges rows needs no pyarrow."""

    def __getitem__(self, table: str) -> "pa.Schema":
        from tombola.feeds.schemas import arrow_schema  # noqa: PLC0415 (pyarrow is for those who need it)

        return arrow_schema(_KIND_OF[table])

    def __iter__(self) -> Iterator[str]:
        return iter(_KIND_OF)

    def __len__(self) -> int:
        return len(_KIND_OF)


_KIND_OF: Mapping[str, FeedKind] = {table_name(kind): kind for kind in KINDS}
TABLES: Mapping[str, "pa.Schema"] = _Tables()
"""The warehouse tables of all feeds."""
KEYS: Mapping[str, tuple[str, ...]] = {
    table_name(kind): ("retailer", *map(stored_name, row.KEY)) for kind, row in CONTRACTS.items()
}
"""What names one row of each warehouse table."""
