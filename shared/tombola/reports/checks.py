"""The reconciliation: what must add up in a report, within itself and with the games' own books. Pure."""

from datetime import datetime

from tombola.campaigns.model import Campaign, Launched
from tombola.fairness.revealing import failed_audit
from tombola.reports.facts import CampaignFacts
from tombola.reports.model import Check, Counts, Money
from tombola.reports.wording import money_text
from tombola.settling.reconciling import Reconciliation


def own_checks(rules: Campaign, counts: Counts, money: Money, facts: CampaignFacts) -> list[Check]:
    """Return the lines that the facts alone must satisfy."""
    tokens = counts.tokens_open + counts.tokens_played + counts.tokens_expired + counts.tokens_revoked
    parts = money.waiting_minor + money.payable_minor + money.paid_minor + money.released_minor
    currency = rules.pool.currency
    return [
        _equal("Tokens issued = open + played + expired + revoked", counts.tokens_issued, tokens),
        _at_most("Wins within the most there can be", counts.wins, rules.moments or rules.draw.maximum_plays or 0),
        _at_most("Wins within the tokens played", counts.wins, counts.tokens_played),
        _equal("Money won = waiting + due + paid + released", money.reserved_minor, parts, currency),
        _at_most("Prizes within the pool", money.prizes_minor, money.pool_minor, currency),
        _equal("Shoppers seen in both groups", facts.shoppers.in_both_arms, 0),
        _equal("Orders in a currency other than the campaign's", facts.foreign_orders, 0),
    ]


def book_checks(counts: Counts, money: Money, books: Reconciliation) -> list[Check]:
    """Return the lines that hold the warehouse's figures, made from events, against the books, made of documents."""
    accounts, currency = books.accounts_balances, books.currency
    paid = accounts["paid"] + accounts["recoverable"] + accounts["written_off"]
    left = accounts["available"] + accounts["expired"]
    return [
        _equal("Tokens in the warehouse = tokens in the books", counts.tokens_issued, books.tokens),
        _equal("Tokens = entries that qualified", books.tokens, books.entries),
        _equal("Wins in the warehouse = wins in the books", counts.wins, books.wins),
        _equal("Money won = won in the books", money.reserved_minor, books.won_minor, currency),
        _equal("Money released = released in the books", money.released_minor, books.released_minor, currency),
        _equal("Left in the pool = accounts available and expired", money.left_minor, left, currency),
        _equal("Waiting = account reserved", money.waiting_minor, accounts["reserved"], currency),
        _equal("Due = account payable", money.payable_minor, accounts["payable"], currency),
        _equal("Paid = accounts paid, recoverable and written off", money.paid_minor, paid, currency),
        _equal("Largest difference of balances, postings and plays", books.difference_minor, 0, currency),
        *(Check(what="The books", found=problem, expected="nothing wrong", holds=False) for problem in books.problems),
    ]


def reveal_check(launched: Launched, as_of: datetime) -> Check:
    """Return the line that says whether the keys were made public in time."""
    due, at = launched.rules.reveal_by, launched.revealed_at
    return Check(
        what="Keys revealed in time",
        found="not yet" if at is None else at.isoformat(timespec="seconds"),
        expected=f"by {due.isoformat(timespec='seconds')}",
        holds=failed_audit(due, at, as_of) is None,
    )


def _equal(what: str, found: int, expected: int, currency: str | None = None) -> Check:
    """Return the line that says two figures must be the same. With a currency they are minor units of it."""
    return Check(what=what, found=_shown(found, currency), expected=_shown(expected, currency), holds=found == expected)


def _at_most(what: str, found: int, bound: int, currency: str | None = None) -> Check:
    """Return the line that says a figure must not pass a bound. With a currency they are minor units of it."""
    return Check(
        what=what, found=_shown(found, currency), expected=f"at most {_shown(bound, currency)}", holds=found <= bound
    )


def _shown(figure: int, currency: str | None) -> str:
    return f"{figure:,}" if currency is None else money_text(figure, currency)
