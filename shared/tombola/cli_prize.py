"""The commands `tombola prize`: where one prize stands, and giving up what it owes."""

from typing import Annotated

import typer

from tombola.cli_confirming import Yes, confirm
from tombola.cli_home import Home, home_ports
from tombola.games.ledger import Account
from tombola.games.plays import Play
from tombola.money import major_units
from tombola.runtime.races import decide_again
from tombola.settling import usecases

app = typer.Typer(help="Prizes that were won.", no_args_is_help=True)
Token = Annotated[str, typer.Argument(metavar="TOKEN_ID", help="The 64 hex digits of the token's id.")]


@app.command()
def show(token_id: Token, home: Home = None) -> None:
    """Say what a token won, what has become of it, and where its money is."""
    play = usecases.find_play(home_ports(home), token_id)
    prize, claim = play.prize, play.prize.claim
    typer.echo(f"{play.campaign}: {play.state}; {_won(play)}")
    if claim is not None:
        age = f", age confirmed: {claim.age_confirmed}" if claim.age_confirmed else ""
        typer.echo(f"  claimed     {claim.claimed_at.isoformat()} from {claim.country}{age}")
    if prize.kind == "money":
        amounts = {"granted": prize.reserved_minor, "released": prize.released_minor}
        for name, minor in (*amounts.items(), *((account, prize.held(account)) for account in _PLACES)):
            typer.echo(f"  {name:<12}{major_units(minor, play.currency):>14} {play.currency}")


@app.command("write-off")
def write_off(
    token_id: Token,
    reason: Annotated[str, typer.Option(help="Why nobody will get it back; kept with the posting.")],
    home: Home = None,
    *,
    yes: Yes = False,
) -> None:
    """Give up what was paid for an order that came back and that the retailer does not net.

    Refused above `pool.unrecovered_returns` of the rules.
    """
    ports = home_ports(home)
    play = usecases.find_play(ports, token_id)
    owed = major_units(play.prize.held("recoverable"), play.currency)
    confirm(f"give up {owed} {play.currency} for good?", yes=yes)
    given_up = decide_again(lambda: usecases.write_off_prize(ports, token_id, reason))
    typer.echo(f"{major_units(given_up, play.currency)} {play.currency} written off")


_PLACES: tuple[Account, ...] = ("reserved", "payable", "paid", "recoverable", "written_off")


def _won(play: Play) -> str:
    prize = play.prize
    if prize.state == "none":
        return "no prize"
    worth = "" if prize.kind == "money" else f" worth {major_units(prize.worth_minor, play.currency)} {play.currency}"
    return f"{prize.kind} prize {prize.name}{worth}, {prize.state}"
