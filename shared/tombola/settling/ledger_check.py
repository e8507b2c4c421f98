"""The money from three independent sides: balance documents = sum of postings = recomputation from plays."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tombola.games.ledger import ACCOUNTS, Account, Accounts, Balance, Posting
from tombola.games.plays import Play


def recompute(plays: Iterable[Play], funded_minor: int) -> dict[Account, int]:
    """Return the accounts as the plays alone say they must be, given what was funded."""
    held: Counter[Account] = Counter()
    for play in plays:
        for portion in play.prize.portions.values():
            held.update(portion.accounts())
    accounts = dict.fromkeys(ACCOUNTS, 0) | dict(held)
    return accounts | {"funded": -funded_minor, "available": funded_minor - held.total()}


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """The three accounts of the same money, and the largest difference between any two of them."""

    balances: dict[Account, int]
    postings: dict[Account, int]
    plays: dict[Account, int]

    @property
    def difference_minor(self) -> int:
        """Largest difference of one account among the three: 0 when the books are right."""
        sums = (self.balances, self.postings, self.plays)
        return max(max(s[a] for s in sums) - min(s[a] for s in sums) for a in ACCOUNTS)


def check_ledger(
    balances: Iterable[Balance], postings: Iterable[Posting], plays: Iterable[Play], funded_minor: int
) -> LedgerCheck:
    """Return the threefold check of one campaign version. All of each must be given, read while nothing is written."""
    return LedgerCheck(
        balances=_sum(balance.accounts for balance in balances),
        postings=_sum(posting.legs for posting in postings),
        plays=recompute(plays, funded_minor),
    )


def _sum(amounts: Iterable[Accounts]) -> dict[Account, int]:
    total: Counter[Account] = Counter()
    for accounts in amounts:
        total.update(accounts)
    return {account: total[account] for account in ACCOUNTS}
