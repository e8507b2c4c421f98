"""Called by the game page with a token."""

from tombola.draws import usecases
from tombola.games.answers import PlayRequest
from tombola.runtime import Answer, HttpRequest, on_http, ports


@on_http(methods=("POST",), max_bytes=8_192)
def play_game(request: HttpRequest) -> Answer:
    """Answer what the token drew; asked again, the same."""
    return Answer(usecases.play_game(ports(), request.parse(PlayRequest)))
