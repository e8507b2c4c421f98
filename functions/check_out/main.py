"""Called at `/<retailer>` with an order that the retailer signed, by its server or by the page that carries it."""

from tombola.games import usecases
from tombola.runtime import Answer, HttpRequest, on_http, ports


@on_http(methods=("POST",), max_bytes=1_000_000)
def check_out(request: HttpRequest) -> Answer:
    """Answer with one token per campaign that the order earns, or with what is missing; asked again, the same."""
    return Answer(usecases.check_out(ports(), request.path.strip("/"), request.headers, request.body))
