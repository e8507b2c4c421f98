"""Indexes: what may be queried, and what Firestore must be told for it.

Indexing is off unless a field is declared in `COLLECTIONS`. The emulator answers any query, and only the real
Firestore asks for a missing index; so every adapter checks a query here first.
"""

from collections.abc import Iterator, Sequence
from typing import TypedDict

from tombola.ports.documents import COLLECTIONS, Where
from tombola.ports.errors import Refused

OPERATORS = ("==", "<", "<=", ">", ">=")
ASCENDING = "ASCENDING"
"""The one direction: nothing here is read backwards."""


class IndexField(TypedDict):
    """A field of a composite index, and its direction."""

    field: str
    order: str


class CompositeIndex(TypedDict):
    """An index over several fields of a collection, in this order; Firestore adds the id itself."""

    collection: str
    fields: list[IndexField]


class FieldOverride(TypedDict):
    """The single-field indexes of one field, or of all (`*`) that have no override of their own.

    `indexes` are directions; an empty list is no index. Firestore deletes a document some time after the instant in
    a field that `expires`.
    """

    collection: str
    field: str
    indexes: list[str]
    expires: bool


def composite_indexes() -> list[CompositeIndex]:
    """Return every composite index that `COLLECTIONS` declares."""
    return [
        {"collection": name, "fields": [{"field": field, "order": ASCENDING} for field in fields]}
        for name, declared in COLLECTIONS.items()
        for fields in declared.composite
    ]


def field_overrides() -> list[FieldOverride]:
    """Return what turns indexing off for every collection, and on again for what `COLLECTIONS` declares."""
    return [override for name in COLLECTIONS for override in _overrides(name)]


def query_order(where: Sequence[Where], order_by: str | None) -> str | None:
    """Return the field that a query is ordered by before the id: `order_by`, else the field of a range, or None."""
    return order_by or next((condition.field for condition in where if condition.operator != "=="), None)


def check_query(collection: str, where: Sequence[Where], order_by: str | None) -> None:
    """Refuse a query that needs an index nobody declared. Raises `Refused`.

    Fields must be declared as they are named, one alone or several together; a range or an order is on the last one.
    """
    declared = COLLECTIONS.get(collection)
    if declared is None:
        msg = f"unknown collection {collection!r}; expected one of {', '.join(COLLECTIONS)}"
        raise Refused(msg)
    for condition in where:
        _check_condition(condition)
    fields = tuple(dict.fromkeys([*(w.field for w in where), *([order_by] if order_by else [])]))
    allowed = {(name,) for name in declared.indexed} | set(declared.composite)
    if fields and fields not in allowed:
        msg = f"query of {collection!r} by {fields}; declared are {sorted(allowed)}"
        raise Refused(msg)
    equal = {condition.field for condition in where if condition.operator == "=="}
    sorted_by = {condition.field for condition in where if condition.operator != "=="} | (
        {order_by} if order_by else set()
    )
    if sorted_by & equal or sorted_by - {*fields[-1:]}:
        msg = f"query of {collection!r} with a range or order of {sorted(sorted_by)}; expected {fields[-1]!r} alone"
        raise Refused(msg)


def _overrides(collection: str) -> Iterator[FieldOverride]:
    declared = COLLECTIONS[collection]
    yield {"collection": collection, "field": "*", "indexes": [], "expires": False}
    for field in dict.fromkeys((*declared.indexed, *((declared.expires,) if declared.expires else ()))):
        indexes = [ASCENDING] if field in declared.indexed else []
        yield {"collection": collection, "field": field, "indexes": indexes, "expires": field == declared.expires}


def _check_condition(condition: Where) -> None:
    if condition.operator not in OPERATORS:
        msg = f"operator {condition.operator!r}; expected ==, <, <=, > or >="
        raise Refused(msg)
    if condition.value is None and condition.operator != "==":
        msg = f"field {condition.field!r} {condition.operator} None; expected a value, or =="
        raise Refused(msg)
