"""Queries as Firestore's JSON writes them, read page by page from where the last page ended.

Source: https://firebase.google.com/docs/firestore/reference/rest/v1/StructuredQuery
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tombola.adapters.google.document_values import encoded
from tombola.ports.documents import Where

NAME = "__name__"
_OPERATORS: Mapping[str, str] = {
    "==": "EQUAL",
    "<": "LESS_THAN",
    "<=": "LESS_THAN_OR_EQUAL",
    ">": "GREATER_THAN",
    ">=": "GREATER_THAN_OR_EQUAL",
}


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of one collection. `order_by` is the field before the document's name, if there is one."""

    collection: str
    where: tuple[Where, ...]
    order_by: str | None

    def page(self, after: Mapping[str, Any] | None, limit: int) -> dict[str, Any]:
        """Return the body that asks for the next documents, those after `after` (a document as it was answered)."""
        places = [*([self.order_by] if self.order_by else []), NAME]
        structured: dict[str, Any] = {
            "from": [{"collectionId": self.collection}],
            "orderBy": [{"field": {"fieldPath": place}, "direction": "ASCENDING"} for place in places],
            "limit": limit,
        }
        if self.where:
            filters = [_filter(condition) for condition in self.where]
            structured["where"] = {"compositeFilter": {"op": "AND", "filters": filters}}
        if after is not None:
            structured["startAt"] = {"values": [_place(after, place) for place in places], "before": False}
        return {"structuredQuery": structured}


def _filter(condition: Where) -> dict[str, Any]:
    """Return one condition. Firestore compares with null by a filter of its own: by the common one it finds nothing."""
    field = {"fieldPath": condition.field}
    if condition.value is None:
        return {"unaryFilter": {"field": field, "op": "IS_NULL"}}
    return {"fieldFilter": {"field": field, "op": _OPERATORS[condition.operator], "value": encoded(condition.value)}}


def _place(document: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return where a document stands in the order of one field, or of the names."""
    found: dict[str, Any] = {"referenceValue": document["name"]} if place == NAME else document["fields"][place]
    return found
