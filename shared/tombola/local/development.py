"""`tombola dev`: the whole system kept running on one machine, with a console to look at it."""

import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib import resources
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, Protocol

import waitress.server  # type: ignore[import-untyped]  # ships no types

from tombola.errors import Conflict, Forbidden, Problem
from tombola.local.console import LOG_FILE, Console, only_this_machine, problem_response, same_origin
from tombola.local.laptop import Laptop, alone_in, assemble
from tombola.local.traces import Traces
from tombola.ports import Ports
from tombola.ports.errors import PreconditionFailed
from tombola.runtime import logs, wiring
from tombola.runtime.manifests import HttpTrigger, functions_folder
from tombola.runtime.settings import read_settings
from tombola.runtime.tracing import recording

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

ADDRESS = "127.0.0.1"
THREADS = 8
LARGEST_REQUEST = 64 * 1024 * 1024
"""What the server spools before any function sees it; functions refuse much less, in their own words."""
EXAMPLE_RETAILER = "corner-shop"
KEYS = (
    f"webhook-{EXAMPLE_RETAILER}", f"pseudonym-{EXAMPLE_RETAILER}", "token-signing", "receipt-signing", "head-signing",
)  # fmt: skip
KEY_BYTES = 32

Say = Callable[[str], None]


class Server(Protocol):
    """What is used of waitress."""

    effective_port: int

    def run(self) -> None:
        """Serve until interrupted."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


def serve(home: Path, port: int, *, functions: Path | None = None, say: Say = print) -> None:
    """Run until interrupted (SIGINT, SIGTERM); then finish what runs and leave the rest for the next start.

    Raises `Conflict` when the port is taken or another process runs on this home.
    """
    with alone_in(home), log_file(home), traced(home) as traces:
        settings = read_settings().model_copy(update={"home": home, "adapters": "embedded"})
        folder = functions or settings.functions or functions_folder()
        ports = wiring.build(settings.model_copy(update={"functions": folder}))
        fresh = prepare(ports)
        laptop = assemble(home, ports, folder)
        server = listen(site(laptop, home, traces), port)
        for line in _greeting(laptop, home, server.effective_port, fresh=fresh):
            say(line)
        _run(laptop, server, say)


def prepare(ports: Ports) -> list[str]:
    """Give a fresh home an example retailer and its keys; return the names of what was made."""
    made = [name for name in KEYS if _make_key(ports, name)]
    name = f"retailers/{EXAMPLE_RETAILER}.yaml"
    text = resources.files("tombola.local").joinpath("examples", f"{EXAMPLE_RETAILER}.yaml").read_bytes()
    with suppress(PreconditionFailed):
        ports.objects.replace("config", name, text, if_generation=0)
        made.append(name)
    return made


def site(laptop: Laptop, home: Path, traces: Traces) -> "WSGIApplication":
    """Return the application: the console at `/` and below `/console/`, a function at each other first segment."""
    console = Console(laptop.ports, laptop.queue, laptop.lanes, home, lambda: laptop.runner.tally, traces)
    open_to_pages = {
        manifest.service
        for manifest in laptop.host.manifests.values()
        if isinstance(manifest.trigger, HttpTrigger) and manifest.trigger.public
    }

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        first = path.lstrip("/").partition("/")[0]
        if first in {"", "console", "favicon.ico"}:
            return console(environ, start_response)
        origin, host = environ.get("HTTP_ORIGIN"), environ.get("HTTP_HOST", "")
        if first not in open_to_pages and not same_origin(origin, host):
            fault = Forbidden("this function is not for web pages", [Problem("Origin", "another site", "none")])
            return problem_response(fault)(environ, start_response)
        return laptop.host(environ, start_response)

    return only_this_machine(app)


def _run(laptop: Laptop, server: "Server", say: Say) -> None:
    stop = threading.Event()
    threads = [
        threading.Thread(target=target, args=(stop,), name=name)
        for name, target in (
            ("runner", laptop.runner.run),
            ("watcher", laptop.watcher.watch),
            ("scheduler", laptop.scheduler.run),
        )
    ]
    for thread in threads:
        thread.start()
    with _interruptible():
        server.run()  # returns when interrupted, after the requests that run
    say("stopping: what runs is finished, the rest waits for the next start")
    stop.set()
    for thread in threads:
        thread.join()
    server.close()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn SIGTERM into the interruption that SIGINT is already."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before[signal.SIGTERM])
        signal.signal(signal.SIGINT, signal.default_int_handler)


def listen(app: "WSGIApplication", port: int) -> "Server":
    """Listen on a port of this machine alone; 0 finds a free one. Raises `Conflict` when the port is taken."""
    try:
        server: Server = waitress.server.create_server(
            app, host=ADDRESS, port=port, threads=THREADS, max_request_body_size=LARGEST_REQUEST, ident="tombola"
        )
    except OSError as error:
        msg = f"port {port} of {ADDRESS} cannot be used ({error.strerror}); give another with --port"
        raise Conflict(msg, code="port-taken") from error
    return server


@contextmanager
def log_file(home: Path) -> Iterator[None]:
    """Write the functions' log into the home folder while the block runs."""
    file = home / LOG_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8", buffering=1) as stream:
        logs.configure(stream, read_settings().log_level)
        try:
            yield
        finally:
            logs.configure(sys.stderr, read_settings().log_level)


@contextmanager
def traced(home: Path) -> Iterator[Traces]:
    """Keep the functions' spans in the home folder while the block runs."""
    with closing(Traces(home)) as traces:
        recording.install(traces)
        try:
            yield traces
        finally:
            recording.install(None)


def _make_key(ports: Ports, name: str) -> bool:
    if ports.keys.versions(name):
        return False
    with suppress(PreconditionFailed):
        ports.keys.create(name, secrets.token_bytes(KEY_BYTES))
        return True
    return False


def _greeting(laptop: Laptop, home: Path, port: int, *, fresh: list[str]) -> Iterator[str]:
    address = f"http://{ADDRESS}:{port}"
    yield f"console     {address}/"
    yield f"functions   {address}/<function-name>   ({len(laptop.host.manifests)} of them)"
    yield f"inbox       {home / 'inbox'}/<retailer>/<feed>/<file>"
    yield f"receipts    {home / 'receipts'}"
    yield f"log         {home / LOG_FILE}"
    if fresh:
        yield f"made        {', '.join(fresh)}"
        yield f"            tombola keys show webhook-{EXAMPLE_RETAILER} --home {home}"
    for name, error in laptop.host.load().items():
        yield f"broken      {name}: {error.message}"
    yield "Ctrl-C stops; nothing is lost."
