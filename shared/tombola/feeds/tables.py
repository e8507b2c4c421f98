"""The warehouse tables of all feeds: their names, schemas and keys."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar, get_args

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


T_co = TypeVar("T_co", covariant=True)


class _ByTable(Mapping[str, T_co]):
    """Something of every feed's table, worked out when asked for: most functions only pass the tables by."""

    @abstractmethod
    def _of(self, kind: FeedKind) -> T_co: ...

    def __getitem__(self, table: str) -> T_co:
        return self._of(_KIND_OF[table])

    def __iter__(self) -> Iterator[str]:
        return iter(_KIND_OF)

    def __len__(self) -> int:
        return len(_KIND_OF)


class _Schemas(_ByTable["pa.Schema"]):
    def _of(self, kind: FeedKind) -> "pa.Schema":
        from tombola.feeds.schemas import arrow_schema  # noqa: PLC0415 (pyarrow is for those who need it)

        return arrow_schema(kind)


class _Keys(_ByTable[tuple[str, ...]]):
    def _of(self, kind: FeedKind) -> tuple[str, ...]:
        from tombola.feeds.contracts import contract  # noqa: PLC0415 (see _ByTable)

        return ("retailer", *map(stored_name, contract(kind).KEY))


_KIND_OF: Mapping[str, FeedKind] = {table_name(kind): kind for kind in get_args(FeedKind)}
TABLES: Mapping[str, "pa.Schema"] = _Schemas()
"""The warehouse tables of all feeds."""
KEYS: Mapping[str, tuple[str, ...]] = _Keys()
"""What names one row of each warehouse table."""
