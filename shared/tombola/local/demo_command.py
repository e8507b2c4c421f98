"""What `tombola demo` shows: progress, a summary a manager can read, and the reconciliation."""

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tombola.local.demo import Ground, Notice, demo
from tombola.local.journey import RETAILER
from tombola.local.reconciliation import Check, Totals, checks, totals
from tombola.money import major_units

SOURCE = "The Complete Journey, 84.51°, research and education"


def run(home: Path, households: int | None, *, on: Ground = "embedded", as_json: bool) -> int:
    """Run the demo in `home` and print what it came to; return 1 when a line does not add up, else 0."""
    screen = Console(stderr=True)
    home = home.resolve()
    with demo(home, households, on) as year, _progress(screen) as notice:
        launched = year.live(notice)
        found = totals(year.ports, launched, str(year.report(launched)))
        lines = checks(year.ports, RETAILER, launched, found)
        exported = year.export(launched)
    if as_json:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
    else:
        _show(Console(), found, lines, home)
        kept = home / "audit" / launched.rules.campaign / f"v{launched.version}" / "heads"
        Console(soft_wrap=True).print(f"verify    python tools/verify_draws.py {exported} --heads {kept}")
    failed = [line for line in lines if not line.holds]
    for line in failed:
        screen.print(f"[red]does not add up[/] {line.name}: {line.found:,}, expected {line.expected:,}")
    return 1 if failed else 0


@contextmanager
def _progress(screen: Console) -> Iterator[Notice]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task("reading the year", total=None)

        def notice(done: int, of: int, at: datetime) -> None:
            progress.update(task, description=f"living through {at:%B %Y}", completed=done, total=of)

        yield notice


def _show(screen: Console, found: Totals, lines: list[Check], home: Path) -> None:
    screen.print(f"\n[bold]One year of {RETAILER.name}[/]  ({SOURCE})\n")
    screen.print(_feeds(found))
    screen.print(_figures(found))
    screen.print(_reconciliation(lines))
    screen.print("\nThe people of 2017 saw no banner of ours: uplift in this report can only be chance.")
    screen.print(f"report    {found.report}")
    screen.print(f"look      nox -s dev -- --home {home}    (or: tombola dev --home {home})")


def _feeds(found: Totals) -> Table:
    table = Table("feed", "files", "rows", "accepted", "rejected", "duplicates", "warnings", title="Files")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind in ("products", "shoppers", "orders"):
        files = [file for file in found.files if f"/{kind}/" in file.name]
        counts = (
            len(files),
            sum(file.rows for file in files),
            sum(file.accepted for file in files),
            sum(file.rejected for file in files),
            sum(file.duplicates for file in files),
            sum(sum(file.warnings.values()) for file in files),
        )
        table.add_row(kind, *(f"{count:,}" for count in counts))
    return table


def _figures(found: Totals) -> Table:
    def money(minor: int) -> str:
        return f"{major_units(minor, found.currency):,} {found.currency}"

    table = Table("", "", title="Campaign", show_header=False)
    table.columns[1].justify = "right"
    for name, value in (
        ("orders recorded", f"{found.orders:,}"),
        ("shoppers", f"{found.shoppers:,}"),
        ("times the banner was due", f"{found.proposals:,}"),
        ("of them withheld (control group)", f"{found.withheld:,}"),
        ("tokens issued", f"{found.tokens:,}"),
        ("tokens played", f"{found.plays:,}"),
        ("wins", f"{found.wins:,}"),
        ("prize pool", money(found.prize_pool_minor)),
        ("won", money(found.won_minor)),
        ("released by cancelled and returned orders", money(found.released_minor)),
        ("payable", money(found.payable_minor)),
        ("left in the pool", money(found.left_minor)),
    ):
        table.add_row(name, value)
    return table


def _reconciliation(lines: list[Check]) -> Table:
    """One row per check; a group that holds as a whole is folded into one row of sums."""
    table = Table("", "line", "found", "expected", title="Reconciliation")
    for column in table.columns[2:]:
        column.justify = "right"
    for name, several in _folded(lines).items():
        mark = "[green]✓[/]" if all(line.holds for line in several) else "[red]✗[/]"
        found, expected = (sum(each) for each in zip(*((line.found, line.expected) for line in several), strict=True))
        table.add_row(mark, name, f"{found:,}", ("≤ " if several[0].at_most else "") + f"{expected:,}")
    return table


def _folded(lines: list[Check]) -> dict[str, list[Check]]:
    broken = {line.group for line in lines if not line.holds}
    folded: dict[str, list[Check]] = defaultdict(list)
    for line in lines:
        folded[line.name if line.group is None or line.group in broken else line.group].append(line)
    return folded
