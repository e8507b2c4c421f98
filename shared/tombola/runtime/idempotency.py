"""Idempotency keys: a POST that is sent again under its key is not done again, and gets the same answer.

As in https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/. This module is what a function
states and what a request says; how a key is held while the work is done is in `tombola.runtime.leases`.

For HTTP functions whose work is not idempotent by itself. Handlers of events have no use for it: they keep what they
have done in the documents they write, so that any redelivery, in any order, however late, ends in the same state.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from tombola.digests import digest
from tombola.errors import Conflict, Fault, Malformed, Problem
from tombola.runtime.http import HttpRequest

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
"""Header of an answer that was given before."""
MAX_KEY_CHARACTERS = 255
EXPECTED = (
    f'one quoted string of 1 to {MAX_KEY_CHARACTERS} printable ASCII characters, such as a UUID: "8e03978e-40d5-..."'
)
RETRY_SECONDS = 2
_KEY = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
"""A String of RFC 9651 (structured fields), and nothing after it."""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """How a function takes keys.

    `caller` tells who is calling, and refuses (raises a `Fault`) whoever it does not know: a key means something only
    beside its caller, and nobody is given an answer that was another's. It is asked before anything is looked up.
    `required`: a request without a key is refused; otherwise it is simply done. `keep`: how long an answer is given
    again. `lease`: how long others wait for a call that may have crashed, at least the function's timeout; None is
    the timeout of the settings.
    """

    caller: Callable[[HttpRequest], str]
    required: bool = True
    keep: timedelta = timedelta(hours=24)
    lease: timedelta | None = None


class KeyMissing(Fault):
    """The function asks for a key, and there is none."""

    code = "idempotency-key-missing"


class KeyMalformed(Fault):
    """The key is not a quoted string, or there are several."""

    code = "idempotency-key-malformed"


class KeyReused(Malformed):
    """The key came before, with another payload."""

    code = "idempotency-key-reused"


class InProgress(Conflict):
    """The first request of this key is still being answered."""

    code = "idempotency-key-in-progress"
    retry_after = RETRY_SECONDS


class AnswerNotKept(Conflict):
    """The work was done, but its answer was too large to be kept."""

    code = "idempotency-answer-not-kept"


def key_of(headers: Mapping[str, str], *, required: bool) -> str | None:
    """Return the request's key, None if there is none. Raises `KeyMalformed`, and `KeyMissing` if it is required."""
    stated = headers.get(HEADER.lower())
    if stated is None:
        if required:
            msg = f"this function asks for the header {HEADER}, so that the same request can be sent again safely"
            raise KeyMissing(msg, [Problem(HEADER, "nothing", EXPECTED)])
        return None
    found = _KEY.fullmatch(stated.strip(" "))
    key = re.sub(r"\\(.)", r"\1", found[1]) if found else ""
    if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
        msg = f"the header {HEADER} does not hold one key"
        raise KeyMalformed(msg, [Problem(HEADER, f"{len(stated)} characters of another form", EXPECTED)])
    return key


def scope(function: str, caller: str, key: str) -> str:
    """Return the name of a key of one caller of one function: a digest, since both may name a person."""
    return digest("tombola.idempotency.scope.v1", function, caller, key).hex()


def fingerprint(request: HttpRequest) -> bytes:
    """Return the digest of what is asked for: method, path, query and body, byte for byte. Headers play no part."""
    query = [part for pair in sorted(request.query.items()) for part in pair]
    return digest("tombola.idempotency.payload.v1", request.method, request.path, request.body, *query)
