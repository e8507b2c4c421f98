"""Values as Firestore's JSON writes them, exactly: 64-bit integers as text, bytes in base64, instants in RFC 3339.

Source: https://firebase.google.com/docs/firestore/reference/rest/v1/Value
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tombola.ports.documents import KEY_FIELD, DocumentKey, Fields, Value

Encoded = dict[str, Any]
"""One value: its type's name, and what it holds."""


def stored(key: DocumentKey, fields: Fields, commit: int) -> dict[str, Encoded]:
    """Return a whole document.

    Firestore gives a document that is written as it was no new version, and whoever read it before would still pass.
    So beside the key's parts stands the number of the commit: every write is a change.
    """
    return _encoded_map({**fields, KEY_FIELD: {"parts": key.parts, "commit": commit}})


def restored(collection: str, document: Mapping[str, Any]) -> tuple[DocumentKey, dict[str, Value]]:
    """Return the key and the fields of a stored document."""
    fields = _decoded_map(document)
    key = fields.pop(KEY_FIELD)
    return DocumentKey(collection, tuple(key["parts"])), fields


def encoded(value: Value) -> Encoded:  # noqa: PLR0911 (one arm per type Firestore holds)
    """Return one value as Firestore's JSON writes it."""
    match value:
        case None:
            return {"nullValue": None}
        case bool():
            return {"booleanValue": value}
        case int():
            return {"integerValue": str(int(value))}
        case str():
            return {"stringValue": value}
        case bytes():
            return {"bytesValue": b64encode(value).decode()}
        case datetime():
            return {"timestampValue": value.isoformat().replace("+00:00", "Z")}
        case Mapping():
            return {"mapValue": {"fields": _encoded_map(value)}}
    return {"arrayValue": {"values": [encoded(item) for item in value]}}


def decoded(value: Encoded) -> Any:  # noqa: ANN401 (a `Value`, whose type the data says)
    """Return one value of Firestore's JSON. Instants have microseconds, as all of ours do."""
    ((kind, content),) = value.items()
    return _DECODERS[kind](content)


def _encoded_map(fields: Mapping[str, Value]) -> dict[str, Encoded]:
    return {name: encoded(value) for name, value in fields.items()}


def _decoded_map(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {name: decoded(value) for name, value in holder.get("fields", {}).items()}


_DECODERS: Mapping[str, Callable[[Any], Value]] = {
    "nullValue": lambda _content: None,
    "booleanValue": bool,
    "integerValue": int,
    "stringValue": str,
    "bytesValue": b64decode,
    "timestampValue": datetime.fromisoformat,
    "mapValue": _decoded_map,
    "arrayValue": lambda content: [decoded(item) for item in content.get("values", ())],
}
