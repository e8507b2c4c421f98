"""The command `tombola audit export`: what a stranger needs to check a campaign's draws."""

from pathlib import Path
from typing import Annotated

import typer

from tombola.cli_home import Home, home_ports
from tombola.errors import Conflict, Problem
from tombola.fairness.usecases import export_audit

app = typer.Typer(help="Audits: hand a campaign over to be checked.", no_args_is_help=True)


@app.callback()
def _audit() -> None:
    """Keep `export` a command with a name of its own."""


@app.command()
def export(
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's id.")],
    out: Annotated[Path, typer.Option(help="Folder to write; it must be new or empty.")],
    version: Annotated[
        int | None, typer.Option(min=1, help="Version of its rules. Default: the last launched.")
    ] = None,
    home: Home = None,
) -> None:
    """Write register, rules, commitment, seals, books and, once revealed, both keys into a folder.

    Reads are not isolated from one another: ask while nothing is written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        msg = "the export goes into a folder of its own"
        raise Conflict(msg, [Problem("--out", str(out), "a folder that is new or empty")], code="folder-not-empty")
    written = 0
    for name, data in export_audit(home_ports(home), campaign, version):
        file = out / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        written += 1
    typer.echo(f"{written} files in {out}; README.md says how to check them")
