"""Console: a page at `/` that shows what the system does, and the little that can be done about it.

It is for the person at this machine: it answers only to names of this machine, and what changes
anything must come from its own page.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from tombola.errors import Fault, Forbidden, Malformed, Problem, TooLarge, Unknown
from tombola.local import console_state
from tombola.local.console_order import order_entries
from tombola.local.console_profile import shopper_profile
from tombola.local.console_state import SOON, Lane
from tombola.local.console_traces import recent_traces, traces_of_order, waterfall
from tombola.local.queue import Queue
from tombola.local.runner import Tally
from tombola.local.traces import Traces
from tombola.ports import Ports
from tombola.ports.errors import NotFound, PortError, Refused
from tombola.problems import problems_of
from tombola.runtime.logs import logger

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

LOG_FILE = Path("logs", "functions.jsonl")
"""Where, under the home folder, the functions' log is."""
MAX_BODY_BYTES = 64 * 1024
OWN_HEADER = "Tombola-Console"
"""A header that no form and no other site's script can send without this server's leave."""

_PAGES: Mapping[str, tuple[str, str]] = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/console/console.css": ("console.css", "text/css; charset=utf-8"),
    "/console/console.js": ("console.js", "text/javascript; charset=utf-8"),
    "/console/traces.js": ("traces.js", "text/javascript; charset=utf-8"),
    "/console/console.svg": ("console.svg", "image/svg+xml"),
    "/favicon.ico": ("console.svg", "image/svg+xml"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_BUCKETS = {"/console/receipts/": "receipts", "/console/rejects/": "rejects", "/console/reports/": "reports"}
"""Below which path the objects of a bucket can be read."""
_TRACES = "/console/traces/"
_REPORT_POLICY = (
    "sandbox allow-downloads; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)
"""A report is one page with its styles and pictures inside; it runs nothing and fetches nothing."""

B = TypeVar("B", bound=BaseModel)


class WhichLetters(BaseModel):
    """Which dead letters to send again, or to discard."""

    model_config = ConfigDict(extra="forbid")

    message_ids: Annotated[list[Annotated[str, Field(pattern=r"^\d{1,18}$")]], Field(min_length=1, max_length=1000)]


class WhichShopper(BaseModel):
    """A shopper in the retailer's own words; the id goes no further than this process."""

    model_config = ConfigDict(extra="forbid")

    retailer: Annotated[str, Field(min_length=1, max_length=40)]
    shopper_id: Annotated[str, Field(min_length=1, max_length=200)]


class WhichOrder(BaseModel):
    """An order in the retailer's own words."""

    model_config = ConfigDict(extra="forbid")

    retailer: Annotated[str, Field(min_length=1, max_length=40)]
    order_id: Annotated[str, Field(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class Console:
    """A WSGI application. `tally` tells what was delivered since the start."""

    ports: Ports
    queue: Queue
    lanes: Sequence[Lane]
    home: Path
    tally: Callable[[], Tally]
    traces: Traces

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Serve the page, its files, the state, and the few things that can be asked by POST."""
        request = Request(environ)
        request.max_content_length = MAX_BODY_BYTES
        response = self._answer(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response(environ, start_response)

    def state(self) -> dict[str, object]:
        """Return everything the page shows, as plain values."""
        known = {lane.subscription for lane in self.lanes}
        letters = console_state.dead_letters(self.queue)
        return {
            "now": self.ports.clock.now().isoformat(),
            "home": str(self.home),
            "retailers": console_state.retailers(self.ports),
            "files": console_state.files(self.ports),
            "queues": console_state.queues(self.queue, self.lanes),
            "tally": asdict(self.tally()),
            "dead_letters": [{**letter, "redrivable": letter["subscription"] in known} for letter in letters],
            "campaigns": console_state.campaigns(self.ports),
            "outbox": console_state.outbox(self.ports),
            "traces": self.ports.memo.read(("console", "traces"), SOON, lambda: recent_traces(self.traces)),
            "log": console_state.log_lines(self.home / LOG_FILE),
        }

    def _answer(self, request: Request) -> Response:
        try:
            if request.method in {"GET", "HEAD"}:
                return self._get(request.path)
            if request.method == "POST":
                return self._post(request)
        except Fault as fault:
            return problem_response(fault)
        except PortError as error:
            logger().warning("console cannot read", error=type(error).__name__)
            return problem_response(_Outage(str(error)))
        not_allowed = Fault(f"{request.method} is not answered here; expected GET or POST", code="method-not-allowed")
        not_allowed.status = 405
        return problem_response(not_allowed)

    def _get(self, path: str) -> Response:
        if page := _PAGES.get(path):
            content = resources.files("tombola.local").joinpath("console_page", page[0]).read_bytes()
            return Response(content, content_type=page[1])
        if path == "/console/state":
            return json_response(self.state())
        if path.startswith(_TRACES):
            return json_response(waterfall(self.traces, path.removeprefix(_TRACES)))
        for prefix, bucket in _BUCKETS.items():
            if path.startswith(prefix):
                return self._object(bucket, path.removeprefix(prefix))
        msg = f"the console has no page {path!r}"
        raise Unknown(msg, code="unknown-page")

    def _object(self, bucket: str, name: str) -> Response:
        """Return an object of ours: JSON and reports to be read, all else (rejected rows, tables) to be saved."""
        try:
            with self.ports.objects.open(self.ports.objects.stat(bucket, name).ref) as stream:
                content = stream.read()
        except (NotFound, Refused) as error:
            msg = f"there is no {bucket.removesuffix('s')} {name!r}"
            raise Unknown(msg, code=f"unknown-{bucket.removesuffix('s')}") from error
        if name.endswith(".json"):
            return json_response(json.loads(content))
        if bucket == "reports" and name.endswith(".html"):
            page = Response(content, content_type="text/html; charset=utf-8")
            page.headers["Content-Security-Policy"] = _REPORT_POLICY
            return page
        response = Response(content, content_type="application/octet-stream")
        response.headers.set("Content-Disposition", "attachment", filename=name.rpartition("/")[2])
        return response

    def _post(self, request: Request) -> Response:
        if request.headers.get(OWN_HEADER) != "1" or not same_origin(request.headers.get("Origin"), request.host):
            msg = "only the console's own page may ask for this"
            raise Forbidden(msg, [Problem("headers", "another origin", f"{OWN_HEADER}: 1, from {request.host}")])
        if request.path == "/console/send-again":
            return json_response({"sent_again": self.queue.redrive(_parsed(request, WhichLetters).message_ids)})
        if request.path == "/console/discard":
            return json_response({"discarded": self.queue.discard(_parsed(request, WhichLetters).message_ids)})
        if request.path == "/console/profile":
            which = _parsed(request, WhichShopper)
            return json_response(shopper_profile(self.ports, which.retailer, which.shopper_id))
        if request.path == "/console/order":
            asked = _parsed(request, WhichOrder)
            return json_response(order_entries(self.ports, asked.retailer, asked.order_id))
        if request.path == "/console/traces":
            asked = _parsed(request, WhichOrder)
            return json_response(traces_of_order(self.ports, self.traces, asked.retailer, asked.order_id))
        msg = f"the console cannot do {request.path!r}"
        raise Unknown(msg, code="unknown-page")


class _Outage(Fault):
    code = "unavailable"
    status = 503


def same_origin(origin: str | None, host: str) -> bool:
    """Tell whether a request comes from a page of this server, or from no page at all (`curl`)."""
    return origin is None or origin == f"http://{host}"


def only_this_machine(app: "WSGIApplication") -> "WSGIApplication":
    """Refuse whoever calls this server by another name: a foreign name that leads here is DNS rebinding."""

    def guarded(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        names = {f"{name}:{environ['SERVER_PORT']}" for name in ("127.0.0.1", "localhost", "[::1]")}
        host = environ.get("HTTP_HOST", "")
        if host in names:
            return app(environ, start_response)
        fault = Forbidden(
            "this server answers only by its own name", [Problem("Host", host[:80], " or ".join(sorted(names)))]
        )
        return problem_response(fault)(environ, start_response)

    return guarded


def json_response(value: object) -> Response:
    """Return a value as JSON for people: indented, in its own order."""
    return Response(json.dumps(value, indent=1, default=str), content_type="application/json")


def problem_response(fault: Fault) -> Response:
    """Return a fault as RFC 9457 says."""
    return Response(json.dumps(fault.as_problem()), status=fault.status, content_type="application/problem+json")


def _parsed(request: Request, model: type[B]) -> B:
    try:
        return model.model_validate_json(request.get_data())
    except ValidationError as error:
        msg = "the body does not have the declared form"
        raise Malformed(msg, problems_of(error, model)) from None
    except HTTPException as error:
        msg = f"the body is larger than {MAX_BODY_BYTES} bytes"
        raise TooLarge(msg) from error
