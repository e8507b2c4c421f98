"""Asking before what cannot be taken back: a person at a terminal is asked, a script has decided already."""

import sys
from typing import Annotated

import typer

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. Without a terminal nothing is asked anyway.")]


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal, unless `yes`; whoever does not agree ends the command with exit code 1."""
    if not yes and sys.stdin.isatty():
        typer.confirm(question, abort=True)
