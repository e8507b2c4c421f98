"""The home folder as every command takes it, and the ports that lie in it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tombola.errors import Problem, Unknown

if TYPE_CHECKING:
    from tombola.ports import Ports

HOME_HELP = "Folder of everything that is kept. Default: TOMBOLA_HOME, else ./tombola-home."
Home = Annotated[Path | None, typer.Option(help=HOME_HELP)]


def home_folder(given: Path | None) -> Path:
    """Return the home folder, and make it the one of the settings, so that every part agrees."""
    if given is not None:
        os.environ["TOMBOLA_HOME"] = str(given)
    from tombola.runtime.settings import read_settings  # noqa: PLC0415 (heavy)

    return read_settings().home


def home_ports(given: Path | None) -> "Ports":
    """Return the ports over the home folder, or those of Google Cloud where the settings choose them.

    Raises `Unknown` when there is no such folder: only `dev` and `demo` make one.
    """
    from tombola.runtime import wiring  # noqa: PLC0415 (heavy)

    folder = home_folder(given)
    if wiring.settings().adapters == "embedded" and not folder.is_dir():
        expected = "a folder that `tombola dev` or `tombola demo` has made"
        msg = f"there is no home folder {folder}; expected {expected}"
        raise Unknown(msg, [Problem("home", str(folder), expected)])
    return wiring.ports()
