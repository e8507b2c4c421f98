"""Do the books add up: money from three sides, tokens against entries, wins against moments and claims."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, computed_field

from tombola.campaigns.model import Launched
from tombola.draws.claims import Claim
from tombola.games.entries import Entry
from tombola.games.ledger import Account, Balance, Posting
from tombola.games.limits import PersonLimit, Slot
from tombola.games.opening import funded_minor
from tombola.games.plays import Play
from tombola.settling.ledger_check import check_ledger
from tombola.settling.limit_check import limit_problems

SOME = 3
"""How many ids of what does not add up are named."""


@dataclass(frozen=True, slots=True)
class Books:
    """Every document of one campaign version, read while nothing was written."""

    balances: Sequence[Balance]
    postings: Sequence[Posting]
    plays: Sequence[Play]
    entries: Sequence[Entry]
    claims: Sequence[Claim]
    limits: Sequence[PersonLimit]
    slots: Sequence[Slot]


class Reconciliation(BaseModel):
    """The figures of one campaign version, and in `problems` a sentence for each that does not add up.

    Amounts are minor units. `accounts_*` are the same accounts from the balance documents, from the
    postings and from the plays; `difference_minor` is the largest difference among them.
    """

    model_config = ConfigDict(frozen=True)

    campaign: str
    version: int
    currency: str
    tokens: int
    entries: int
    played: int
    wins: int
    claims: int
    moments: int
    won_minor: int
    released_minor: int
    difference_minor: int
    accounts_balances: dict[Account, int]
    accounts_postings: dict[Account, int]
    accounts_plays: dict[Account, int]
    problems: tuple[str, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def adds_up(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def reconcile_books(launched: Launched, books: Books) -> Reconciliation:
    """Return the reconciliation of one campaign version. `Books` must hold all of it."""
    rules = launched.rules
    check = check_ledger(books.balances, books.postings, books.plays, funded_minor(rules))
    winners = [play for play in books.plays if play.won]
    return Reconciliation(
        campaign=rules.campaign,
        version=launched.version,
        currency=rules.pool.currency,
        tokens=len(books.plays),
        entries=sum(entry.outcome != "refused" for entry in books.entries),
        played=sum(play.state == "played" for play in books.plays),
        wins=len(winners),
        claims=len(books.claims),
        moments=rules.moments,
        won_minor=sum(play.prize.reserved_minor for play in books.plays),
        released_minor=sum(play.prize.released_minor for play in books.plays),
        difference_minor=check.difference_minor,
        accounts_balances=check.balances,
        accounts_postings=check.postings,
        accounts_plays=check.plays,
        problems=tuple(_problems(launched, books, check.difference_minor)),
    )


def _problems(launched: Launched, books: Books, difference_minor: int) -> Iterator[str]:
    if difference_minor:
        yield f"balances, postings and plays differ by up to {difference_minor} minor units; expected 0"
    yield from _posting_problems(books)
    yield from _token_problems(books)
    yield from _claim_problems(launched, books)
    yield from limit_problems(launched.rules, books.entries, books.limits, books.slots)


def _posting_problems(books: Books) -> Iterator[str]:
    for balance in books.balances:
        sequences = sorted(posting.sequence for posting in books.postings if posting.balance == balance.balance)
        if sequences != list(range(1, balance.sequence + 1)):
            yield f"balance {balance.balance}: {len(sequences)} postings; expected 1 to {balance.sequence}, each once"
        below = [account for account, amount in balance.accounts.items() if amount < 0 and account != "funded"]
        yield from (f"balance {balance.balance}: {account} is below zero" for account in below)


def _token_problems(books: Books) -> Iterator[str]:
    tokens = {play.token_id for play in books.plays}
    earned = {entry.token_id for entry in books.entries if entry.outcome != "refused"}
    yield from _differing("tokens without an entry", tokens - earned)
    yield from _differing("entries without a token", earned - tokens)
    revoked = {entry.token_id for entry in books.entries if entry.outcome == "revoked"}
    yield from _differing("plays revoked or not unlike their entry", revoked ^ {
        play.token_id for play in books.plays if play.state == "revoked"
    })  # fmt: skip


def _claim_problems(launched: Launched, books: Books) -> Iterator[str]:
    numbers = sorted(claim.moment for claim in books.claims)
    if numbers != list(range(len(numbers))):
        yield f"claims are {numbers[:20]}; expected 0 to {len(numbers) - 1} without a gap"
    if len(numbers) > launched.rules.moments:
        yield f"{len(numbers)} claims; expected at most {launched.rules.moments} moments"
    claimed = {(claim.moment, claim.token_id) for claim in books.claims}
    won = {(play.draw.moment, play.token_id) for play in books.plays if play.draw and play.draw.moment is not None}
    yield from _differing("claims and winning plays unlike each other", (token for _, token in claimed ^ won))
    over = (play.token_id for play in books.plays if play.prize.reserved_minor > launched.rules.cap_minor)
    yield from _differing("prizes above the cap", over)
    early = (claim.token_id for claim in books.claims if claim.accepted_at < claim.moment_at)
    yield from _differing("claims accepted before their moment", early)


def _differing(what: str, ids: Iterable[str]) -> Iterator[str]:
    found = sorted(set(ids))
    if found:
        yield f"{len(found)} {what}, such as {', '.join(token[:12] for token in found[:SOME])}"
