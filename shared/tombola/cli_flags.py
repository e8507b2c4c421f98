"""The commands `tombola flags ...`: check a file of feature flags, and ask it what somebody would get."""

from pathlib import Path
from typing import Annotated

import typer

from tombola.errors import Malformed, Problem
from tombola.runtime.flags import KINDS, Flag, evaluate, read_flags

app = typer.Typer(help="Feature flags: check the file, ask it.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="The file `flags.yaml`, YAML or JSON.")]
Attributes = Annotated[list[str] | None, typer.Option("--attribute", "-a", help="`name=value`, as often as needed.")]


@app.command()
def check(file: File) -> None:
    """Say everything that is wrong with a file of flags, line by line; or what is in it. Exit code 2: refused."""
    for name, flag in _flags(file).items():
        rules = f", rules: {len(flag.rules)}" if flag.rules else ""
        typer.echo(f"{name}: {flag.type}, {flag.default}{rules}")


@app.command("evaluate")
def evaluate_flag(
    file: File,
    name: Annotated[str, typer.Argument(metavar="FLAG", help="The flag.")],
    key: Annotated[str, typer.Option(help="Whom percentages are taken of.")] = "",
    attribute: Attributes = None,
) -> None:
    """Say what a flag is for somebody, and why."""
    flags = _flags(file)
    if name not in flags:
        known = ", ".join(flags) or "none"
        msg = f"there is no flag {name!r}"
        raise Malformed(msg, [Problem("FLAG", repr(name), f"one of {known}")])
    default = KINDS[flags[name].type].python()
    found = evaluate(flags, name, default, key, dict(map(_pair, attribute or [])))
    why = found.error or " ".join(filter(None, (found.reason, found.variant)))
    typer.echo(f"{str(found.value).lower() if isinstance(found.value, bool) else found.value}  ({why})")


def _flags(file: Path) -> dict[str, Flag]:
    try:
        text = file.read_bytes()
    except OSError as error:
        msg = f"cannot read {file}"
        raise Malformed(msg, [Problem("FILE", str(error.strerror), "a file of flags")]) from error
    return read_flags(text, file.name).root


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        msg = f"--attribute {text!r}; expected name=value"
        raise typer.BadParameter(msg)
    return name, value
