"""The command `tombola replay`: recorded orders through a new or changed campaign, at the date they happened."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tombola.campaigns.usecases import check_campaign
from tombola.cli_home import Home, home_ports
from tombola.errors import Malformed, Problem
from tombola.replays.model import period_of
from tombola.yaml_text import MAX_BYTES

if TYPE_CHECKING:
    from tombola.campaigns.model import Campaign
    from tombola.replays.model import Period


def command(
    campaign: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The campaign file, new or changed.")],
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day, by the campaign's clock. Default: its opening."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day. Default: the campaign's closing.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="CAMPAIGN", help="Campaign to compare with. Default: the one of the same id.")
    ] = None,
    played: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of tokens played. Default: as in the campaign compared with, or all."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
    home: Home = None,
) -> None:
    """Ask of months of recorded orders: who would have qualified, who not and why, and what would it have cost?

    Touches nothing, reads no campaign's keys, and supposes that nobody would have shopped differently.
    """
    from tombola.replays.usecases import replay  # noqa: PLC0415 (heavy)

    ports = home_ports(home)
    rules = check_campaign(ports, _text(campaign)).campaign
    period = _period(rules, first, last)
    answer = replay(ports, rules, period, against=against or rules.campaign, played=played)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    from tombola.cli_replay_page import show  # noqa: PLC0415 (heavy)

    show(answer)


def _text(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _period(rules: "Campaign", first: datetime | None, last: datetime | None) -> "Period":
    try:
        return period_of(rules, first and first.date(), last and last.date())
    except ValueError as wrong:
        msg = str(wrong)
        raise Malformed(msg, [Problem("--to", str(last and last.date()), "a day not before --from")]) from None
