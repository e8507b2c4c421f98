"""Called at `/<retailer>` by whoever pays prizes, with a message that the retailer signed."""

from tombola.runtime import Answer, HttpRequest, on_http, ports
from tombola.settling import usecases


@on_http(methods=("POST",), max_bytes=8_192)
def record_payment(request: HttpRequest) -> Answer:
    """Answer what the books took of it; told again, it changes nothing."""
    return Answer(usecases.record_payment(ports(), request.path.strip("/"), request.headers, request.body))
