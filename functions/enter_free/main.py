"""Called at `/<retailer>` with a free entry that the retailer signed: somebody takes part without buying."""

from tombola.games import usecases
from tombola.runtime import Answer, HttpRequest, on_http, ports


@on_http(methods=("POST",), max_bytes=10_000)
def enter_free(request: HttpRequest) -> Answer:
    """Answer with the token of the free entry, or with why there is none; asked again, the same."""
    return Answer(usecases.enter_free(ports(), request.path.strip("/"), request.headers, request.body))
