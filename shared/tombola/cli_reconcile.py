"""The command `tombola reconcile`: do a campaign's books add up?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tombola.campaigns.usecases import launched_version
from tombola.cli_home import Home, home_ports
from tombola.money import major_units
from tombola.settling.usecases import reconcile

if TYPE_CHECKING:
    from tombola.settling.reconciling import Reconciliation


def command(
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's id.")],
    version: Annotated[
        int | None, typer.Option(min=1, help="Version of its rules. Default: the last launched.")
    ] = None,
    home: Home = None,
) -> None:
    """Compare the money from three sides, and tokens and wins; exit code 1: it does not add up.

    Reads are not isolated from one another: ask while nothing is written.
    """
    ports = home_ports(home)
    books = reconcile(ports, campaign, launched_version(ports, campaign, version).version)
    for line in _lines(books):
        typer.echo(line)
    for problem in books.problems:
        typer.echo(f"problem: {problem}", err=True)
    if not books.adds_up:
        raise typer.Exit(1)


def _lines(books: "Reconciliation") -> Iterator[str]:
    def money(minor: int) -> str:
        return str(major_units(minor, books.currency))

    yield f"{books.campaign} version {books.version}, amounts in {books.currency}"
    yield f"{'account':<12}{'balances':>16}{'postings':>16}{'plays':>16}"
    for account, balance in books.accounts_balances.items():
        sums = (balance, books.accounts_postings[account], books.accounts_plays[account])
        yield f"{account:<12}" + "".join(f"{money(minor):>16}" for minor in sums)
    yield f"tokens      {books.tokens}, of {books.entries} entries that qualified; {books.played} played"
    yield f"wins        {books.wins}, of {books.claims} moments claimed; {books.moments} moments in all"
    for prize in books.prizes:
        if prize.won or prize.granted or prize.left is not None:
            left = "" if prize.left is None else f", {prize.left} left"
            said = f"won {prize.won}, granted {prize.granted}, void {prize.void}, claimed {prize.claimed}"
            yield f"  {prize.prize:<10}{said}, paid {prize.paid}{left}"
    if books.closed and books.moments:
        yield f"unclaimed   {books.moments - books.claims} moments: {books.unclaimed}"
    yield f"won         {money(books.won_minor)}, of which {money(books.released_minor)} went back to the pool"
    yield f"difference  {money(books.difference_minor)}"
    yield "it adds up" if books.adds_up else "it does NOT add up"
