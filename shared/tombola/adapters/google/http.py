"""Google's REST interfaces over one session per process: authorised, kept alive, patient within bounds.

The session is google-auth's over requests. Both are most of what Google's own clients import anyway; the clients
add the rest of a second to every cold start (docs/google.md has the figures).
"""

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tombola.adapters.google.errors import check_response, object_of, translated

if TYPE_CHECKING:
    from google.auth.transport.requests import AuthorizedSession
    from requests import Response

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""What an account may do is said by its roles, not by scopes."""
CONNECT_SECONDS = 10
READ_SECONDS = 30
"""Between two bytes of an answer. A whole request of ours is small, or streamed."""
TRIES_AGAIN = 5
"""With the waits below, six seconds of asking again: longer is the business of who delivers our messages."""
READS_AGAIN = 2
"""An answer that did not come in time has cost half a minute already."""
FIRST_WAIT = 0.2
LONGEST_WAIT = 8.0
"""Also where the service asks for more: functions have their own end, and an outage is told to who can wait longer."""
TRANSIENT = (408, 429, 500, 502, 503, 504)
"""What Cloud Storage and Pub/Sub document as worth asking again."""
CONNECTIONS = 32
"""Kept alive: a process has up to 16 threads, and one that publishes much uses several."""

_lock = threading.Lock()
_sessions: "dict[bool, AuthorizedSession]" = {}


@dataclass(frozen=True, slots=True)
class Api:
    """One REST interface: its address, and the variable that names the emulator which stands in for it."""

    address: str
    emulator: str

    @property
    def base(self) -> str:
        """Return where requests go: the emulator, when its variable is set."""
        emulated = os.environ.get(self.emulator, "")
        if not emulated:
            return self.address
        return (emulated if "://" in emulated else f"http://{emulated}").rstrip("/")

    def ask(self, method: str, path: str, asked: str, **options: Any) -> "Response":  # noqa: ANN401 (those of requests)
        """Return the answer to a request, which is asked again while the service has a bad moment.

        So whatever is asked must bear being done twice. `path` may be a whole URL that the service gave; `asked`
        says in errors what it was about. Raises the port's error for an answer that says no.
        """
        response = self.send(method, path, asked, **options)
        check_response(asked, response)
        return response

    def told(self, method: str, path: str, asked: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 (those of requests)
        """Return the JSON object that is the answer to a request, asked as by `ask`."""
        return object_of(asked, self.ask(method, path, asked, **options))

    def send(self, method: str, path: str, asked: str, **options: Any) -> "Response":  # noqa: ANN401 (those of requests)
        """Return the answer as `ask` does, also one that says no. Raises `Unavailable` when there is none."""
        with translated(asked):
            url = path if "://" in path else f"{self.base}{path}"
            patience = (CONNECT_SECONDS, READ_SECONDS)
            answered: Response = session(emulated=url.startswith("http://")).request(  # type: ignore[no-untyped-call]
                method, url, timeout=patience, **options
            )
        return answered


def session(*, emulated: bool) -> "AuthorizedSession":
    """Return this process's session, made at its first use; an emulator's carries no credentials.

    Threads share it; a process that was forked before has its own.
    """
    with _lock:
        if emulated not in _sessions:
            _sessions[emulated] = _open(emulated=emulated)
        return _sessions[emulated]


def _open(*, emulated: bool) -> "AuthorizedSession":
    import google.auth  # noqa: PLC0415 (importing this module costs a cold start nothing)
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415
    from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415
    from requests.adapters import HTTPAdapter  # noqa: PLC0415
    from urllib3 import Retry  # noqa: PLC0415

    credentials = AnonymousCredentials() if emulated else google.auth.default(scopes=[SCOPE])[0]  # type: ignore[no-untyped-call]
    opened: AuthorizedSession = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    patience = Retry(
        total=TRIES_AGAIN,
        read=READS_AGAIN,
        allowed_methods=None,
        status_forcelist=TRANSIENT,
        backoff_factor=FIRST_WAIT,
        backoff_jitter=FIRST_WAIT,
        backoff_max=LONGEST_WAIT,
        retry_after_max=int(LONGEST_WAIT),
        raise_on_status=False,
    )
    for scheme in ("https://", "http://"):
        opened.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS, max_retries=patience))
    return opened
