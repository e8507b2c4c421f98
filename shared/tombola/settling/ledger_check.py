"""The money from three independent sides: balance documents = sum of postings = recomputation from plays.

Every balance document is checked on its own: money goes back to where it came from.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tombola.games.ledger import ACCOUNTS, Account, Accounts, Balance, Posting
from tombola.games.plays import Play
from tombola.games.winnings import Portion


def recompute(portions: Iterable[Portion], funded_minor: int, *, closed: bool = False) -> dict[Account, int]:
    """Return the accounts as what plays hold alone says they must be, given what was funded."""
    held = _sum(portion.accounts() for portion in portions)
    left: Account = "expired" if closed else "available"
    return {**held, "funded": -funded_minor, left: funded_minor - sum(held.values())}


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """The three accounts of the same money."""

    balances: dict[Account, int]
    postings: dict[Account, int]
    plays: dict[Account, int]

    @property
    def difference_minor(self) -> int:
        """Largest difference of one account among the three: 0 when the books are right."""
        sums = (self.balances, self.postings, self.plays)
        return max(max(s[a] for s in sums) - min(s[a] for s in sums) for a in ACCOUNTS)


def check_ledger(
    balances: Iterable[Balance], postings: Iterable[Posting], plays: Iterable[Play], funded: Mapping[str, int]
) -> dict[str, LedgerCheck]:
    """Return the threefold check of one campaign version, by the name of the balance document.

    `funded` is what each was opened with. All of each must be given, read while nothing is written.
    """
    found = {balance.balance: balance for balance in balances}
    posted, held = list(postings), [portion for play in plays for portion in play.prize.portions.items()]
    names = sorted({*found, *funded, *(posting.balance for posting in posted), *(name for name, _ in held)})
    return {
        name: LedgerCheck(
            balances=_sum([found[name].accounts] if name in found else []),
            postings=_sum(posting.legs for posting in posted if posting.balance == name),
            plays=recompute(
                (portion for other, portion in held if other == name),
                funded.get(name, 0),
                closed=name in found and found[name].status == "closed",
            ),
        )
        for name in names
    }


def in_total(checks: Iterable[LedgerCheck]) -> LedgerCheck:
    """Return the accounts of all balance documents together."""
    every = list(checks)
    return LedgerCheck(
        balances=_sum(check.balances for check in every),
        postings=_sum(check.postings for check in every),
        plays=_sum(check.plays for check in every),
    )


def _sum(amounts: Iterable[Accounts]) -> dict[Account, int]:
    total: Counter[Account] = Counter()
    for accounts in amounts:
        total.update(accounts)
    return {account: total[account] for account in ACCOUNTS}
