"""The same launched campaign as in the tests of games."""

from ..games.conftest import Game, game, launch  # noqa: TID252 (tests have no package of their own to be named by)

__all__ = ["Game", "game", "launch"]
