"""Called by the game page once a prize is due."""

from tombola.runtime import Answer, HttpRequest, on_http, ports
from tombola.settling import usecases
from tombola.settling.claiming import ClaimRequest


@on_http(methods=("POST",), max_bytes=8_192)
def claim_prize(request: HttpRequest) -> Answer:
    """Answer what is due, once the rules are met; asked again, the first claim stands."""
    return Answer(usecases.claim_prize(ports(), request.parse(ClaimRequest)))
