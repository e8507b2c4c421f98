"""Called by whoever wants to verify a token or a receipt."""

from tombola.games import usecases
from tombola.runtime import Answer, HttpRequest, on_http, ports


@on_http(methods=("GET",), max_bytes=1_000)
def list_keys(_request: HttpRequest) -> Answer:
    """Answer the JWK set, to be kept for a minute at most: an unknown key id is a reason to ask again."""
    return Answer(usecases.list_keys(ports()), headers={"Cache-Control": "public, max-age=60"})
