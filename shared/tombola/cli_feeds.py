"""The commands about files that retailers send: `check`, and what belongs to receipts."""

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tombola.cli_home import Home, home_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tombola.feeds.receipts import Finding, Receipt
    from tombola.local.file_check import Progress

Kind = Literal["products", "orders", "shoppers", "navigation", "returns"]
GIVE_BACK = "dirty_decay_ms:100,muzzy_decay_ms:0"
"""For Polars' allocator, jemalloc: give memory back after a tenth of a second, not ten. The peak is 18 MiB lower."""
QUARANTINED = 1
NOT_GENUINE = 1
LARGEST_RECEIPT = 16 * 1024 * 1024
"""Bytes. A receipt holds 20 places per code, so it is small."""

receipts = typer.Typer(help="Receipts of files.", no_args_is_help=True)


def check(
    file: Annotated[Path, typer.Argument(help="The file, as it would be sent.")],
    feed: Annotated[Kind, typer.Option(help="What it holds.")],
    retailer: Annotated[
        str | None, typer.Option(help="The retailer's file (ends in .yaml), or an id that the home folder knows.")
    ] = None,
    dialect: Annotated[Path | None, typer.Option(help="A YAML file of the feed's dialect alone.")] = None,
    currency: Annotated[str, typer.Option(help="Of amounts that name none, where no retailer is given.")] = "USD",
    out: Annotated[Path | None, typer.Option(help="Folder for receipt, accepted and rejected rows.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as JSON, and nothing else.")] = False,
) -> None:
    """Judge a file as the intake would, on this machine. Exit code 0: taken; 1: quarantined; 2: cannot be read."""
    os.environ.setdefault("_RJEM_MALLOC_CONF", GIVE_BACK)  # of this process alone, before Polars is loaded
    from tombola.local.file_check import check_file, retailer_of  # noqa: PLC0415 (heavy)
    from tombola.runtime.settings import read_settings  # noqa: PLC0415 (heavy)

    if retailer is not None and dialect is not None:
        msg = "either --retailer or --dialect"
        raise typer.BadParameter(msg)
    sender = retailer_of(feed, retailer, dialect, currency, read_settings().home / "config" / "retailers")
    with _progress() as progress:
        receipt = check_file(file, feed, sender, out, progress)
    typer.echo(receipt.model_dump_json(indent=2) if as_json else "\n".join(_summary(receipt, out)))
    raise typer.Exit(QUARANTINED if receipt.verdict == "quarantined" else 0)


@receipts.command("verify")
def verify_receipt(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The receipt, as it was received.")],
    keys: Annotated[
        Path | None, typer.Option(help="Public keys as `list_keys` answers them. Default: the home folder's own.")
    ] = None,
    home: Home = None,
) -> None:
    """Check that a receipt is the one that was signed. Exit code 0: genuine; 1: not; 2: cannot be read."""
    from tombola.errors import Unauthenticated  # noqa: PLC0415 (heavy)
    from tombola.feeds.receipts import Receipt  # noqa: PLC0415 (heavy)
    from tombola.feeds.signing import public_keys, verify  # noqa: PLC0415 (heavy)

    known = public_keys(_json(keys) if keys is not None else _keys_of(home))
    document = _json(file)
    try:
        key = verify(document, known)
    except Unauthenticated as fault:
        typer.echo(f"not genuine: {fault.message}", err=True)
        for problem in fault.problems:
            typer.echo(f"  {problem.where}: found {problem.found}; expected {problem.expected}", err=True)
        raise typer.Exit(NOT_GENUINE) from None
    receipt = Receipt.model_validate(document)
    typer.echo(f"genuine: signed by {key}")
    typer.echo(f"{receipt.object}, generation {receipt.generation}, sha256 {receipt.sha256}")
    typer.echo(_summary(receipt, None)[0])


@receipts.command("schema")
def show_schema() -> None:
    """Print the JSON Schema of receipts."""
    from tombola.feeds.receipts import schema  # noqa: PLC0415 (heavy)

    typer.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Show a bar on a terminal, with rows a second and the time left; show nothing elsewhere."""
    from rich import progress  # noqa: PLC0415 (heavy)
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TextColumn("{task.fields[rows]}"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("check", total=None, rows="")

        def tell(done: int, size: int, rows: int) -> None:
            elapsed = shown.tasks[0].elapsed or 0.0
            rate = f"  {rows / elapsed:,.0f} rows/s" if rows and elapsed else ""
            shown.update(task, total=size, completed=done, rows=f"{rows:,} rows{rate}")

        yield tell


def _summary(receipt: "Receipt", out: Path | None) -> list[str]:
    from tombola.feeds.wording import sentence  # noqa: PLC0415 (heavy)

    lines = [f"{receipt.verdict}: {sentence(receipt)}"]
    for title, findings in (("errors", receipt.errors), ("warnings", receipt.warnings)):
        if findings:
            lines += ["", title, *(line for finding in findings for line in _finding(finding))]
    if out is not None:
        lines += [
            "",
            f"written to {out}: receipt.json, receipt.html" + "".join(f", {name}" for name in _names(receipt)),
        ]
    return lines


def _finding(finding: "Finding", shown: int = 3) -> list[str]:
    from tombola.feeds.wording import visible  # noqa: PLC0415 (heavy)

    lines = [f"  {finding.code}  {visible(finding.field) or 'the file'}: {finding.count:,}"]
    for one in finding.examples[:shown]:
        where = "" if one.line is None else f"line {one.line}: "
        lines.append(f"    {where}{visible(one.value)} {visible(one.message)}")
    if finding.examples:
        lines.append(f"    {finding.examples[0].fix}")
    return lines


def _names(receipt: "Receipt") -> list[str]:
    return [file.name for file in (*receipt.files, receipt.rejected_file) if file is not None]


def _json(path: Path) -> "dict[str, object]":
    """Return the one JSON object in a file. Raises `Unknown` and `Malformed`."""
    from tombola.errors import Malformed, Problem, Unknown  # noqa: PLC0415 (heavy)
    from tombola.json_text import check_json  # noqa: PLC0415 (heavy)

    try:
        with path.open("rb") as stream:
            text = stream.read(LARGEST_RECEIPT + 1)
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise Unknown(msg) from error
    if len(text) > LARGEST_RECEIPT:
        msg = f"{path} is over {LARGEST_RECEIPT} bytes; no receipt is"
        raise Malformed(msg)
    check_json(text)
    found = json.loads(text)
    if not isinstance(found, dict):
        msg = f"{path} holds no JSON object"
        raise Malformed(msg, [Problem(str(path), type(found).__name__, "a JSON object")])
    return found


def _keys_of(home: Path | None) -> object:
    """Return the public keys of a home folder. Raises `Unknown` when there is none."""
    from tombola.games.usecases import list_keys  # noqa: PLC0415 (heavy)

    return list_keys(home_ports(home))
