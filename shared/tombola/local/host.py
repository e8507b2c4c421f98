"""Host: every function's own `main.py`, under functions-framework, in one process.

functions-framework serves one function a process. Called once per function it gives one WSGI
application each; this host dispatches between them by the first segment of the path, which is the
service's name with dashes, as in a deployed address.
"""

import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import functions_framework

from tombola.errors import Fault, Problem, Unknown
from tombola.ports import Ports
from tombola.runtime import wiring
from tombola.runtime.logs import logger
from tombola.runtime.manifests import Manifest, read_manifests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_FRAMEWORK_VARIABLES = ("FUNCTION_TARGET", "FUNCTION_SIGNATURE_TYPE", "LOG_EXECUTION_ID", "ENTRY_POINT")
"""What functions-framework reads or leaves in the environment. Its execution ids in logs work by swapping
sys.stdout around every call, which threads would get tangled in; the runtime logs the trace id instead."""

_ENVIRON: Mapping[str, Any] = {
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8080",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "HTTP_HOST": "127.0.0.1:8080",
    "HTTP_FUNCTION_EXECUTION_ID": "local",  # or functions-framework draws one per call, which nobody reads here
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}


class Broken(Fault):
    """A function's code cannot be loaded. Its callers are told to try again: somebody may be mending it."""

    code = "function-broken"
    status = 503


@dataclass(frozen=True, slots=True)
class Reply:
    """What a function answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def accepted(self) -> bool:
        """Tell whether Pub/Sub would take the answer for an acknowledgement."""
        return 200 <= self.status < 300  # noqa: PLR2004 (HTTP's own classes)


class Host:
    """One WSGI application over all functions of a folder. Safe under threads."""

    def __init__(self, functions: Path, ports: Ports) -> None:
        """Read every manifest and hand `ports` to the runtime, which all functions share.

        Raises what `read_manifests` raises, naming every problem of every manifest.
        """
        wiring.install(ports)
        self.ports = ports
        self.manifests: Mapping[str, Manifest] = read_manifests(functions)
        self._folder = functions
        self._names = {name.replace("_", "-"): name for name in self.manifests}
        self._apps: dict[str, WSGIApplication] = {}
        self._loading = threading.Lock()

    def load(self) -> dict[str, Broken]:
        """Load every function now, and return what could not be loaded, by function."""
        broken: dict[str, Broken] = {}
        for name in self.manifests:
            try:
                self._app(name)
            except Broken as error:
                broken[name] = error
        return broken

    def call(
        self,
        function: str,
        body: bytes = b"",
        *,
        method: str = "POST",
        path: str = "/",
        headers: Sequence[tuple[str, str]] = (("Content-Type", "application/json"),),
    ) -> Reply:
        """Call a function by its name, without a socket. Raises `Unknown`; a broken function answers 503."""
        if function not in self.manifests:
            raise _unknown(function, self._names)
        plain_path, _, query = path.partition("?")
        environ = dict(_ENVIRON) | {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/" + function.replace("_", "-"),
            "PATH_INFO": plain_path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
        }
        for name, value in headers:
            variable = name.upper().replace("-", "_")
            environ[variable if variable == "CONTENT_TYPE" else f"HTTP_{variable}"] = value
        return answer_of(self._guarded(function), environ)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Serve `/<function-name>/<rest>`: the function sees `/<rest>`."""
        service, _, rest = environ.get("PATH_INFO", "/").lstrip("/").partition("/")
        name = self._names.get(service)
        if name is None:
            return problem(_unknown(service, self._names))(environ, start_response)
        environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/{service}"
        environ["PATH_INFO"] = f"/{rest}"
        return self._guarded(name)(environ, start_response)

    def _guarded(self, name: str) -> "WSGIApplication":
        try:
            return self._app(name)
        except Broken as error:
            return problem(error)

    def _app(self, name: str) -> "WSGIApplication":
        found = self._apps.get(name)
        if found is not None:
            return found
        with self._loading:
            if name not in self._apps:
                self._apps[name] = _load(name, self._folder / name / "main.py")
            return self._apps[name]


def answer_of(app: "WSGIApplication", environ: "WSGIEnvironment") -> Reply:
    """Call a WSGI application in this thread and collect what it answers."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], _failure: object = None) -> Callable[[bytes], object]:
        started[:] = [(status, headers)]
        return lambda _chunk: None

    chunks = app(environ, start)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    status, headers = started[0]
    return Reply(int(status.split(" ", 1)[0]), tuple(headers), body)


def problem(fault: Fault) -> "WSGIApplication":
    """Return a WSGI application that answers with this fault, as RFC 9457 says."""
    body = json.dumps(fault.as_problem()).encode()

    def app(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
        start_response(f"{fault.status} {fault.code}", headers)
        return [body]

    return app


def _unknown(found: str, names: Mapping[str, str]) -> Unknown:
    msg = f"there is no function {found!r} here"
    return Unknown(msg, [Problem("path", found, f"one of {', '.join(sorted(names))}")], code="unknown-function")


def _load(name: str, source: Path) -> "WSGIApplication":
    try:
        with _quiet_environment():
            app: WSGIApplication = functions_framework.create_app(name, str(source), "http")  # type: ignore[no-untyped-call]
    except Exception as error:
        logger().exception("function cannot be loaded", function=name)
        msg = f"{name}/main.py cannot be loaded: {type(error).__name__}: {error}"
        raise Broken(
            msg, [Problem(f"functions/{name}/main.py", str(error), "a module that can be imported")]
        ) from error
    return app


@contextmanager
def _quiet_environment() -> "Iterator[None]":
    """Let functions-framework load a function without its traces staying behind in this process."""
    kept = {variable: os.environ.pop(variable, None) for variable in _FRAMEWORK_VARIABLES}
    path = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path
        sys.modules.pop("main", None)
        for variable, value in kept.items():
            os.environ.pop(variable, None)
            if value is not None:
                os.environ[variable] = value
