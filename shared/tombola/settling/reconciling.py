"""Do the books add up: money from three sides, tokens against entries, wins against moments and claims."""

from collections import Counter
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ConfigDict, computed_field

from tombola.campaigns.model import Campaign, Launched
from tombola.games.events import PlayState
from tombola.games.ledger import Account
from tombola.games.opening import funded_parts
from tombola.games.winnings import FALLBACK
from tombola.settling.books import Books
from tombola.settling.ledger_check import LedgerCheck, check_ledger, in_total
from tombola.settling.limit_check import limit_problems
from tombola.settling.prize_checks import prize_problems
from tombola.settling.wording import differing


class PrizeFigures(BaseModel):
    """How often one prize was won by the draw, granted, void since, claimed (those paid too) and paid.

    `left` is its stock, where it has one. The fallback is never won by the draw, only granted.
    """

    model_config = ConfigDict(frozen=True)

    prize: str
    won: int
    granted: int
    void: int
    claimed: int
    paid: int
    left: int | None


class Reconciliation(BaseModel):
    """The figures of one campaign version, and in `problems` a sentence for each that does not add up.

    Amounts are minor units; `won_minor` was granted. `accounts_*` are the same accounts from the balance documents,
    from the postings and from the plays; `difference_minor` is the largest difference among them, in any of the
    balance documents. `unclaimed` says where moments go that nobody claimed, once the money is `closed`.
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
    prizes: tuple[PrizeFigures, ...]
    closed: bool
    unclaimed: str
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
    ledger = check_ledger(books.balances, books.postings, books.plays, funded_parts(rules))
    total = in_total(ledger.values())
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
        prizes=tuple(_prize_figures(rules, books)),
        closed=any(balance.status == "closed" for balance in books.balances),
        unclaimed=rules.unclaimed,
        won_minor=sum(play.prize.reserved_minor for play in books.plays),
        released_minor=sum(play.prize.released_minor for play in books.plays),
        difference_minor=max(check.difference_minor for check in ledger.values()),
        accounts_balances=total.balances,
        accounts_postings=total.postings,
        accounts_plays=total.plays,
        problems=tuple(_problems(launched, books, ledger)),
    )


def _prize_figures(rules: Campaign, books: Books) -> Iterator[PrizeFigures]:
    won = Counter(play.draw.prize for play in books.plays if play.draw)
    states = Counter((play.prize.name, play.prize.state) for play in books.plays)
    granted = Counter(play.prize.name for play in books.plays)
    left = {stock.prize: stock.left for stock in books.stocks}
    for name in (*(prize.name for prize in rules.prizes), FALLBACK):
        yield PrizeFigures(
            prize=name,
            won=won[name],
            granted=granted[name],
            void=states[name, "void"],
            claimed=states[name, "claimed"] + states[name, "paid"],
            paid=states[name, "paid"],
            left=left.get(name),
        )


def _problems(launched: Launched, books: Books, ledger: Mapping[str, LedgerCheck]) -> Iterator[str]:
    for name, check in ledger.items():
        if check.difference_minor:
            differs = f"differ by up to {check.difference_minor} minor units; expected 0"
            yield f"balance {name}: balance, postings and plays {differs}"
    yield from _posting_problems(books)
    yield from _closing_problems(books)
    yield from _token_problems(books)
    yield from _play_problems(launched.rules, books)
    yield from _claim_problems(launched, books)
    yield from prize_problems(launched.rules, books)
    yield from limit_problems(launched.rules, books.entries, books.limits, books.slots)


def _posting_problems(books: Books) -> Iterator[str]:
    for balance in books.balances:
        sequences = sorted(posting.sequence for posting in books.postings if posting.balance == balance.balance)
        if sequences != list(range(1, balance.sequence + 1)):
            yield f"balance {balance.balance}: {len(sequences)} postings; expected 1 to {balance.sequence}, each once"
        below = [account for account, amount in balance.accounts.items() if amount < 0 and account != "funded"]
        yield from (f"balance {balance.balance}: {account} is below zero" for account in below)


def _closing_problems(books: Books) -> Iterator[str]:
    closed = sorted(balance.balance for balance in books.balances if balance.status == "closed")
    if closed and len(closed) < len(books.balances):
        yield f"only balances {', '.join(closed)} are closed; expected all of them or none"
    if closed:
        yield from differing("tokens open after the money was closed", _in_state(books, "open"))


def _play_problems(rules: Campaign, books: Books) -> Iterator[str]:
    yield from differing("plays whose states do not follow from one another", (
        play.token_id for play in books.plays
        if play.states[-1:] != (play.state,) or play.state_times[-1:] != (play.state_at,)
        or len(play.states) != len(play.state_times)
    ))  # fmt: skip
    drawn = {play.token_id for play in books.plays if play.draw is not None}
    yield from differing("plays played without a draw, or drawn and not played", drawn ^ _in_state(books, "played"))
    other = (play.token_id for play in books.plays if play.draw and play.draw.kind != rules.draw.kind)
    yield from differing("plays drawn otherwise than the rules say", other)
    most = rules.draw.maximum_plays
    if most is not None and len(drawn) > most:
        yield f"{len(drawn)} plays; expected at most {most}"


def _in_state(books: Books, state: PlayState) -> set[str]:
    return {play.token_id for play in books.plays if play.state == state}


def _token_problems(books: Books) -> Iterator[str]:
    tokens = {play.token_id for play in books.plays}
    earned = {entry.token_id for entry in books.entries if entry.outcome != "refused"}
    yield from differing("tokens without an entry", tokens - earned)
    yield from differing("entries without a token", earned - tokens)
    revoked = {entry.token_id for entry in books.entries if entry.outcome == "revoked"}
    yield from differing("plays revoked or not unlike their entry", revoked ^ _in_state(books, "revoked"))


def _claim_problems(launched: Launched, books: Books) -> Iterator[str]:
    numbers = sorted(claim.moment for claim in books.claims)
    if numbers != list(range(len(numbers))):
        yield f"claims are {numbers[:20]}; expected 0 to {len(numbers) - 1} without a gap"
    if len(numbers) > launched.rules.moments:
        yield f"{len(numbers)} claims; expected at most {launched.rules.moments} moments"
    claimed = {(claim.moment, claim.token_id) for claim in books.claims}
    won = {(play.draw.moment, play.token_id) for play in books.plays if play.draw and play.draw.moment is not None}
    yield from differing("claims and winning plays unlike each other", (token for _, token in claimed ^ won))
    early = (claim.token_id for claim in books.claims if claim.accepted_at < claim.moment_at)
    yield from differing("claims accepted before their moment", early)
