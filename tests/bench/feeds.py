"""How fast the intake of feeds is, beside what checks nothing and beside what checks the same.

`python tests/bench/feeds.py [--rows N] [--runs 5] [--large N] [--write]` makes seeded files of order lines, lets
everybody read them in turns, each run in a process of its own, and prints medians. `--write` keeps them in
`docs/bench/feeds.json`.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
RESULT = HERE.parents[1] / "docs" / "bench" / "feeds.json"
MEMORY_DISK = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
PACKAGES = ("polars", "pyarrow", "pydantic", "dataframely", "frictionless")
RAW = "polars_strings"
"""Quoted as raw Polars: of the two ways to check nothing it is the faster one."""
REST_OF_ROWS = {"pydantic_rows": 5, "frictionless": 20}
"""The slow ones read a file this many times smaller; all of them are linear in rows."""
FEWER_BAD = 5
SMALL = 1_000
SHARE_BAD = 0.01
LARGE, LARGEST = 5, 20_000_000
GOALS: Mapping[str, float] = {"polars_raw": 0.5, "dataframely": 1, "pydantic_rows": 8, "frictionless": 40}
"""How many times as fast as these the project means to be."""
GOAL_BAD, GOAL_MIB = 0.8, 400


@dataclass(frozen=True, slots=True)
class Entry:
    """One contestant on one file."""

    label: str
    contestant: str
    file: Path
    rows: int
    small: Path
    """A file like the other one, with which the process warms up."""


@dataclass(slots=True)
class Measured:
    """Every run of one entry."""

    entry: Entry
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    refused: set[int | None] = field(default_factory=set)

    @property
    def median(self) -> float:
        """Seconds of the middle run."""
        return median(self.seconds)

    @property
    def rate(self) -> float:
        """Rows per second of the middle run."""
        return self.entry.rows / self.median

    @property
    def cpu(self) -> float:
        """Seconds of all cores per million rows: what others do on the machine disturbs it least."""
        return median(self.cpu_seconds) / self.entry.rows * 1_000_000

    @property
    def peak(self) -> float:
        """MiB of the middle run."""
        return median(self.peaks)

    def run(self, folder: Path) -> None:
        """Measure once more, in a new process."""
        command = [sys.executable, HERE / "feed_contestants.py", self.entry.contestant]
        command += [self.entry.file, self.entry.small, folder]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        if found["rows"] not in {0, self.entry.rows}:
            msg = f"{self.entry.label} read {found['rows']} rows of {self.entry.rows}"
            raise AssertionError(msg)
        self.seconds.append(found["seconds"])
        self.cpu_seconds.append(found["cpu_seconds"])
        self.peaks.append(found["peak_mib"])
        self.refused.add(found["refused"])


def main() -> None:
    """Measure, print, and keep the figures if asked to."""
    parser = argparse.ArgumentParser(description="Measure the intake of feeds.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the main file; slow contestants read fewer")
    parser.add_argument("--runs", type=int, default=5, help="of each contestant; the middle one counts")
    parser.add_argument(
        "--large", type=int, help=f"rows of the file that tells the memory; {LARGE} times as many if unsaid"
    )
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RESULT.name}")
    stated = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    with tempfile.TemporaryDirectory(dir=MEMORY_DISK if MEMORY_DISK.is_dir() else None) as name:
        entries = _entries(Path(name), stated.rows)
        found = _in_turns(entries, stated.runs, Path(name), console)
        small, large = _memory(Path(name), stated.large or stated.rows * LARGE, found["tombola"])
    console.print(_table(found))
    figures = _figures(found, small, large, stated.runs)
    console.print(_goals(figures))
    if stated.write:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        console.print(f"written: {RESULT}")


def _generate(file: Path, rows: int, share_bad: float) -> Path:
    """Make a file in another process: what this one holds would count as memory of the processes it starts."""
    command = [sys.executable, HERE / "feed_files.py", str(rows), str(share_bad), file]
    subprocess.run(command, check=True)
    return file


def _entries(folder: Path, rows: int) -> list[Entry]:
    main_file = _generate(folder / "orders.csv", rows, SHARE_BAD)
    packed = _generate(folder / "packed.csv.gz", rows, SHARE_BAD)
    bad = _generate(folder / "bad.csv", rows // FEWER_BAD, 1)
    small = _generate(folder / "small.csv", SMALL, SHARE_BAD)
    small_packed = _generate(folder / "small.csv.gz", SMALL, SHARE_BAD)
    entries = [Entry(name, name, main_file, rows, small) for name in ("tombola", RAW, "polars_typed", "dataframely")]
    for name, fewer in REST_OF_ROWS.items():
        file = _generate(folder / f"{name}.csv", rows // fewer, SHARE_BAD)
        entries.append(Entry(name, name, file, rows // fewer, small))
    entries += [Entry(f"{name}, all bad", name, bad, rows // FEWER_BAD, small) for name in ("tombola", "pydantic_rows")]
    return [
        *entries,
        *(Entry(f"{name}, gzip", name, packed, rows, small_packed) for name in ("tombola", "decompression")),
    ]


def _in_turns(entries: list[Entry], runs: int, folder: Path, console: Console) -> dict[str, Measured]:
    """Run everybody once, then everybody again: what else the machine does then disturbs all of them alike."""
    found = {entry.label: Measured(entry) for entry in entries}
    out = folder / "out"
    out.mkdir()
    with console.status("measuring") as status:
        for turn in range(runs):
            for label, measured in found.items():
                status.update(f"run {turn + 1} of {runs}: {label}")
                measured.run(out)
    _agree(found)
    return found


def _agree(found: Mapping[str, Measured]) -> None:
    """Raise unless all who refuse rows of a file refuse as many: then they check the same."""
    refused: dict[Path, set[int]] = {}
    for one in found.values():
        refused.setdefault(one.entry.file, set()).update(one.refused - {None})
    if differing := {file.name: counts for file, counts in refused.items() if len(counts) > 1}:
        msg = f"not everybody refused the same rows: {differing}"
        raise AssertionError(msg)


def _memory(folder: Path, rows: int, usual: Measured) -> tuple[Measured, Measured]:
    """Return the project on the main file and on a larger one of so many rows, which is there for this run alone."""
    for other in {*folder.glob("*.csv*")} - {usual.entry.small}:
        other.unlink()
    file = _generate(folder / "large.csv", rows, SHARE_BAD)
    large = Measured(Entry("tombola, large", "tombola", file, rows, usual.entry.small))
    large.run(folder / "out")
    return usual, large


def _table(found: Mapping[str, Measured]) -> Table:
    table = Table(title="Medians, in turns")
    for name in (
        "",
        "rows",
        "refused",
        "seconds",
        "slowest",
        "rows/s",
        "tombola is",
        "CPU s/M rows",
        "by CPU",
        "peak MiB",
    ):
        table.add_column(name, justify="left" if not name else "right")
    for label, measured in found.items():
        ours = _ours(label, found)
        is_ours = measured.entry.contestant == "tombola"
        refused = next(iter(measured.refused))
        table.add_row(
            label,
            f"{measured.entry.rows:,}",
            "-" if refused is None else f"{refused:,}",
            f"{measured.median:.2f}",
            f"{max(measured.seconds):.2f}",
            f"{measured.rate:,.0f}",
            "" if is_ours else f"{ours.rate / measured.rate:.2f} x",
            f"{measured.cpu:.2f}",
            "" if is_ours else f"{measured.cpu / ours.cpu:.2f} x",
            f"{measured.peak:,.0f}",
        )
    return table


def _ours(label: str, found: Mapping[str, Measured]) -> Measured:
    """Return the project's run that is to be held beside this one."""
    _, comma, which = label.partition(", ")
    return found[f"tombola{comma}{which}"]


def _figures(found: Mapping[str, Measured], small: Measured, large: Measured, runs: int) -> dict[str, Any]:
    per_row = (large.peak - small.peak) / (large.entry.rows - small.entry.rows)
    ours = found["tombola"]
    names = {"tombola": "tombola", "polars_raw": RAW, "polars_typed": "polars_typed", "dataframely": "dataframely"}
    names |= {name: name for name in REST_OF_ROWS}
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}",
        "load": round(os.getloadavg()[1], 1),
        "packages": {name: version(name) for name in PACKAGES},
        "runs": runs,
        "rows": ours.entry.rows,
        "rows_of": {name: found[label].entry.rows for name, label in names.items()},
        "rows_per_second": {name: round(found[label].rate) for name, label in names.items()},
        "cpu_seconds_per_million_rows": {name: round(found[label].cpu, 3) for name, label in names.items()},
        "times_as_fast_by_cpu": {name: round(found[label].cpu / ours.cpu, 3) for name, label in names.items()},
        "all_bad_rows_per_second": {
            name: round(found[f"{name}, all bad"].rate) for name in ("tombola", "pydantic_rows")
        },
        "all_bad_times_as_fast_by_cpu": round(found["pydantic_rows, all bad"].cpu / found["tombola, all bad"].cpu, 3),
        "gzip_seconds": {
            "tombola": round(found["tombola, gzip"].median, 3),
            "tombola_plain": round(ours.median, 3),
            "decompression": round(found["decompression, gzip"].median, 3),
        },
        "seconds_at": {str(one.entry.rows): round(one.median, 3) for one in (small, large)},
        "peak_mib_at": {str(one.entry.rows): round(one.peak) for one in (small, large)},
        "peak_mib_20m": round(large.peak + per_row * (LARGEST - large.entry.rows)),
        "peak_mib_20m_is": "measured" if large.entry.rows == LARGEST else "a straight line through peak_mib_at",
    }


def _goals(figures: Mapping[str, Any]) -> Table:
    """Return what is to be reached beside what is."""
    table = Table(title="Goals")
    for name in ("tombola beside", "goal", "found", ""):
        table.add_column(name)
    rates, bad = figures["rows_per_second"], figures["all_bad_rows_per_second"]
    lines = [(name, goal, rates["tombola"] / rates[name]) for name, goal in GOALS.items()]
    lines.append(("pydantic_rows, all bad", GOAL_BAD, bad["tombola"] / bad["pydantic_rows"]))
    for name, goal, ratio in lines:
        table.add_row(name, f"at least {goal:g} x", f"{ratio:.2f} x", "reached" if ratio >= goal else "not yet")
    peak = figures["peak_mib_20m"]
    reached = "reached" if peak < GOAL_MIB else "not yet"
    table.add_row("peak at 20 M rows", f"under {GOAL_MIB} MiB", f"{peak} MiB, {figures['peak_mib_20m_is']}", reached)
    return table


if __name__ == "__main__":
    main()
