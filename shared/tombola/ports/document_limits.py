"""What a document and a commit may hold: every adapter refuses what Firestore, or our own stricter limits, would."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tombola.ports.documents import (
    COLLECTIONS,
    INT64_MAX,
    INT64_MIN,
    KEY_FIELD,
    MAX_COMMIT_BYTES,
    MAX_COMMIT_WRITES,
    MAX_DEPTH,
    MAX_DOCUMENT_BYTES,
    MAX_INDEXED_BYTES,
    MAX_NAME_BYTES,
    Create,
    Delete,
    DocumentKey,
    Fields,
    Replace,
    Value,
    Write,
)
from tombola.ports.errors import Refused


def check_commit(writes: Sequence[Write]) -> None:
    """Refuse what Firestore, or our own stricter limits, would refuse.

    Raises `Refused` saying what was found and what was expected.
    """
    if len(writes) > MAX_COMMIT_WRITES:
        msg = f"commit of {len(writes)} writes; at most {MAX_COMMIT_WRITES} are allowed"
        raise Refused(msg)
    seen: set[DocumentKey] = set()
    total = 0
    for write in writes:
        if write.key.collection not in COLLECTIONS:
            msg = f"unknown collection {write.key.collection!r}; expected one of {', '.join(COLLECTIONS)}"
            raise Refused(msg)
        if write.key in seen:
            msg = f"document {write.key.collection}/{write.key.id} is written twice in one commit"
            raise Refused(msg)
        seen.add(write.key)
        _check_key(write.key)
        if isinstance(write, Delete):
            continue
        if KEY_FIELD in write.fields:
            msg = f"document in {write.key.collection!r} has a field {KEY_FIELD!r}; that name holds the document's key"
            raise Refused(msg)
        _check_queried(write)
        size = size_of(write.fields)
        if size > MAX_DOCUMENT_BYTES:
            msg = f"document in {write.key.collection!r} of {size} bytes; at most {MAX_DOCUMENT_BYTES} are allowed"
            raise Refused(msg)
        total += size
    if total > MAX_COMMIT_BYTES:
        msg = f"commit of {total} bytes; at most {MAX_COMMIT_BYTES} are allowed"
        raise Refused(msg)


def size_of(fields: Fields) -> int:
    """Return the bytes that fields take up in a document. Raises `Refused` for what Firestore cannot hold."""
    return sum(_named_size(name, value, "", 0) for name, value in fields.items())


def _size(value: Value, path: str, depth: int) -> int:  # noqa: C901, PLR0911 (one arm per type Firestore holds)
    """Return Firestore's storage size of a value in bytes; raise `Refused` for a type it cannot hold.

    Source: https://firebase.google.com/docs/firestore/storage-size
    """
    if depth > MAX_DEPTH:
        msg = f"field {path!r} is nested deeper than {MAX_DEPTH}"
        raise Refused(msg)
    match value:
        case None | bool():
            return 1
        case int():
            if not INT64_MIN <= value <= INT64_MAX:
                msg = f"field {path!r} holds {value}; expected a 64-bit integer"
                raise Refused(msg)
            return 8
        case str():
            return _text_size(value, path)
        case bytes():
            return len(value)
        case datetime():
            if value.tzinfo is not UTC:
                msg = f"field {path!r} holds {value!r}; expected an aware instant in UTC"
                raise Refused(msg)
            return 8
        case Mapping():
            return sum(_named_size(name, item, path, depth) for name, item in value.items())
        case list() | tuple():
            return sum(_flat_size(item, path, depth) for item in value)
    msg = (
        f"field {path!r} holds a {type(value).__name__}; expected int, str, bool, bytes, UTC datetime, map or flat list"
    )
    raise Refused(msg)


def _check_key(key: DocumentKey) -> None:
    if not key.parts or not all(key.parts):
        msg = f"key {key.parts!r} in {key.collection!r} has an empty part; expected non-empty text"
        raise Refused(msg)
    for part in key.parts:
        _text_size(part, KEY_FIELD)


def _check_queried(write: Create | Replace) -> None:
    """Refuse what an index cannot hold whole, and what never expires."""
    declared = COLLECTIONS[write.key.collection]
    if declared.expires and not isinstance(expires := write.fields.get(declared.expires), datetime | None):
        msg = f"field {declared.expires!r} expires and holds a {type(expires).__name__}; expected an instant or None"
        raise Refused(msg)
    for name in declared.queried:
        value = write.fields.get(name)
        if isinstance(value, Mapping | list | tuple):
            msg = f"field {name!r} is indexed and holds a {type(value).__name__}; expected a scalar"
            raise Refused(msg)
        if isinstance(value, str | bytes) and (size := _size(value, name, 0)) > MAX_INDEXED_BYTES:
            msg = f"field {name!r} is indexed and holds {size} bytes; at most {MAX_INDEXED_BYTES} are allowed"
            raise Refused(msg)


def _text_size(text: str, path: str) -> int:
    try:
        return len(text.encode()) + 1
    except UnicodeEncodeError:
        msg = f"field {path!r} holds text with half a surrogate pair; expected Unicode that UTF-8 can hold"
        raise Refused(msg) from None


def _named_size(name: object, item: Value, path: str, depth: int) -> int:
    if not isinstance(name, str) or not name:
        msg = f"field {path!r} has the map key {name!r}; expected non-empty text"
        raise Refused(msg)
    inside = f"{path}.{name}" if path else name
    if name.startswith("__") and name.endswith("__"):
        msg = f"field {inside!r}: names in double underscores are Firestore's own"
        raise Refused(msg)
    if (size := _text_size(name, inside)) > MAX_NAME_BYTES:
        msg = f"field {path!r} has a name of {size} bytes; at most {MAX_NAME_BYTES} are allowed"
        raise Refused(msg)
    return size + _size(item, inside, depth + 1)


def _flat_size(item: Value, path: str, depth: int) -> int:
    if isinstance(item, Mapping | list | tuple):
        msg = f"field {path!r} is a list that holds a {type(item).__name__}; expected a flat list of scalars"
        raise Refused(msg)
    return _size(item, path, depth + 1)
