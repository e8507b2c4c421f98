"""Leases: who may do the work of an idempotency key, and what was answered.

One document per key: leased, then answered. The lease is created, or taken over once it is over, by one commit with
its precondition, so of any number of calls at once one does the work. Whoever crashes leaves a lease that ends by
itself. Between the work's own commit and the keeping of its answer there is a gap that only the work can close, by
being idempotent by state; a crash in it lets the next call do the work again.
"""

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from tombola.instants import Instant
from tombola.ports import Ports
from tombola.ports.errors import PortError, PreconditionFailed
from tombola.ports.unit_of_work import UnitOfWork
from tombola.runtime import logs, wiring
from tombola.runtime.http import Answer, HttpRequest
from tombola.runtime.idempotency import (
    HEADER,
    REPLAYED,
    RETRY_SECONDS,
    AnswerNotKept,
    Idempotency,
    InProgress,
    KeyReused,
    fingerprint,
    key_of,
    scope,
)
from tombola.runtime.outcomes import Outcome, judged
from tombola.runtime.serving import PROBLEM, json_of

METHODS = frozenset({"POST", "PATCH"})
"""What is not idempotent by HTTP's own rules; the others take no key."""
MAX_ANSWER_BYTES = 256 * 1024
KEPT_REFUSALS = frozenset({400, 404, 409, 410, 413, 422})
"""Refusals that sending the same again cannot change. The others speak of headers (401, 415) or of us (503)."""
TURNS = 5
"""How often a lost race for the lease is looked at again: whoever loses finds the winner's lease."""


class Held(BaseModel):
    """What is known of a key. `lease` is drawn anew by whoever does the work; `status` is None until it is answered.

    `body` is None for an empty answer; `too_large` says that the answer had one that is not kept.
    """

    model_config = ConfigDict(frozen=True)
    COLLECTION: ClassVar[str] = "idempotency"

    scope: str
    fingerprint: bytes
    lease: str
    leased_until: Instant
    expires: Instant
    status: int | None = None
    headers: dict[str, str] = {}
    body: bytes | None = None
    too_large: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The typed key's parts."""
        return (self.scope,)

    def fields(self) -> dict[str, Any]:
        """Return the document's fields."""
        return dict(self)

    def answer(self) -> Answer:
        """Return what was answered, marked as given before. Raises `AnswerNotKept`."""
        if self.too_large or self.status is None:
            msg = f"this was done before; its answer was larger than {MAX_ANSWER_BYTES} bytes and is not kept"
            raise AnswerNotKept(msg)
        return Answer(self.body, self.status, {**self.headers, REPLAYED: "true"})


def answer_once(
    ports: Ports, idempotency: Idempotency, function: str, request: HttpRequest, work: Callable[[], Answer]
) -> Answer:
    """Return what `work` returns, or what was returned to the first request of this key.

    Raises what `work` raises, and `KeyMissing`, `KeyMalformed` (400), `KeyReused` (422), `InProgress` (409).
    """
    if request.method not in METHODS:
        return work()
    key = key_of(request.headers, required=idempotency.required)
    if key is None:
        return work()
    name, payload = scope(function, idempotency.caller(request), key), fingerprint(request)
    lease = uuid.uuid4().hex  # one for all turns: whoever hears nothing of its commit must know its own lease again
    for _ in range(TURNS):
        try:
            held = _leased(ports, idempotency, name, payload, lease)
        except PreconditionFailed:
            continue
        return held.answer() if held.status is not None else _worked(ports, held, work)
    raise _in_progress()


def decide(held: Held | None, wanted: Held, now: datetime) -> Held:
    """Return what is to be held of a key: `wanted` when the work is to be done, `held` when it was answered.

    `held` too when it is the lease that is wanted: it was committed, and only the answer to that was lost.
    Raises `KeyReused` when the payload is another, `InProgress` when somebody else is at it.
    """
    if held is None or held.expires <= now:
        return wanted
    if held.fingerprint != wanted.fingerprint:
        msg = f"this {HEADER} came before with another method, path, query or body; a new request needs a new key"
        raise KeyReused(msg)
    if held.status is not None or held.lease == wanted.lease:
        return held
    if now < held.leased_until:
        raise _in_progress()
    return wanted


def _leased(ports: Ports, idempotency: Idempotency, name: str, payload: bytes, lease: str) -> Held:
    """Return the key as it is held now, by us unless it is answered. Raises `PreconditionFailed` for a lost race."""
    now = ports.clock.now()
    lasting = idempotency.lease or timedelta(seconds=wiring.settings().timeout)
    wanted = Held(
        scope=name,
        fingerprint=payload,
        lease=lease,
        leased_until=now + lasting,
        expires=now + idempotency.keep,
    )
    unit = UnitOfWork(ports.documents)
    held = decide(unit.read(Held, wanted.parts), wanted, now)
    if held is wanted:
        ports.documents.commit([unit.write(wanted)])
    return held


def _worked(ports: Ports, held: Held, work: Callable[[], Answer]) -> Answer:
    """Do the work and keep its answer, or give the lease back when the same may go well another time."""
    outcome = judged(work)
    _settle(ports, held, _after(held, outcome, ports.clock.now()))
    if outcome.value is not None:
        return outcome.value
    raise outcome.fault or outcome.error or TypeError


def _after(held: Held, outcome: Outcome[Answer], now: datetime) -> Held:
    """Return what is to be held once the work has ended."""
    if (made := outcome.value) is not None and _kept(made.status):
        return _with(held, made.status, dict(made.headers), json_of(made.content))
    if outcome.fault is not None and _kept(outcome.fault.status):
        body = json.dumps(outcome.fault.as_problem()).encode()
        return _with(held, outcome.fault.status, {"Content-Type": PROBLEM}, body)
    return held.model_copy(update={"leased_until": now})


def _kept(status: int) -> bool:
    return status < HTTPStatus.BAD_REQUEST or status in KEPT_REFUSALS


def _with(held: Held, status: int, headers: dict[str, str], body: bytes | None) -> Held:
    if len(body or b"") > MAX_ANSWER_BYTES:
        return held.model_copy(update={"status": status, "too_large": True})
    return held.model_copy(update={"status": status, "headers": headers, "body": body})


def _settle(ports: Ports, ours: Held, after: Held) -> None:
    """Write down how it ended, if the lease is still ours. Never raises: the work has ended as it has.

    What cannot be written leaves a lease that ends by itself.
    """
    try:
        unit = UnitOfWork(ports.documents)
        found = unit.read(Held, ours.parts)
        if found is not None and found.lease == ours.lease:
            ports.documents.commit([unit.write(after)])
    except PortError:
        logs.logger().warning("an answer could not be kept", exc_info=True)


def _in_progress() -> InProgress:
    msg = f"a request with this {HEADER} is being answered; send the same again in {RETRY_SECONDS} seconds"
    return InProgress(msg)
