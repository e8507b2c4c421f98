"""The commands about dialects: `dialect sniff`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tombola.cli_feeds import Kind

if TYPE_CHECKING:
    from tombola.feeds.proposing import Proposal

OPEN = 1

app = typer.Typer(help="How retailers write their files.", no_args_is_help=True)


@app.callback()
def _dialects() -> None:
    """Keep `sniff` a command of its own, also while it is the only one."""


@app.command("sniff")
def sniff_dialect(
    file: Annotated[Path, typer.Argument(help="A file, as it would be sent.")],
    feed: Annotated[Kind | None, typer.Option(help="What it holds. Default: what its columns resemble most.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print findings and questions as JSON.")] = False,
) -> None:
    """Propose a dialect for retailers/<id>.yaml. Exit code 0: nothing left open; 1: questions; 2: cannot be read."""
    from tombola.errors import Unknown  # noqa: PLC0415 (heavy)
    from tombola.feeds.measuring import Measured  # noqa: PLC0415 (heavy)
    from tombola.feeds.proposing import propose  # noqa: PLC0415 (heavy)
    from tombola.feeds.unusable import Unusable  # noqa: PLC0415 (heavy)
    from tombola.retailers.model import Dialect  # noqa: PLC0415 (heavy)

    try:
        with file.open("rb") as stream:
            proposal = propose(Measured(stream), feed)
    except OSError as error:
        msg = f"cannot read {file}: {error.strerror}"
        raise Unknown(msg) from error
    except Unusable as fault:
        typer.echo(f"{fault.code}: {fault.message}", err=True)
        raise typer.Exit(OPEN) from None
    Dialect.model_validate(proposal.stated)
    typer.echo(_as_json(proposal) if as_json else as_yaml(proposal))
    raise typer.Exit(OPEN if proposal.questions else 0)


def as_yaml(proposal: "Proposal") -> str:
    """Return a proposal as it stands in a retailer's file, evidence and questions as comments."""
    import yaml  # noqa: PLC0415 (heavy)

    lines = ["feeds:", f"  {proposal.feed}:"]
    for finding in proposal.findings:
        value = yaml.safe_dump(
            finding.value, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False
        )
        text = value.removesuffix("...\n").strip()
        lines.append(f"    {finding.name}: {text}  # {_on_one_line(finding.evidence)}")
    return "\n".join([*lines, *(f"    # open: {_on_one_line(question)}" for question in proposal.questions)])


def _as_json(proposal: "Proposal") -> str:
    findings = {one.name: {"value": one.value, "evidence": one.evidence} for one in proposal.findings}
    said = {"feed": proposal.feed, "dialect": findings, "questions": proposal.questions}
    return json.dumps(said, indent=2, ensure_ascii=False)


def _on_one_line(text: str) -> str:
    """Return text as a comment can hold it: a file's own words may break lines."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
