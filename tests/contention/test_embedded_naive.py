"""The same crowd on documents that drop every precondition (read, check, write): it must be caught overspending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .attack import Aftermath, attack
from .homes import Attack

if TYPE_CHECKING:
    from pathlib import Path


def attacked(folder: Path, draw: str) -> Aftermath:
    return attack(folder, "embedded", "naive", Attack(draw, 48), processes=4, kills=0)


def test_who_reads_checks_and_writes_gives_a_moment_twice_and_passes_limits(tmp_path: Path) -> None:
    after = attacked(tmp_path, "winning_moments")
    assert after.found("twice")
    assert after.found("limit")


def test_who_reads_checks_and_writes_spends_what_is_not_there(tmp_path: Path) -> None:
    after = attacked(tmp_path, "odds")
    assert after.found("overspent") or after.found("limit")
    assert not after.books.adds_up
