"""The command `tombola list ...`: a retailer's own lists of shoppers, which segments of campaigns may ask about."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from tombola.campaigns.parts import Word
from tombola.cli_home import Home, home_ports
from tombola.errors import Malformed, Problem, Unknown
from tombola.privacy.pseudonyms import pseudonyms
from tombola.problems import MOST_SHOWN, shown
from tombola.profiles.usecases import load_list
from tombola.retailers.usecases import find_retailer, pseudonym_key
from tombola.runtime.races import decide_again

MOST_CHARACTERS = 200
"""Of a shopper's id, as at every other door."""

app = typer.Typer(help="A retailer's own lists of shoppers.", no_args_is_help=True)


@app.callback()
def _lists() -> None:
    """Keep `load` a command of its own name, though it is the only one."""


@app.command()
def load(
    name: Annotated[str, typer.Argument(help="The list, as segments name it: a-z, 0-9 and -, a letter first.")],
    file: Annotated[Path, typer.Argument(help="The retailer's own ids of all shoppers on it, one a line, UTF-8.")],
    retailer: Annotated[str, typer.Option(help="Whose shoppers they are.")],
    home: Home = None,
) -> None:
    """Put exactly these shoppers on a list: who is not in the file is on it no longer. Only pseudonyms are kept."""
    ports, ids = home_ports(home), _ids(file)
    _check_name(name)
    known = find_retailer(ports, retailer)
    of = pseudonyms(pseudonym_key(ports, known), known.retailer)
    shoppers = {of(one) for one in ids}
    added, removed = decide_again(lambda: load_list(ports, known.retailer, name, shoppers))
    typer.echo(f"{name} of {retailer}: {len(ids):,} shoppers in the file; {added:,} added, {removed:,} removed")


def _check_name(name: str) -> None:
    try:
        TypeAdapter(Word).validate_python(name)
    except ValidationError:
        msg = "this cannot be the name of a list"
        raise Malformed(msg, [Problem("NAME", shown(name), "1 to 40 of a-z, 0-9 and -, a letter first")]) from None


def _ids(file: Path) -> set[str]:
    """Return the ids of a file, each once. Raises `Malformed` naming lines that are too long to be one."""
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except OSError as error:
        msg = f"cannot read {file}: {error.strerror}"
        raise Unknown(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{file} is not text in UTF-8"
        raise Malformed(msg, [Problem(f"byte {error.start}", f"{error.object[error.start]:#04x}", "UTF-8")]) from error
    wrong = [number for number, line in enumerate(lines, 1) if len(line) > MOST_CHARACTERS]
    if wrong:
        msg = f"{file} has {len(wrong)} line(s) that are no shopper's id"
        expected = f"one id of at most {MOST_CHARACTERS} characters"
        raise Malformed(msg, [Problem(f"line {number}", "a longer line", expected) for number in wrong[:MOST_SHOWN]])
    return {line for line in lines if line}
