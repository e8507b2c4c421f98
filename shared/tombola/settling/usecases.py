"""Claim, pay, settle what is due, reconcile: in every campaign version that was ever launched."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from tombola.campaigns.model import Launched
from tombola.campaigns.usecases import find_launched, started_campaigns
from tombola.draws.claims import Claim
from tombola.errors import Fault, Problem, Unknown
from tombola.games.entries import Entry
from tombola.games.ledger import Balance, Posting
from tombola.games.limits import PersonLimit, Slot
from tombola.games.opening import MAX_BALANCES
from tombola.games.plays import Play, shards_of
from tombola.games.records import CampaignVersion, Record, version_of
from tombola.games.stocks import Stock
from tombola.games.tokens import read_token
from tombola.games.usecases import find_public_keys
from tombola.games.winnings import post_all
from tombola.orders.signatures import verify
from tombola.orders.usecases import webhook_secrets
from tombola.ports import Ports
from tombola.ports.documents import MAX_COMMIT_WRITES, Where
from tombola.ports.unit_of_work import UnitOfWork, all_of
from tombola.retailers.usecases import find_retailer
from tombola.settling.books import Books
from tombola.settling.claiming import ClaimAnswer, ClaimRequest, claim_answer, claimed
from tombola.settling.closing import closed, is_over
from tombola.settling.due import Step, step_due
from tombola.settling.messages import PaymentAnswer, amount_minor, parse_payment, payment_answer
from tombola.settling.payments import Payment, check_unrecovered, take, write_off
from tombola.settling.reconciling import Reconciliation, reconcile_books

WRITES = MAX_COMMIT_WRITES - MAX_BALANCES - 1
"""Of a commit, once every balance document there can be has its own."""

R = TypeVar("R", bound=Record)


def claim_prize(ports: Ports, request: ClaimRequest) -> ClaimAnswer:
    """Note that a prize is asked for, and answer what is due. Asked again, the first claim stands.

    A prize whose time has come this minute matures in the same commit. Raises what `read_token` and `claimed` raise,
    and `Unknown` (`unknown-token`).
    """
    claims = read_token(request.token, find_public_keys(ports, request.token))
    unit, now = UnitOfWork(ports.documents), ports.clock.now()
    play = _play(unit, claims.token_id, "token")
    launched = find_launched(ports, *play.of)
    step = step_due(play, launched.rules.claim_within, now) or Step(play)
    after = claimed(launched.rules, step.play, request, now)
    if after is None:
        return claim_answer(step.play)
    steps = [replace(step, play=after)]
    _apply(ports, unit, _balances(unit, play.of, steps), steps, now)
    return claim_answer(after)


def record_payment(ports: Ports, retailer: str, headers: Mapping[str, str], body: bytes) -> PaymentAnswer:
    """Record what a payer tells of a prize, signed by the retailer: paid, refused, returned or netted.

    Told again it changes nothing and is answered alike. Raises `Unknown` (retailer, token), `Unauthenticated`
    (signature), `Malformed` (body) and what `take` raises.
    """
    known, now = find_retailer(ports, retailer), ports.clock.now()
    verify(webhook_secrets(ports, known), headers, body, now)
    message = parse_payment(body)
    unit = UnitOfWork(ports.documents)
    play = _play(unit, message.token_id, "token_id", known.retailer)
    told = Payment(
        campaign=play.campaign, retailer=known.retailer, payment_id=message.payment_id, token_id=play.token_id,
        outcome=message.outcome, amount_minor=amount_minor(message, play), told_at=now,
    )  # fmt: skip
    before = unit.read(Payment, told.parts)
    taken = take(play, before, told)
    if taken is None:
        return payment_answer(before or told, play)
    steps = [taken.step] if taken.step else []
    _apply(ports, unit, _balances(unit, play.of, steps), steps, now, taken.payment)
    return payment_answer(taken.payment, taken.step.play if taken.step else play)


def find_play(ports: Ports, token_id: str) -> Play:
    """Return the play of a token, with its prize. Raises `Unknown` (`unknown-token`)."""
    return _play(UnitOfWork(ports.documents), token_id, "token")


def write_off_prize(ports: Ports, token_id: str, reason: str) -> int:
    """Give up what was paid for an order that came back; return how much, in minor units. 0: nothing is owed.

    All balance documents are written: how much may be given up is a bound over all of them. Raises `Unknown`,
    `Conflict` (`above-unrecovered-returns`).
    """
    unit, now = UnitOfWork(ports.documents), ports.clock.now()
    play = _play(unit, token_id, "token")
    launched, taken = find_launched(ports, *play.of), write_off(play, reason, now)
    if taken is None or taken.step is None:
        return 0
    balances = {each.balance: each for each in unit.query(Balance, Where("campaign", "==", play.campaign))}
    check_unrecovered(launched.rules, balances.values(), taken.payment.counted_minor)
    moving = {movement.balance for _, movement in taken.step.caused}
    others = [balance.touched() for name, balance in balances.items() if name not in moving]
    moved = {name: balance for name, balance in balances.items() if name in moving}
    _apply(ports, unit, moved, [taken.step], now, taken.payment, *others)
    return taken.payment.counted_minor


def settle_version(ports: Ports, campaign: str, version: int) -> int:
    """Do what is due in one campaign version; return how many plays changed.

    Tokens expire, prizes mature, and those that nobody claimed in time are given up. Only plays that are due are read.
    Once nothing can be won any more, the money is closed and what is left over expires.
    """
    launched, now = find_launched(ports, campaign, version), ports.clock.now()
    due = (play for shard in shards_of(version_of(launched).text) for play in _due(ports, shard, now))
    changed = sum(_settle(ports, launched, batch, now) for batch in _batches(due))
    if is_over(launched, now):
        unit = UnitOfWork(ports.documents)
        balances = unit.query(Balance, Where("campaign", "==", version_of(launched).text))
        ports.documents.commit([unit.write(record) for record in closed(balances, now)])
    return changed


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
        stocks=list(_all(ports, Stock, launched)),
        payments=list(_all(ports, Payment, launched)),
    )
    return reconcile_books(launched, books)


def _play(unit: UnitOfWork, token_id: str, where: str, retailer: str | None = None) -> Play:
    """Return a play, of this retailer if one is named. Raises `Unknown` (`unknown-token`)."""
    play = unit.read(Play, (token_id,))
    if play is None or (retailer is not None and play.retailer != retailer):
        msg = "no play here belongs to this token"
        raise Unknown(msg, [Problem(where, token_id[:12], "a token issued here")], code="unknown-token")
    return play


def _due(ports: Ports, shard: str, now: datetime) -> Iterator[Play]:
    return all_of(ports.documents, Play, Where("shard", "==", shard), Where("due_at", "<=", now))


def _settle(ports: Ports, launched: Launched, ids: Sequence[str], now: datetime) -> int:
    """Take every play of a batch one step further in one commit; what changed since it was found is left alone."""
    unit, within = UnitOfWork(ports.documents), launched.rules.claim_within
    plays = unit.read_all(Play, [(token,) for token in ids])
    steps = [step for play in plays if play is not None and (step := step_due(play, within, now)) is not None]
    _apply(ports, unit, _balances(unit, version_of(launched), steps), steps, now)
    return len(steps)


def _apply(
    ports: Ports,
    unit: UnitOfWork,
    balances: Mapping[str, Balance],
    steps: Sequence[Step],
    now: datetime,
    *others: Record,
) -> None:
    """Commit plays, the money that moved with them, other documents, and the events that tell of it."""
    after, postings = post_all(balances, (each for step in steps for each in step.caused), now)
    plays = [step.play for step in steps]
    writes = [unit.write(record) for record in (*after.values(), *postings, *plays, *others)]
    ports.documents.commit(writes, [play.event().outbound() for play in plays])


def _balances(unit: UnitOfWork, of: CampaignVersion, steps: Iterable[Step]) -> dict[str, Balance]:
    """Return the balance documents whose money moves. Raises `Unknown` (`unknown-balance`) when one is not there."""
    names = sorted({movement.balance for step in steps for _, movement in step.caused})
    found = {each.balance: each for each in unit.read_all(Balance, [(*of.parts, name) for name in names]) if each}
    if missing := [name for name in names if name not in found]:
        msg = f"{of.text} has no balance document {', '.join(missing)}, but a prize whose money lies there"
        raise Unknown(msg, code="unknown-balance")
    return found


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
