"""From a Flask request to our own values, and back from an outcome to a Flask response."""

import json
from collections.abc import Mapping, Sequence

from flask import Request, Response
from pydantic import BaseModel
from pydantic_core import to_json
from werkzeug.exceptions import ClientDisconnected

from tombola.errors import Fault, Malformed, TooLarge
from tombola.runtime.faults import MethodNotAllowed
from tombola.runtime.http import Answer, Headers, HttpRequest
from tombola.runtime.outcomes import Outcome

RETRY_AFTER_SECONDS = 2
PROBLEM = "application/problem+json"
_ALWAYS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def lower_headers(request: Request) -> dict[str, str]:
    """Return the header fields by their names in lower case."""
    return {name.lower(): value for name, value in request.headers.items()}


def request_of(request: Request, methods: Sequence[str], max_bytes: int) -> HttpRequest:
    """Read a request. Raises `MethodNotAllowed` (405), `TooLarge` (413)."""
    check_method(request, methods)
    return HttpRequest(
        method=request.method,
        path=request.path,
        query=request.args.to_dict(),
        headers=Headers(dict(request.headers.items())),
        body=body_of(request, max_bytes),
    )


def check_method(request: Request, methods: Sequence[str]) -> None:
    """Refuse any other method; HEAD is a GET without its body. Raises `MethodNotAllowed`."""
    if request.method not in methods and not (request.method == "HEAD" and "GET" in methods):
        msg = f"{request.method[:20]} is not possible here; expected {', '.join(methods)}"
        raise MethodNotAllowed(msg)


def body_of(request: Request, max_bytes: int) -> bytes:
    """Return the body, reading one byte more than is allowed at the most, however long it claims to be.

    Raises `TooLarge`, and `Malformed` when the client stops sending.
    """
    if (request.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    try:
        while len(body) <= max_bytes and (part := request.stream.read(max_bytes + 1 - len(body))):
            body += part
    except ClientDisconnected:
        msg = "the body ends before its declared length"
        raise Malformed(msg, code="incomplete-body") from None
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return bytes(body)


def acknowledgement() -> Response:
    """Return the answer to a message that need not come again."""
    return _response(None, 204, {})


def answer(content: Answer) -> Response:
    """Return an answer as JSON; no content as an empty body."""
    return _response(json_of(content.content), content.status, content.headers)


def problem(outcome: Outcome[object], request: Request, methods: Sequence[str]) -> Response:
    """Return what went wrong as `application/problem+json` (RFC 9457); of our own failures only that they happened.

    Streamed, because functions-framework reads the rest of the request into memory before it answers
    anything else, and this may be the refusal of a body without end.
    """
    fault = fault_of(outcome)
    body = b"" if request.method == "HEAD" else json.dumps(fault.as_problem()).encode()
    headers = {**_ALWAYS, "Content-Type": PROBLEM, "Content-Length": str(len(body))}
    if outcome.status == MethodNotAllowed.status:
        headers["Allow"] = ", ".join(methods)
    if wait := fault.retry_after or (RETRY_AFTER_SECONDS if outcome.status == _Later.status else None):
        headers["Retry-After"] = str(wait)
    return Response(iter([body]), outcome.status, headers)


class _Later(Fault):
    code = "unavailable"
    status = 503


class _Failed(Fault):
    code = "internal-error"
    status = 500


def fault_of(outcome: Outcome[object]) -> Fault:
    """Return the fault that a caller is told of; of our own failures only that they happened."""
    if outcome.fault is not None:
        return outcome.fault
    if outcome.status == _Later.status:
        return _Later("this could not be done just now; nothing is known to have happened", code=outcome.word)
    return _Failed("this failed for a reason that is ours, not yours")


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"the body is larger than {max_bytes} bytes")


def _response(body: bytes | None, status: int, headers: Mapping[str, str]) -> Response:
    """Return a response; the function's own headers replace ours, in whatever case they are written."""
    response = Response(body, status, _ALWAYS, content_type="application/json")
    if body is None:
        del response.headers["Content-Type"]
    for name, value in headers.items():
        response.headers.set(name, value)
    return response


def json_of(content: BaseModel | Mapping[str, object] | bytes | None) -> bytes | None:
    """Return an answer's content as JSON; None for an empty body."""
    if content is None or isinstance(content, bytes):
        return content
    return content.model_dump_json().encode() if isinstance(content, BaseModel) else to_json(content)
