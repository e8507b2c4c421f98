"""What a launch opens: the money, split over balance documents, the stocks, and the slots of the campaign's limit."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from math import ceil
from typing import Any

from tombola.campaigns.model import Campaign, Launched
from tombola.campaigns.winning import money_chance
from tombola.games.ledger import ACCOUNTS, Balance, Posting, move, post
from tombola.games.limits import opening_slots
from tombola.games.records import CampaignVersion, Record, version_of
from tombola.games.stocks import opening_stocks
from tombola.games.winnings import FALLBACK

MAX_BALANCES = 16
WINS_PER_SECOND = 1
"""What one balance document carries: Firestore sustains about one write a second on a document."""


def opening_documents(launched: Launched, at: datetime) -> list[tuple[str, tuple[str, ...], dict[str, Any]]]:
    """Return what a launch creates, each as (collection, key parts, fields), in the commit that launches."""
    rules, of = launched.rules, version_of(launched)
    records = chain(_money(of, rules, at), opening_stocks(of, rules), opening_slots(of, rules.most_tokens))
    return [(record.COLLECTION, record.parts, record.fields()) for record in records]


def balance_count(rules: Campaign) -> int:
    """Return over how many documents the pool is split: as many as money is expected to be won a second, 1 to 16.

    By odds that is most plays x chance / seconds of the window, by winning moments their number / seconds.
    """
    seconds = (rules.window.closes_at - rules.window.opens_at).total_seconds()
    by_moments = sum(prize.moments or 0 for prize in rules.prizes if prize.is_money)
    wins = (rules.draw.maximum_plays or 0) * money_chance(rules.prizes) + by_moments
    return min(max(ceil(float(wins) / seconds / WINS_PER_SECOND), 1), MAX_BALANCES)


def balance_order(token_id: str, count: int) -> Sequence[str]:
    """Return the balance documents in the order a win tries them: where its id points, then the next ones."""
    first = int(token_id[8:16], 16) % count
    return [str((first + step) % count) for step in range(count)]


def funded_parts(rules: Campaign) -> dict[str, int]:
    """Return all money that is set aside at the launch, in minor units by balance document.

    The pool, and what every open token could win as a fallback.
    """
    count, pool = balance_count(rules), rules.pool_minor
    parts = {str(number): pool // count + (number < pool % count) for number in range(count)}
    return {**parts, **({FALLBACK: rules.fallback_minor} if rules.fallback_minor else {})}


def _money(of: CampaignVersion, rules: Campaign, at: datetime) -> Iterator[Record]:
    for name, amount in funded_parts(rules).items():
        yield from _opened(of, name, rules.pool.currency, amount, at)


def _opened(of: CampaignVersion, name: str, currency: str, amount: int, at: datetime) -> tuple[Balance, Posting]:
    """Return a balance with all its money available, and the posting that funded it."""
    accounts = dict.fromkeys(ACCOUNTS, 0)
    empty = Balance(campaign=of.text, balance=name, currency=currency, accounts=accounts, revision=0)
    return post(empty, cause="launch", kind="fund", legs=move("funded", "available", amount), at=at)
