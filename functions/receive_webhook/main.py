"""Called by a retailer's server, at `/<retailer>`, with a signed statement about an order."""

from tombola.orders import usecases
from tombola.runtime import Answer, HttpRequest, on_http, ports


@on_http(methods=("POST",), max_bytes=1_000_000)
def receive_webhook(request: HttpRequest) -> Answer:
    """Answer 202 once the statement is safely on its way; sent again, it has no second effect."""
    usecases.receive_webhook(ports(), request.headers, request.body, request.path.strip("/"))
    return Answer(status=202)
