"""Does anybody overspend under attack, and how many tokens a second are played?

`nox -s bench -- contention [--orders 400] [--processes 8] [--kills 12] [--plays 1000] [--runs 3] [--write]` attacks a
campaign of either draw as the tests do, only harder, and a naive engine for comparison. Then it measures plays in one
campaign and in many. `--write` keeps the figures in `docs/bench/contention.json`. `--adapters firestore` does all that
on Google's emulator, whose speed says nothing of Firestore's: with `--plays 0` it is only attacked.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.contention.attack import ROOT, Aftermath, attack
from tests.contention.homes import ADAPTERS, Attack
from tests.contention.speed import Load, measured, prepared

from tombola.local.emulators.firestore import firestore

RESULT = ROOT / "docs" / "bench" / "contention.json"
MEMORY = Path("/dev/shm")  # noqa: S108 (a private folder is made in it)
DRAWS = ("winning_moments", "odds")
HOT, MANY = 1, 100
"""Campaigns."""


def main() -> None:
    """Attack, measure, print, and keep the figures if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("orders", 400), ("processes", 8), ("kills", 12), ("plays", 1000), ("runs", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--adapters", choices=ADAPTERS, nargs="+", default=["embedded"], help="documents to attack")
    parser.add_argument("--players", type=int, nargs="+", default=[1, 4], help="processes that play at the same time")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RESULT.name}")
    stated = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    with firestore() if "firestore" in stated.adapters else nullcontext() as emulator:
        os.environ.update(emulator.environment if emulator else {})
        attacks = list(_attacks(stated))
        console.print(_table("Attacks", attacks))
        speeds = list(_speeds(stated)) if stated.plays else []
    if speeds:
        console.print(_table(f"Plays, the middle one of {stated.runs} runs", speeds))
    if stated.write:
        figures = {**_machine(), "stated": vars(stated) | {"write": True}, "attacks": attacks, "plays": speeds}
        RESULT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        console.print(f"written: {RESULT}")
    if any(each["wrong"] for each in attacks if each["engine"] == "guarded"):
        sys.exit("somebody overspent")


def _attacks(stated: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for adapter in stated.adapters:
        for engine in ("guarded", "naive"):
            for draw in DRAWS:
                with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
                    hard = Attack(draw, stated.orders)
                    after = attack(Path(folder), adapter, engine, hard, processes=stated.processes, kills=stated.kills)
                yield {"adapter": adapter, "engine": engine, "draw": draw, **_told(after)}


def _told(after: Aftermath) -> dict[str, Any]:
    kinds = ("limit", "twice", "overspent")
    return {
        "handled": after.handled,
        "tokens": after.books.tokens,
        "plays": after.books.played,
        "answers": after.answers,
        "wins": after.books.wins,
        "seconds": round(after.seconds, 1),
        "wrong": len(after.wrong),
        **{kind: len(after.found(kind)) for kind in kinds},
    }


def _speeds(stated: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for adapter in stated.adapters:
        for players in stated.players:
            for draw in DRAWS:
                for campaigns in (HOT, MANY):
                    load = Load(draw, campaigns, stated.plays)
                    runs = [_run(adapter, load, players) for _ in range(stated.runs)]
                    yield {
                        "adapter": adapter, "players": players, "draw": draw, "campaigns": campaigns,
                        **_middle(runs),
                    }  # fmt: skip


def _run(adapter: str, load: Load, players: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        return measured(prepared(Path(folder), adapter, load), adapter, players)


def _middle(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {
        "plays": runs[0]["plays"],
        "wins": median(run["wins"] for run in runs),
        "plays_per_second": round(median(run["plays"] / run["seconds"] for run in runs)),
        "cpu_ms_per_play": round(median(run["cpu"] / run["plays"] * 1000 for run in runs), 2),
        "lost_races_per_1000_plays": round(median(run["lost"] / run["plays"] * 1000 for run in runs)),
    }


def _table(title: str, rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title=title)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), justify="left" if isinstance(rows[0][name], str) else "right")
    for row in rows:
        table.add_row(*map(str, row.values()))
    return table


def _machine() -> dict[str, Any]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}",
        "load": round(os.getloadavg()[1], 1),
    }


if __name__ == "__main__":
    main()
