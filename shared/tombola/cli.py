"""The command `tombola`. What a command needs is imported when it is called, so that `--help` is quick."""

import base64
import importlib
import secrets
import sys
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from tombola.cli_confirming import Yes, confirm
from tombola.cli_home import Home, home_folder, home_ports
from tombola.errors import Fault, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tombola.local.console_state import Facts
    from tombola.local.queue import Queue

KEY_BYTES = 32

app = typer.Typer(
    name="tombola",
    help="Retailers' data turned into promotion games with draws a stranger can verify.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
letters = typer.Typer(help="Messages that no function could take.", no_args_is_help=True)
keys = typer.Typer(help="Signing keys and secrets on this machine.", no_args_is_help=True)
app.add_typer(letters, name="dead-letters")
app.add_typer(keys, name="keys")


@app.command()
def demo(
    home: Home = None,
    households: Annotated[
        str, typer.Option(help="How many of the 2,469 households, or `all`. More take longer.")
    ] = "30",
    *,
    on: Annotated[
        Literal["embedded", "emulators"],
        typer.Option(help="What it runs on: files of this machine, or emulators of Google Cloud."),
    ] = "embedded",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object of the totals, and nothing else.")
    ] = False,
) -> None:
    """Live through one year of a real grocer: files, profiles, tokens, prizes, a report, and the reconciliation."""
    from tombola.local.demo_command import run  # noqa: PLC0415 (heavy)

    if households != "all" and not (households.isdecimal() and int(households) > 0):
        _fail(f"--households {households!r}; expected a number from 1 up, or 'all'")
    number = None if households == "all" else int(households)
    raise SystemExit(run(home_folder(home), number, on=on, as_json=as_json))


@app.command()
def dev(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of this machine to listen on.")] = 8080,
    home: Home = None,
) -> None:
    """Keep the whole system running here, with a console. Ctrl-C loses nothing."""
    from tombola.local.development import serve  # noqa: PLC0415 (heavy)

    serve(home_folder(home), port, say=typer.echo)


@app.command()
def functions() -> None:
    """List the functions: what each does, what triggers it, what it publishes."""
    from rich import box  # noqa: PLC0415 (heavy)
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from tombola.runtime import wiring  # noqa: PLC0415
    from tombola.runtime.manifest_table import trigger_words  # noqa: PLC0415
    from tombola.runtime.manifests import functions_folder, read_manifests  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("function", no_wrap=True)
    table.add_column("what it does; trigger -> topics it publishes to")
    for manifest in read_manifests(wiring.settings().functions or functions_folder()).values():
        topics = f" -> {', '.join(manifest.publishes)}" if manifest.publishes else ""
        trigger = trigger_words(manifest.trigger).replace("`", "")
        table.add_row(manifest.name, escape(f"{manifest.summary}\n{trigger}{topics}"))
    Console().print(table)


def _say_version(asked: bool) -> None:  # noqa: FBT001 (typer calls it so)
    from importlib.metadata import version as installed  # noqa: PLC0415 (heavy)

    if asked:
        typer.echo(installed("tombola"))
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """Take what may stand before every command; its callbacks do all there is to do."""


@app.command()
def version() -> None:
    """Say which version this is."""
    _say_version(asked=True)


@letters.command("list")
def list_letters(home: Home = None) -> None:
    """Show dead letters: number, since when, reason, where each died, what to mend, of which file."""
    _, found = _letters_of(home)
    for letter in found:
        where = letter["function"] or letter["subscription"]
        said = (letter["message_id"], letter["at"], letter["reason"], where, letter["detail"], letter["object"])
        typer.echo("  ".join(str(one) for one in said if one))
    typer.echo(counted(len(found), "dead letter"), err=True)


@letters.command("send-again")
def send_again(
    numbers: Annotated[list[str] | None, typer.Argument(help="Numbers as `list` shows them.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
    home: Home = None,
) -> None:
    """Put dead letters back where they died, once what stopped them is mended."""
    queue, found = _letters_of(home)
    if not everything and not numbers:
        _fail("name at least one dead letter, or --all")
    wanted = [str(letter["message_id"]) for letter in found] if everything else _known(numbers or [], found)
    typer.echo(f"{queue.redrive(wanted)} of {len(wanted)} sent again")


@letters.command("discard")
def discard(
    numbers: Annotated[list[str], typer.Argument(help="Numbers as `list` shows them.")],
    *,
    yes: Yes = False,
    home: Home = None,
) -> None:
    """Forget dead letters that can never be mended. They cannot be brought back."""
    queue, found = _letters_of(home)
    wanted = _known(numbers, found)
    confirm(f"Discard {counted(len(wanted), 'dead letter')} for good?", yes=yes)
    typer.echo(f"{counted(queue.discard(wanted), 'dead letter')} discarded")


def _letters_of(home: "Path | None") -> "tuple[Queue, list[Facts]]":
    from tombola.local.console_state import dead_letters  # noqa: PLC0415 (heavy)
    from tombola.local.queue import queue_of  # noqa: PLC0415

    queue = queue_of(home_ports(home))
    return queue, dead_letters(queue, sys.maxsize)


def _known(numbers: "Sequence[str]", found: "Sequence[Facts]") -> list[str]:
    """Return the numbers, each once, if all are numbers of dead letters."""
    known = {str(letter["message_id"]) for letter in found}
    if strangers := sorted(set(numbers) - known):
        _fail(f"no dead letter {', '.join(strangers)}; `tombola dead-letters list` shows those there are")
    return list(dict.fromkeys(numbers))


@keys.command("create")
def create_key(name: str, home: Home = None) -> None:
    """Make a new random key of 32 bytes; the next version if the name exists."""
    store = home_ports(home).keys
    material = secrets.token_bytes(KEY_BYTES)
    key = store.rotate(name, material) if store.versions(name) else store.create(name, material)
    typer.echo(f"{key.name} version {key.version}")


@keys.command("show")
def show_key(name: str, home: Home = None) -> None:
    """Print a retailer's webhook key as Standard Webhooks writes it (`whsec_...`). Other keys are not shown."""
    from tombola.ports.errors import NotFound  # noqa: PLC0415 (heavy)

    if not name.startswith("webhook-"):
        _fail(f"key {name!r} is never shown; only keys that are shared with a retailer are (webhook-<retailer>)")
    try:
        key = home_ports(home).keys.get(name)
    except NotFound:
        _fail(f"there is no key {name!r}; `tombola keys create {name}` makes it")
    typer.echo(f"whsec_{base64.b64encode(key.material).decode()}")


def main(arguments: "Sequence[str] | None" = None) -> None:
    """Run the command line. Faults are one clear line each on standard error, and exit code 2."""
    from tombola.ports.errors import PortError  # noqa: PLC0415 (heavy)
    from tombola.runtime.faults import Misconfigured  # noqa: PLC0415

    given = list(sys.argv[1:] if arguments is None else arguments)
    _add_commands_of(given)
    try:
        app(given)
    except Fault as fault:
        _fail(fault.message, fault.problems)
    except (PortError, Misconfigured) as error:
        _fail(str(error))


_ELSEWHERE = {
    "audit": ("tombola.cli_audit", "app"),
    "campaign": ("tombola.cli_campaign", "app"),
    "check": ("tombola.cli_feeds", "check"),
    "contract": ("tombola.cli_contract", "contract"),
    "dialect": ("tombola.cli_dialect", "app"),
    "doctor": ("tombola.cli_doctor", "command"),
    "flags": ("tombola.cli_flags", "app"),
    "list": ("tombola.cli_list", "app"),
    "new": ("tombola.cli_new", "app"),
    "prize": ("tombola.cli_prize", "app"),
    "receipt": ("tombola.cli_feeds", "receipts"),
    "reconcile": ("tombola.cli_reconcile", "command"),
    "cost": ("tombola.cli_cost", "command"),
    "replay": ("tombola.cli_replay", "command"),
}
"""Commands that live in modules of their own, imported only when they, or the list of all, are asked for."""


def _add_commands_of(arguments: "Sequence[str]") -> None:
    first = next((one for one in arguments if not one.startswith("-")), None)
    for name in [first] if first in _ELSEWHERE else [] if first else _ELSEWHERE:
        module, attribute = _ELSEWHERE[str(name)]
        command = getattr(importlib.import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)


def counted(number: int, noun: str) -> str:
    """Return a number of things in words: `1 dead letter`, `2 dead letters`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _fail(message: str, problems: "Sequence[Problem]" = ()) -> NoReturn:
    typer.echo(f"tombola: {message}", err=True)
    for problem in problems if "\n" not in message else ():  # a message of several lines names them itself
        typer.echo(f"  {problem.where}: found {problem.found}; expected {problem.expected}", err=True)
    raise SystemExit(2)
