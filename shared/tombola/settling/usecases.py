"""Mature, expire, reconcile: what is due, in every campaign version that was ever launched."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from tombola.campaigns.model import Launched
from tombola.campaigns.usecases import find_launched, started_campaigns
from tombola.draws.claims import Claim
from tombola.errors import Fault
from tombola.games.entries import Entry
from tombola.games.ledger import Balance, Posting
from tombola.games.limits import PersonLimit, Slot
from tombola.games.plays import Play, matured
from tombola.games.records import Record, version_of
from tombola.games.winnings import post_all
from tombola.ports import Ports
from tombola.ports.documents import Where
from tombola.ports.unit_of_work import UnitOfWork, all_of
from tombola.settling.reconciling import Books, Reconciliation, reconcile_books

PLAYS_PER_COMMIT = 60
"""A play, a posting each and one balance: 121 writes, under the port's 200."""

R = TypeVar("R", bound=Record)


def mature_prizes(ports: Ports, campaign: str, version: int) -> int:
    """Make payable every prize whose order is authoritative and whose return window is over; return how many."""
    launched, now = find_launched(ports, campaign, version), ports.clock.now()
    after = timedelta(days=launched.rules.matures_after_days)
    due = (play.token_id for play in _all(ports, Play, launched) if matured(play, after, now))
    return sum(_mature(ports, launched, batch, after, now) for batch in _batches(due))


def expire_plays(ports: Ports, campaign: str, version: int) -> int:
    """Write down as expired every open play whose time is over; return how many."""
    launched, now = find_launched(ports, campaign, version), ports.clock.now()
    due = (play.token_id for play in _all(ports, Play, launched) if play.is_expiring(now))
    return sum(_expire(ports, batch, now) for batch in _batches(due))


def settle_plays(ports: Ports) -> int:
    """Mature and expire what is due in every campaign version that was ever launched; return how many plays changed.

    An ended version is settled like a live one: its tokens are still out, its prizes still mature. A version
    whose books are broken does not hold up the others: raises an `ExceptionGroup` of the faults after them.
    """
    changed, faults = 0, []
    for of in map(version_of, started_campaigns(ports)):
        try:
            changed += mature_prizes(ports, *of) + expire_plays(ports, *of)
        except Fault as fault:
            faults.append(fault)
    if faults:
        msg = "campaigns that cannot be settled"
        raise ExceptionGroup(msg, faults)
    return changed


def reconcile(ports: Ports, campaign: str, version: int) -> Reconciliation:
    """Return whether a campaign version's books add up. Reads are not isolated: ask while nothing is written."""
    launched = find_launched(ports, campaign, version)
    books = Books(
        balances=list(_all(ports, Balance, launched)),
        postings=list(_all(ports, Posting, launched)),
        plays=list(_all(ports, Play, launched)),
        entries=list(_all(ports, Entry, launched)),
        claims=list(_all(ports, Claim, launched)),
        limits=list(_all(ports, PersonLimit, launched)),
        slots=list(_all(ports, Slot, launched)),
    )
    return reconcile_books(launched, books)


def _mature(ports: Ports, launched: Launched, ids: Sequence[str], after: timedelta, now: datetime) -> int:
    unit = UnitOfWork(ports.documents)
    plays = [play for play in unit.read_all(Play, [(token,) for token in ids]) if play is not None]
    due = [(play, moved) for play in plays if (moved := matured(play, after, now)) is not None]
    caused = [(play.token_id, movement) for play, moved in due for movement in moved.movements]
    balances, postings = post_all(_balances(unit, launched, {movement.balance for _, movement in caused}), caused, now)
    changed = [play.changed(prize=moved.prize) for play, moved in due]
    writes = [unit.write(record) for record in (*balances.values(), *postings, *changed)]
    if writes:
        ports.documents.commit(writes, [play.event().outbound() for play in changed])
    return len(changed)


def _balances(unit: UnitOfWork, launched: Launched, names: Iterable[str]) -> dict[str, Balance]:
    found = unit.read_all(Balance, [(*version_of(launched).parts, name) for name in sorted(names)])
    return {balance.balance: balance for balance in found if balance is not None}


def _expire(ports: Ports, ids: Sequence[str], now: datetime) -> int:
    unit = UnitOfWork(ports.documents)
    found = unit.read_all(Play, [(token,) for token in ids])
    over_now = [play.become("expired", now) for play in found if play is not None and play.is_expiring(now)]
    ports.documents.commit([unit.write(play) for play in over_now], [play.event().outbound() for play in over_now])
    return len(over_now)


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    left = iter(ids)
    while batch := list(islice(left, PLAYS_PER_COMMIT)):
        yield batch


def _all(ports: Ports, model: type[R], launched: Launched) -> Iterator[R]:
    return all_of(ports.documents, model, Where("campaign", "==", version_of(launched).text))
