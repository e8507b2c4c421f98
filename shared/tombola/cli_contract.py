"""The command `contract`: what a row of a feed must hold, in several notations, and rows to try it with."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tombola.cli_feeds import Kind
from tombola.errors import Conflict, Malformed, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

Notation = Literal["json-schema", "bigquery", "arrow", "markdown"]


def contract(  # noqa: PLR0913 (a command's options are its arguments)
    kind: Annotated[Kind | None, typer.Argument(metavar="KIND", help="The feed; all of them with --all.")] = None,
    notation: Annotated[Notation, typer.Option("--as", help="The notation.")] = "markdown",
    out: Annotated[Path | None, typer.Option(help="File to write to. An Arrow schema is written as IPC.")] = None,
    into: Annotated[Path | None, typer.Option(help="Page in which the Markdown of --all is made anew.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every feed.")] = False,
    policy_tag: Annotated[str | None, typer.Option(help="BigQuery: policy tag that personal columns bear.")] = None,
    sample: Annotated[int | None, typer.Option(min=0, help="Print so many made-up rows as CSV instead.")] = None,
    seed: Annotated[int, typer.Option(help="Of the sample: the same seed, the same rows.")] = 1,
) -> None:
    """Show what a row of a feed must hold. With --sample: rows that it takes, to try an export pipeline with."""
    if (kind is None) != everything:
        msg = "name one feed, or --all"
        raise typer.BadParameter(msg)
    if (into is not None and kind is not None) or (sample is not None and kind is None):
        msg = "--into goes with --all, --sample with one feed"
        raise typer.BadParameter(msg)
    if into is not None:
        _renew(into)
    elif kind is not None and sample is not None:
        _write(_sampled(kind, sample, seed).encode(), out)
    elif kind is not None and notation == "arrow" and out is not None:
        _write(_arrow_file(kind), out)
    else:
        _write(_rendered(_kinds(kind), notation, policy_tag).encode(), out)


def _kinds(kind: Kind | None) -> "Sequence[Kind]":
    from tombola.feeds.contracts import KINDS  # noqa: PLC0415 (heavy)

    return KINDS if kind is None else (kind,)


def _rendered(kinds: "Sequence[Kind]", notation: Notation, policy_tag: str | None) -> str:
    """Return the contracts as text; as JSON, one alone, or a list of all."""
    if notation == "markdown":
        from tombola.feeds.renderings.markdown import markdown  # noqa: PLC0415 (heavy)

        return "\n".join(map(markdown, kinds))
    if notation == "arrow":
        from tombola.feeds.renderings.arrow import arrow_text  # noqa: PLC0415 (heavy)

        return "\n".join(map(arrow_text, kinds))
    if notation == "json-schema":
        from tombola.feeds.renderings.json_schema import json_schema  # noqa: PLC0415 (heavy)

        found = [json_schema(kind) for kind in kinds]
    else:
        from tombola.feeds.renderings.bigquery import bigquery_table  # noqa: PLC0415 (heavy)

        found = [bigquery_table(kind, policy_tag) for kind in kinds]
    return json.dumps(found[0] if len(found) == 1 else found, indent=2, ensure_ascii=False) + "\n"


def _arrow_file(kind: Kind) -> bytes:
    from tombola.feeds.renderings.arrow import arrow_file  # noqa: PLC0415 (heavy)

    return arrow_file(kind)


def _sampled(kind: Kind, count: int, seed: int) -> str:
    from tombola.feeds.samples import as_csv, sample, seeded  # noqa: PLC0415 (heavy)

    return as_csv(kind, sample(kind, count, seeded(seed)))


def _renew(page: Path) -> None:
    """Write the contracts into a page anew. Raises `Malformed` for a page that has no place for them."""
    from tombola.feeds.renderings.markdown import all_in  # noqa: PLC0415 (heavy)

    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read {page}"
        raise Malformed(msg, [Problem("--into", str(error), "a page of text")]) from error
    _write(all_in(text).encode(), page)


def _write(data: bytes, out: Path | None) -> None:
    if out is None:
        typer.echo(data, nl=False)
        return
    try:
        out.write_bytes(data)
    except OSError as error:
        msg = f"cannot write to {out}: {error.strerror}"
        raise Conflict(msg, [Problem("--out", str(out), "a file that can be written to")]) from error
