"""Many processes want the same few tokens, moments, prizes and money, and some of them are killed.

That the checks here would show it if somebody overspent, `test_embedded_naive.py` shows. `nox -s bench -- contention`
attacks as hard as you like.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tombola.local.emulators.firestore import firestore

from .attack import Aftermath, attack
from .homes import Attack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tombola.games.plays import Play

SIZES = {"embedded": (48, 4), "firestore": (12, 3)}
"""Orders and processes: every one of some thousand commits costs an emulator ten times what it costs SQLite."""
KILLS = 2


@pytest.fixture(scope="session")
def adapter(request: pytest.FixtureRequest) -> Iterator[str]:
    """Name the documents that are attacked."""
    if request.config.getoption("--adapters") == "embedded":
        yield "embedded"
        return
    with firestore() as emulator, pytest.MonkeyPatch.context() as environment:
        for name, value in emulator.environment.items():
            environment.setenv(name, value)
        yield "firestore"


def granted(plays: list[Play]) -> Counter[str]:
    return Counter(play.prize.name for play in plays if play.prize.name)


def attacked(folder: Path, adapter: str, draw: str) -> Aftermath:
    orders, processes = SIZES[adapter]
    return attack(folder, adapter, "guarded", Attack(draw, orders), processes=processes, kills=KILLS)


def test_by_moments_nothing_is_overspent_or_given_twice_and_the_books_add_up(adapter: str, tmp_path: Path) -> None:
    after = attacked(tmp_path, adapter, "winning_moments")
    assert after.wrong == []
    assert after.books.wins == after.books.claims == after.books.moments
    assert after.answers > after.books.played


def test_by_odds_nothing_is_overspent_or_given_twice_and_the_books_add_up(adapter: str, tmp_path: Path) -> None:
    after = attacked(tmp_path, adapter, "odds")
    assert after.wrong == []
    assert granted(after.plays)["fallback"] > 0
    assert after.answers > after.books.played
