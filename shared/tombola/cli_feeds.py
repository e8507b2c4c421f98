"""The commands about files that retailers send: `check`, and what belongs to receipts."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tombola.feeds.receipts import Finding, Receipt
    from tombola.local.file_check import Progress

Kind = Literal["products", "orders", "shoppers", "navigation", "returns"]
QUARANTINED = 1


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
        lines += ["", f"written to {out}: receipt.json" + "".join(f", {name}" for name in _names(receipt))]
    return lines


def _finding(finding: "Finding", shown: int = 3) -> list[str]:
    lines = [f"  {finding.code}  {finding.field or 'row'}: {finding.count:,}"]
    for one in finding.examples[:shown]:
        where = "" if one.line is None else f"line {one.line}: "
        lines.append(f"    {where}{_printable(one.value)} {_printable(one.message)}")
    if finding.examples:
        lines.append(f"    {finding.examples[0].fix}")
    return lines


def _names(receipt: "Receipt") -> list[str]:
    return [file.name for file in (*receipt.files, receipt.rejected_file) if file is not None]


def _printable(text: str) -> str:
    """Return text that cannot steer a terminal."""
    return "".join(one if one.isprintable() else "�" for one in text)
