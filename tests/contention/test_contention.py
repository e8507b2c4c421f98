"""Many processes want the same few tokens, moments, prizes and money, and some of them are killed.

The same crowd is let loose on documents that drop every precondition (read, check, write): it must be caught
overspending, or the checks here would show nothing. `nox -s bench -- contention` attacks as hard as you like.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from .attack import Aftermath, attack
from .homes import ADAPTERS, Attack

if TYPE_CHECKING:
    from pathlib import Path

    from tombola.games.plays import Play

ORDERS, PROCESSES, KILLS = 48, 4, 2


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> str:
    """Name one documents adapter after the other."""
    return str(request.param)


def granted(plays: list[Play]) -> Counter[str]:
    return Counter(play.prize.name for play in plays if play.prize.name)


def attacked(folder: Path, adapter: str, kind: str, draw: str) -> Aftermath:
    kills = KILLS if kind == "guarded" else 0
    return attack(folder, adapter, kind, Attack(draw, ORDERS), processes=PROCESSES, kills=kills)


def test_by_moments_nothing_is_overspent_or_given_twice_and_the_books_add_up(adapter: str, tmp_path: Path) -> None:
    after = attacked(tmp_path, adapter, "guarded", "winning_moments")
    assert after.wrong == []
    assert after.books.wins == after.books.claims == after.books.moments
    assert after.answers > after.books.played


def test_by_odds_nothing_is_overspent_or_given_twice_and_the_books_add_up(adapter: str, tmp_path: Path) -> None:
    after = attacked(tmp_path, adapter, "guarded", "odds")
    assert after.wrong == []
    assert granted(after.plays)["fallback"] > 0
    assert after.answers > after.books.played


def test_who_reads_checks_and_writes_gives_a_moment_twice_and_passes_limits(adapter: str, tmp_path: Path) -> None:
    after = attacked(tmp_path, adapter, "naive", "winning_moments")
    assert after.found("twice")
    assert after.found("limit")


def test_who_reads_checks_and_writes_spends_what_is_not_there(adapter: str, tmp_path: Path) -> None:
    after = attacked(tmp_path, adapter, "naive", "odds")
    assert after.found("overspent") or after.found("limit")
    assert not after.books.adds_up
