"""Mature, expire, reconcile: what is due, in every campaign version that was ever launched."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from tombola.campaigns.model import Launched
from tombola.campaigns.usecases import find_launched, started_campaigns
from tombola.draws.claims import Claim
from tombola.errors import Fault
from tombola.games.entries import Entry
from tombola.games.ledger import Balance, Posting
from tombola.games.limits import PersonLimit, Slot
from tombola.games.opening import MAX_BALANCES
from tombola.games.plays import Play, shards_of
from tombola.games.records import Record, version_of
from tombola.games.winnings import post_all
from tombola.ports import Ports
from tombola.ports.documents import MAX_COMMIT_WRITES, Where
from tombola.ports.unit_of_work import UnitOfWork, all_of
from tombola.settling.due import Step, step_due
from tombola.settling.reconciling import Books, Reconciliation, reconcile_books

WRITES = MAX_COMMIT_WRITES - MAX_BALANCES - 1
"""Of a commit, once every balance document there can be has its own."""

R = TypeVar("R", bound=Record)


def settle_version(ports: Ports, campaign: str, version: int) -> int:
    """Do what is due in one campaign version; return how many plays changed.

    Tokens expire, prizes mature, and those that nobody claimed in time are given up. Only plays that are due are read.
    """
    launched, now = find_launched(ports, campaign, version), ports.clock.now()
    due = (play for shard in shards_of(version_of(launched).text) for play in _due(ports, shard, now))
    return sum(_settle(ports, launched, batch, now) for batch in _batches(due))


def settle_plays(ports: Ports) -> int:
    """Do what is due in every campaign version that was ever launched; return how many plays changed.

    An ended version is settled like a live one: its tokens are still out, its prizes still mature. A version
    whose books are broken does not hold up the others: raises an `ExceptionGroup` of the faults after them.
    """
    changed, faults = 0, []
    for of in map(version_of, started_campaigns(ports)):
        try:
            changed += settle_version(ports, *of)
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


def _due(ports: Ports, shard: str, now: datetime) -> Iterator[Play]:
    return all_of(ports.documents, Play, Where("shard", "==", shard), Where("due_at", "<=", now))


def _settle(ports: Ports, launched: Launched, ids: Sequence[str], now: datetime) -> int:
    """Take every play of a batch one step further in one commit; what changed since it was found is left alone."""
    unit, within = UnitOfWork(ports.documents), launched.rules.claim_within
    plays = unit.read_all(Play, [(token,) for token in ids])
    steps = [step for play in plays if play is not None and (step := step_due(play, within, now)) is not None]
    _apply(ports, unit, launched, steps, now)
    return len(steps)


def _apply(ports: Ports, unit: UnitOfWork, launched: Launched, steps: Sequence[Step], now: datetime) -> None:
    """Commit plays, the money that moved with them, and the events that tell of it."""
    caused = [each for step in steps for each in step.caused]
    balances, postings = post_all(_balances(unit, launched, {movement.balance for _, movement in caused}), caused, now)
    plays = [step.play for step in steps]
    writes = [unit.write(record) for record in (*balances.values(), *postings, *plays)]
    ports.documents.commit(writes, [play.event().outbound() for play in plays])


def _balances(unit: UnitOfWork, launched: Launched, names: Iterable[str]) -> dict[str, Balance]:
    found = unit.read_all(Balance, [(*version_of(launched).parts, name) for name in sorted(names)])
    return {balance.balance: balance for balance in found if balance is not None}


def _batches(plays: Iterable[Play]) -> Iterator[list[str]]:
    """Yield token ids, as many as one commit takes at a time: each is a play, its event, a posting per portion."""
    batch, room = list[str](), WRITES
    for play in plays:
        needed = 2 + len(play.prize.portions)
        if needed > room:
            yield batch
            batch, room = [], WRITES
        batch.append(play.token_id)
        room -= needed
    if batch:
        yield batch


def _all(ports: Ports, model: type[R], launched: Launched) -> Iterator[R]:
    return all_of(ports.documents, model, Where("campaign", "==", version_of(launched).text))
