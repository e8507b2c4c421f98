"""The command `tombola new function`: a folder that passes every check, to be filled with what it is for."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Make something new.", no_args_is_help=True)


@app.callback()
def _new() -> None:
    """Keep `function` a command of its own name, though it is the only one."""


@app.command()
def function(
    name: Annotated[str, typer.Argument(help="A verb phrase, words joined by underscores: `ring_bell`.")],
    on: Annotated[str, typer.Option(help="What calls it: topic:NAME, bucket:NAME, http or schedule:CRON.")],
    functions: Annotated[
        Path | None, typer.Option(help="Folder of functions. Default: TOMBOLA_FUNCTIONS, else this checkout's.")
    ] = None,
) -> None:
    """Make the folder of a function: manifest, code, a sample event, a test. All checks pass as it is."""
    from tombola.local.new_function import new_function  # noqa: PLC0415 (heavy)
    from tombola.runtime import wiring  # noqa: PLC0415
    from tombola.runtime.manifests import functions_folder  # noqa: PLC0415

    for path in new_function(functions or wiring.settings().functions or functions_folder(), name, on):
        typer.echo(path)
    typer.echo("Say in function.yaml what it does, reads, writes and publishes; then `nox -s manifests`.", err=True)
