"""The commands `tombola campaign ...`: check a file, commit it, launch it, end it, reveal its keys, show it."""

import json
import secrets
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from tombola.appraisals.uptake import Uptake, estimate, read_values, stated_uptake
from tombola.appraisals.usecases import appraise, replay_uptake
from tombola.campaigns import usecases
from tombola.campaigns.checking import MAX_NAMED, CheckedCampaign
from tombola.campaigns.liability import liability
from tombola.campaigns.lifecycle import KEY_BYTES, Version, moments_past_at_launch
from tombola.campaigns.model import Campaign
from tombola.cli_campaign_text import say, say_estimate, say_overlaps, say_worst_case, stated, worst_case
from tombola.cli_confirming import Yes, confirm
from tombola.cli_home import Home, home_folder, home_ports
from tombola.errors import Malformed, Problem, Unknown
from tombola.fairness.revealing import failed_audit
from tombola.local.console_state import Facts, campaign_facts
from tombola.runtime.races import decide_again
from tombola.yaml_text import MAX_BYTES

if TYPE_CHECKING:
    from tombola.ports import Ports

app = typer.Typer(help="Campaigns: check the file, commit, launch, end, reveal.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="The campaign file, YAML or JSON.")]
BasketValues = Annotated[
    Path | None, typer.Option(help="Estimate the payout from these baskets that qualify: one amount a line.")
]
Id = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's id.")]


@app.command()
def check(file: File, basket_values: BasketValues = None, home: Home = None) -> None:
    """Say everything that is wrong with a campaign file, line by line; or what it can cost. Exit code 1: refused.

    Without a home folder its retailers and running campaigns cannot be looked up; all else is checked.
    """
    nowhere = home is None and not home_folder(None).is_dir()
    ports = None if nowhere else home_ports(home)
    checked = _checked(ports, _text(file))
    _summary(checked)
    if ports is not None:
        _appraisal(ports, checked.campaign)
    say_worst_case(checked.campaign, checked.liability)
    _estimate(ports, checked.campaign, basket_values)


@app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of a campaign file: with it, an editor checks and completes what is typed."""
    from tombola.campaigns.schema import schema  # noqa: PLC0415 (nobody else needs it)

    typer.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


@app.command()
def commit(file: File, home: Home = None) -> None:
    """Check the file, freeze its rules, make its keys and print the digests to hand over before anyone can order."""
    ports, text = home_ports(home), _text(file)
    _checked(ports, text)
    id_key, seed = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES)
    _show(decide_again(lambda: usecases.commit_campaign(ports, text, id_key=id_key, seed=seed)))


@app.command()
def launch(
    campaign: Id,
    witness: Annotated[str, typer.Option(help="Text that the brand or its bailiff supplied after the commitment.")],
    *,
    yes: Yes = False,
    home: Home = None,
) -> None:
    """Launch the latest committed version: the witness is mixed into every draw, and the money is opened."""
    ports = home_ports(home)
    confirm(f"Launch {campaign} for good? Neither its rules nor the witness {witness!r} can be changed then.", yes=yes)
    launched = decide_again(lambda: usecases.launch_campaign(ports, campaign, witness))
    typer.echo(f"{campaign} version {launched.version} is launched since {launched.launched_at.isoformat()}")
    if past := moments_past_at_launch(launched):
        moments = launched.rules.moments
        typer.echo(f"warning: about {past} of {moments} moments are past already; the first plays win them", err=True)


@app.command()
def end(campaign: Id, *, yes: Yes = False, home: Home = None) -> None:
    """End the live version: no token is issued from now on; those that are out can still be played."""
    ports = home_ports(home)
    confirm(f"End {campaign} for good? No token is issued any more, and it cannot be launched again.", yes=yes)
    ended = decide_again(lambda: usecases.end_campaign(ports, campaign))
    at = "" if ended.ended_at is None else f" since {ended.ended_at.isoformat()}"
    typer.echo(f"{campaign} version {ended.version} is {ended.status}{at}")


@app.command()
def reveal(
    campaign: Id,
    version: Annotated[
        int | None, typer.Option(min=1, help="Version of its rules. Default: the last launched.")
    ] = None,
    *,
    yes: Yes = False,
    home: Home = None,
) -> None:
    """Make both keys of an ended version public, so that anyone can check it. Refused while a token can be played."""
    from tombola.fairness.usecases import reveal_campaign  # noqa: PLC0415 (heavy)

    ports = home_ports(home)
    confirm(f"Make the keys of {campaign} public for good?", yes=yes)
    revealed = decide_again(lambda: reveal_campaign(ports, campaign, version))
    typer.echo(f"{campaign} version {revealed.version} is revealed")
    typer.echo(f"published as audit/{campaign}/v{revealed.version}/reveal.json")


@app.command()
def show(campaign: Id, home: Home = None) -> None:
    """Show every version: is it open, what was played and won, what money is left, its digests and witness."""
    ports = home_ports(home)
    for version in usecases.list_versions(ports, campaign):
        _show(version)
        if failed := failed_audit(version.reveal_by, version.revealed_at, ports.clock.now()):
            typer.echo(f"  {'audit':<10} FAILED: {failed}")
        if version.status != "committed":
            _show_figures(campaign_facts(ports, version.launched()))


def _show_figures(facts: Facts) -> None:
    states, accounts = (cast("dict[str, object]", facts[name]) for name in ("states", "accounts"))
    typer.echo(f"  {'now':<10} {facts['phase']}")
    typer.echo(f"  {'tokens':<10} {facts['tokens']}, of which {states.get('played', 0)} played and {facts['wins']} won")
    typer.echo(f"  {'left':<10} {accounts.get('available', 0)} {facts['currency']} can still be won")


def _checked(ports: "Ports | None", text: bytes) -> CheckedCampaign:
    try:
        checked = usecases.check_campaign(ports, text)
    except Malformed as fault:
        for problem in fault.problems:
            typer.echo(_line(problem))
        typer.echo(fault.message, err=True)
        raise typer.Exit(1) from None
    for warning in checked.warnings:
        typer.echo(f"warning: {warning.where}: {warning.says}", err=True)
    return checked


def _line(problem: Problem) -> str:
    return f"{problem.where}: found {problem.found}; expected {problem.expected}"


def _summary(checked: CheckedCampaign) -> None:
    rules = checked.campaign
    typer.echo(f"{rules.campaign}: {rules.title}, paid for by {rules.sponsor.name}")
    say(stated(rules))


def _appraisal(ports: "Ports", rules: Campaign) -> None:
    found = appraise(ports, rules)
    say_overlaps(rules, found.overlaps, found.tokens_of_one_basket)
    for retailer, name in found.empty_lists:
        says = f"nobody is on the list {name} of {retailer}; `tombola list load` makes it"
        typer.echo(f"warning: audience.segments: {says}", err=True)


def _estimate(ports: "Ports | None", rules: Campaign, values: Path | None) -> None:
    if values is None and ports is None:
        hint = "there is no home folder with recorded baskets; --basket-values FILE takes one amount a line"
        typer.echo(f"payout not estimated: {hint}", err=True)
        return
    uptake = _stated_uptake(rules, values) if values else replay_uptake(cast("Ports", ports), rules)
    if (found := estimate(rules, uptake)) is not None:
        say_estimate(found, rules.pool.currency)
    else:
        typer.echo(f"payout not estimated: of {uptake.orders:,} baskets none would have earned a token", err=True)


def _stated_uptake(rules: Campaign, values: Path) -> Uptake:
    amounts, problems = read_values(_read(values).decode("utf-8", "replace"), rules.pool.currency)
    if problems:
        msg = f"{values} has {len(problems)} line(s) that are no amounts"
        raise Malformed(msg, problems[:MAX_NAMED])
    return stated_uptake(rules, amounts)


def _show(version: Version) -> None:
    typer.echo(f"{version.campaign} version {version.version}: {version.status}")
    rules = Campaign.model_validate_json(version.rules)
    kept: dict[str, str | None] = {
        "title": rules.title,
        **stated(rules),
        "rules": version.rules_hash,
        "id key": version.commitment["id_key"],
        "seed": version.commitment["seed"],
        "reveal by": version.reveal_by.isoformat(),
        "committed": version.committed_at.isoformat(),
        "witness": version.witness,
        "launched": _instant(version.launched_at),
        "ended": _instant(version.ended_at),
        "revealed": _instant(version.revealed_at),
    }
    say({name: value for name, value in kept.items() if value is not None}, indent="  ")
    typer.echo(f"  {worst_case(liability(rules))}")


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _text(file: Path) -> bytes:
    """Return the file's bytes, and of a file too large only so many that the check can say so."""
    return _read(file, MAX_BYTES + 1)


def _read(file: Path, most: int = -1) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(most)
    except OSError as error:
        msg = f"cannot read {file}: {error.strerror}"
        raise Unknown(msg) from error
