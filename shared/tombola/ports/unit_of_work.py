"""One reading and one commit: what is written goes over what was read, or is created where nothing was.

The precondition of every write is thus what the decision saw; nobody has to hand versions around.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self, TypeVar

from tombola.ports.documents import DocumentKey, Documents, Snapshot, Where, Write, created_or_replaced


class Stored(Protocol):
    """A document as a value of its own type."""

    COLLECTION: ClassVar[str]

    @property
    def parts(self) -> tuple[str, ...]:
        """The typed key's parts."""
        ...

    def fields(self) -> dict[str, Any]:
        """Return the document's fields."""
        ...

    @classmethod
    def model_validate(cls, fields: Mapping[str, Any], /) -> Self:
        """Return the value that fields say."""
        ...


S = TypeVar("S", bound=Stored)


class UnitOfWork:
    """What one decision read, and the writes that follow from it."""

    def __init__(self, documents: Documents) -> None:
        """Have read nothing yet."""
        self._documents = documents
        self._snapshots: dict[DocumentKey, Snapshot | None] = {}

    def read(self, model: type[S], parts: tuple[str, ...]) -> S | None:
        """Return one document, None if it does not exist."""
        return self.read_all(model, [parts])[0]

    def read_all(self, model: type[S], several: Sequence[tuple[str, ...]]) -> list[S | None]:
        """Return documents by the parts of their keys."""
        keys = [DocumentKey(model.COLLECTION, parts) for parts in several]
        snapshots = self._documents.get(keys)
        self._snapshots.update(zip(keys, snapshots, strict=True))
        return [None if snapshot is None else model.model_validate(snapshot.fields) for snapshot in snapshots]

    def query(self, model: type[S], *where: Where) -> list[S]:
        """Return the documents that meet all conditions, to be written again."""
        found = list(self._documents.query(model.COLLECTION, where))
        self._snapshots.update((snapshot.key, snapshot) for snapshot in found)
        return [model.model_validate(snapshot.fields) for snapshot in found]

    def write(self, record: Stored) -> Write:
        """Return the write of a document over what was read of it."""
        key = DocumentKey(record.COLLECTION, record.parts)
        return created_or_replaced(self._snapshots.get(key), key, record.fields())


def all_of(documents: Documents, model: type[S], *where: Where) -> Iterator[S]:
    """Yield the documents that meet all conditions, one at a time, only to be looked at."""
    return (model.model_validate(found.fields) for found in documents.query(model.COLLECTION, where))
