"""What Google's clients raise, as the ports' own errors.

An error is recognised by its family only where that family was imported already, so this module costs a cold start
nothing.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from tombola.ports.errors import NotFound, PortError, PreconditionFailed, Refused, Unavailable

STATUSES: Mapping[str, type[PortError]] = {
    "NOT_FOUND": NotFound,
    "ALREADY_EXISTS": PreconditionFailed,
    "FAILED_PRECONDITION": PreconditionFailed,
    "ABORTED": PreconditionFailed,
    "INVALID_ARGUMENT": Refused,
    "OUT_OF_RANGE": Refused,
    "UNIMPLEMENTED": Refused,
}
"""By canonical status (google.rpc.Code). Any other is an outage, a missing permission too: it is granted again, and
until then nothing may end among the dead letters."""
HTTP_STATUSES: Mapping[int, type[PortError]] = {
    400: Refused,
    404: NotFound,
    409: PreconditionFailed,
    412: PreconditionFailed,
    413: Refused,
    422: Refused,
}
"""By HTTP status, where no canonical one is told. Any other is an outage."""
FAMILIES = (
    ("google.api_core.exceptions", "GoogleAPIError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("grpc", "RpcError"),
    ("requests.exceptions", "RequestException"),
    ("urllib3.exceptions", "HTTPError"),
    ("builtins", "ConnectionError"),
    ("builtins", "TimeoutError"),
)
"""Module and class of all that Google's clients raise when a call fails."""


class Response(Protocol):
    """An answer over HTTP, as of `requests`."""

    status_code: int

    @property
    def text(self) -> str:
        """The body."""
        ...

    def json(self) -> Any:  # noqa: ANN401 (whatever was sent)
        """Return the decoded body."""
        ...


class Refusal(NamedTuple):
    """Why an answer says no: the canonical status (None if it tells none), and the service's own words."""

    status: str | None
    words: str


@contextmanager
def translated(asked: str) -> Iterator[None]:
    """Raise the port's error for whatever a client raises in the block; `asked` says what was asked of it.

    Any other error passes: it is ours.
    """
    try:
        yield
    except Exception as error:
        if not _is_of_a_client(error):
            raise
        msg = f"{asked}: {error}"
        raise _port_error(_status(error), getattr(error, "code", None))(msg) from error


def check_response(asked: str, response: Response) -> None:
    """Raise the port's error for an answer of Google's REST interfaces that says no; `asked` says what was asked."""
    if refused := refusal(response):
        msg = f"{asked}: {response.status_code} {refused.words}"
        raise _port_error(refused.status, response.status_code)(msg)


def refusal(response: Response) -> Refusal | None:
    """Return why an answer of Google's REST interfaces says no, None if it says yes.

    A method that streams (Firestore's `runQuery` and `batchGet`) says no inside a list of one, as it says yes in one.
    """
    if response.status_code < 400:  # noqa: PLR2004 (as HTTP has it)
        return None
    try:
        said = response.json()
        told = (said[0] if isinstance(said, list) else said)["error"]
        return Refusal(told.get("status"), told.get("message", ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return Refusal(None, response.text[:200])


def object_of(asked: str, response: Response) -> dict[str, Any]:
    """Return the JSON object that an answer is. Raises `Unavailable` for any other: something between has made it."""
    with translated(asked):
        found = response.json()
    if not isinstance(found, dict):
        msg = f"{asked}: found {type(found).__name__} in JSON; expected an object"
        raise Unavailable(msg)
    return found


def _is_of_a_client(error: Exception) -> bool:
    return isinstance(error, tuple(getattr(sys.modules.get(module), name, ()) for module, name in FAMILIES))


def _port_error(status: object, http_status: object) -> type[PortError]:
    if isinstance(status, str):
        return STATUSES.get(status, Unavailable)
    return HTTP_STATUSES.get(http_status, Unavailable) if isinstance(http_status, int) else Unavailable


def _status(error: Exception) -> str | None:
    """Return the canonical status of an error, as gRPC and google-api-core keep it, or None."""
    code = getattr(error, "grpc_status_code", None) or getattr(error, "code", None)
    code = code() if callable(code) else code
    name = getattr(code, "name", None)
    return None if isinstance(code, int) or name is None else str(name)
