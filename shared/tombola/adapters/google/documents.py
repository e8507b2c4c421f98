"""Documents on Firestore in native mode: atomic batches of preconditions, no transaction, no lock that is held.

It speaks Firestore's REST interface: Google's client for Python costs a cold start several times as much, and a commit
of many documents more (docs/google.md has the figures).

A commit that was sent may have happened even if no answer came, and it is sent again for as long as the session is
patient. That is safe: every write of the caller's has a precondition, so a second arrival changes nothing and is told
as `PreconditionFailed`, like any lost race. Whoever reads again finds what the first arrival wrote, and its events lie
in the outbox.
"""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tombola.adapters.google.document_queries import Query
from tombola.adapters.google.document_values import restored, stored
from tombola.adapters.google.errors import check_response, object_of, refusal, translated
from tombola.adapters.google.http import Api
from tombola.ports.clock import Clock
from tombola.ports.document_limits import check_commit
from tombola.ports.documents import (
    Create,
    Delete,
    DocumentKey,
    OutboundEvent,
    Replace,
    Snapshot,
    Where,
    Write,
    outbox_writes,
)
from tombola.ports.errors import NotFound, PreconditionFailed, Unavailable
from tombola.ports.indexes import check_query, query_order

FIRESTORE = Api("https://firestore.googleapis.com", "FIRESTORE_EMULATOR_HOST")
PAGE = 500
"""Documents read at a time by a query."""
_JSON = {"content-type": "application/json"}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_COMMIT_BITS = 63
"""A random number in so many bits names a commit. It need only differ from that of the commit before."""
_EXPECTED: Mapping[str | None, str] = {
    "ALREADY_EXISTS": "no document",
    "FAILED_PRECONDITION": "the version that was read",
    "NOT_FOUND": "the version that was read",
    "ABORTED": "nobody else writing at the same time",
}
"""What a commit that was refused had expected, by status. Nothing of it happened."""


class GoogleDocuments:
    """Documents of one Firestore database. A version is the time of the last write, as Firestore tells it."""

    def __init__(self, project: str, clock: Clock, *, database: str = "(default)") -> None:
        """Name the database; `clock` dates what goes into the outbox. Nothing is opened before it is used."""
        self._root = f"projects/{project}/databases/{database}/documents"
        self._clock = clock

    def get(self, keys: Sequence[DocumentKey]) -> list[Snapshot | None]:
        """Return one snapshot or None per key, in order, by one request."""
        if not keys:
            return []
        names = list(dict.fromkeys(self._name(key) for key in keys))
        answers = self._read("batchGet", {"documents": names}, f"{len(names)} documents of {keys[0].collection}")
        found = {answer["found"]["name"]: answer["found"] for answer in answers if "found" in answer}
        found |= {answer["missing"]: None for answer in answers if "missing" in answer}
        if unanswered := set(names) - set(found):
            msg = f"{len(unanswered)} of {len(names)} documents were neither found nor missing"
            raise Unavailable(msg)
        each = [(key, found[self._name(key)]) for key in keys]
        return [document and _snapshot(key.collection, document) for key, document in each]

    def query(
        self, collection: str, where: Sequence[Where], *, order_by: str | None = None, limit: int | None = None
    ) -> Iterator[Snapshot]:
        """Yield the documents that match, in the port's order. A document without the field never matches.

        Raises `Refused` when the query needs an index that `COLLECTIONS` does not declare.
        """
        check_query(collection, where, order_by)
        return self._pages(Query(collection, tuple(where), query_order(where, order_by)), limit)

    def commit(self, writes: Sequence[Write], events: Sequence[OutboundEvent] = ()) -> None:
        """Apply all writes or none, and put the events into the outbox in the same commit.

        Raises `PreconditionFailed` when any precondition does not hold, `Refused` when a limit of the
        port is passed or a document is written twice. Publishes nothing: see the outbox.
        """
        outbox = outbox_writes(events, self._clock.now())
        check_commit([*writes, *outbox])
        if not writes and not outbox:
            return
        number = secrets.randbits(_COMMIT_BITS)
        body = [*(self._write(write, number) for write in writes), *(self._set(event, number) for event in outbox)]
        asked = f"commit of {len(body)} documents"
        answer = self._send("commit", {"writes": body}, asked)
        refused = refusal(answer)
        if refused and refused.status in _EXPECTED:
            msg = f"{asked}: {refused.words}; expected: {_EXPECTED[refused.status]}"
            raise PreconditionFailed(msg)
        check_response(asked, answer)
        object_of(asked, answer)

    def _write(self, write: Write, number: int) -> dict[str, Any]:
        """Return one write with its precondition."""
        match write:
            case Create():
                return {**self._set(write, number), "currentDocument": {"exists": False}}
            case Replace():
                return {**self._set(write, number), "currentDocument": _as_read(write)}
            case Delete():
                return {"delete": self._name(write.key), "currentDocument": _as_read(write)}

    def _set(self, write: Create | Replace, number: int) -> dict[str, Any]:
        """Return the write of a whole document over whatever is there: alone, it is what puts an event into the outbox.

        An event that lies there already is the same event; to be found again by the relay is all it is for.
        """
        return {"update": {"name": self._name(write.key), "fields": stored(write.key, write.fields, number)}}

    def _pages(self, query: Query, limit: int | None) -> Iterator[Snapshot]:
        """Read page by page, so that nothing stays open while the caller works."""
        after: Mapping[str, Any] | None = None
        left = limit
        while left is None or left > 0:
            wanted = PAGE if left is None else min(PAGE, left)
            answers = self._read("runQuery", query.page(after, wanted), f"query of {query.collection}")
            page = [answer["document"] for answer in answers if "document" in answer]
            yield from (_snapshot(query.collection, document) for document in page)
            if len(page) < wanted:
                return
            after = page[-1]
            left = None if left is None else left - len(page)

    def _read(self, method: str, body: Mapping[str, Any], asked: str) -> list[dict[str, Any]]:
        """Return the answers to a read.

        A database or an index that is not there is an outage: both come with the next deployment, or soon after it.
        """
        answer = self._send(method, body, asked)
        try:
            check_response(asked, answer)
        except (NotFound, PreconditionFailed) as error:
            raise Unavailable(str(error)) from error
        with translated(asked):
            answers: list[dict[str, Any]] = answer.json()
        if not (isinstance(answers, list) and answers):  # where nothing was found, the time of reading is told
            msg = f"{asked}: no answer came"
            raise Unavailable(msg)
        if broken := [each["error"] for each in answers if "error" in each]:  # it went wrong after a good beginning
            msg = f"{asked}: {broken}"
            raise Unavailable(msg)
        return answers

    def _send(self, method: str, body: Mapping[str, Any], asked: str) -> Any:  # noqa: ANN401 (a response of requests)
        """Return the answer to a request. Text goes as it is: escaped, it would be up to three times as long."""
        text = _encode(body).encode()
        return FIRESTORE.send("POST", f"/v1/{self._root}:{method}", asked, data=text, headers=_JSON)

    def _name(self, key: DocumentKey) -> str:
        return f"{self._root}/{key.collection}/{key.id}"


def _snapshot(collection: str, document: Mapping[str, Any]) -> Snapshot:
    key, fields = restored(collection, document)
    return Snapshot(key, fields, document["updateTime"])


def _as_read(write: Replace | Delete) -> dict[str, str]:
    """Return the precondition of a version. What is none would be no precondition at all to Firestore."""
    if not isinstance(write.version, str):
        msg = f"{write.key.collection}/{write.key.id} was never read; expected: the version that was read"
        raise PreconditionFailed(msg)
    return {"updateTime": write.version}
