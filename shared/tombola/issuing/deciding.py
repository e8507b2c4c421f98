"""Issue, revise, revoke, revive: what an entrant's tokens come to, tier by tier, as data.

Rollback undoes entitlements, never facts: an unplayed token is revoked and frees its limits, and
revives with the same id if the order qualifies again; a played one stays played, and its prize falls
to what is left. `decide` is given all it needs and returns the documents that one commit rewrites.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from tombola.campaigns.prizes import prize_minor
from tombola.errors import Unknown
from tombola.games.eligibility import Reason
from tombola.games.entries import Entry
from tombola.games.events import PlayState
from tombola.games.plays import Play, shard_of
from tombola.games.records import Record
from tombola.games.winnings import FALLBACK, post_all, rolled_back
from tombola.issuing.cases import Case, Decision, Shared
from tombola.issuing.entrants import Entrant
from tombola.issuing.places import Seated, seated


def decide(case: Case, shared: Shared) -> Decision:
    """Return what one tier comes to. A revision handled before changes nothing.

    Raises `Unknown` when a document that must be there is not.
    """
    if case.entry is None:
        return _issue(case, shared)
    if case.play is None:
        msg = f"an entry of {case.of.text} has no play document"
        raise Unknown(msg, code="unknown-play")
    if case.is_handled:
        return Decision(case.entry.reason, shared, case.play)
    return _REVISIONS[case.play.state](case, shared, case.entry, case.play)


def _issue(case: Case, shared: Shared) -> Decision:
    entry = _new_entry(case)
    obstacle = "too-late" if case.expires_at <= case.now and case.evaluation.qualifies else None
    taken = obstacle or _taken(case, shared, entry)
    if not isinstance(taken, Seated):
        return Decision(taken, shared)
    play = _new_play(case)
    entry = entry.model_copy(update={"slots": taken.slots})
    return Decision(entry.reason, replace(shared, places=taken.places), play, (entry, play))


def _new_entry(case: Case) -> Entry:
    entrant = case.entrant
    return Entry(
        campaign=case.of.text,
        retailer=entrant.retailer,
        entry=entrant.entry,
        tier=case.tier,
        kind=entrant.kind,
        token_id=case.token_id,
        order=entrant.order,
        shopper=entrant.shopper,
        household=entrant.household,
        order_revision=entrant.revision,
        outcome="issued",
        reason=case.evaluation.reason,
        products=case.products,
    )


def _new_play(case: Case) -> Play:
    return Play(
        campaign=case.of.text,
        token_id=case.token_id,
        retailer=case.entrant.retailer,
        tier=case.tier,
        kind=case.entrant.kind,
        currency=case.launched.rules.pool.currency,
        states=("open",),
        state_times=(case.now,),
        state_at=case.now,
        shard=shard_of(case.of.text, case.token_id),
        issued_at=case.now,
        expires_at=case.expires_at,
        matures_at=case.now + case.launched.rules.matures_after,
        base_minor=case.evaluation.base_minor,
        authoritative=case.entrant.authoritative,
        order_revision=case.entrant.revision,
        signing_version=case.signing_version,
    )


def _revise_open(case: Case, shared: Shared, entry: Entry, play: Play) -> Decision:
    if play.is_over(case.now):
        return _handled(case, shared, entry, "expired", _following(play.become("expired", case.now), case.entrant))
    if not case.evaluation.qualifies:
        return _revoke(case, shared, entry, play, case.evaluation.reason)
    taken = seated(shared.places, case.wanted, entry, case.now)
    if not isinstance(taken, Seated):
        return _revoke(case, shared, entry, play, taken)
    base_minor = min(play.base_minor, case.evaluation.base_minor)
    differs = base_minor != play.base_minor or (case.entrant.authoritative and not play.authoritative)
    revised = _following(play.changed(), case.entrant, base_minor=base_minor) if differs else None
    moved = _moved(case, entry).model_copy(update={"slots": taken.slots})
    return _handled(case, replace(shared, places=taken.places), moved, "qualifies", revised)


def _revoke(case: Case, shared: Shared, entry: Entry, play: Play, reason: Reason) -> Decision:
    gone = _moved(case, entry).model_copy(update={"outcome": "revoked", "slots": ()})
    revoked = _following(play.become("revoked", case.now), case.entrant)
    return _handled(case, replace(shared, places=shared.places.released(entry)), gone, reason, revoked)


def _revise_revoked(case: Case, shared: Shared, entry: Entry, play: Play) -> Decision:
    entry = _moved(case, entry)
    taken = "expired" if play.is_over(case.now) else _taken(case, shared, entry)
    if not isinstance(taken, Seated):
        return _handled(case, shared, entry, taken, None)
    base_minor = min(play.base_minor, case.evaluation.base_minor)
    revived = _following(play.become("open", case.now), case.entrant, base_minor=base_minor)
    entry = entry.model_copy(update={"outcome": "issued", "slots": taken.slots})
    return _handled(case, replace(shared, places=taken.places), entry, "qualifies", revived)


def _revise_played(case: Case, shared: Shared, entry: Entry, play: Play) -> Decision:
    """Keep the play, and lower its prize to what the order still entitles to. It uses its limits for ever."""
    base_minor = min(play.base_minor, case.evaluation.base_minor)
    entitled = _entitled_minor(case, play, base_minor)
    moved = rolled_back(play.prize, entitled, stands=case.evaluation.qualifies)
    if moved is None:
        stated = case.entrant.authoritative and not play.authoritative
        return _handled(case, shared, entry, "played", _following(play.changed(), case.entrant) if stated else None)
    if missing := {movement.balance for movement in moved.movements} - set(shared.balances):
        msg = f"{case.of.text} has no balance document {', '.join(sorted(missing))}, but a prize to roll back"
        raise Unknown(msg, code="unknown-balance")
    cause = f"{play.token_id}/order/{case.entrant.revision}"
    balances, postings = post_all(shared.balances, ((cause, movement) for movement in moved.movements), case.now)
    lowered = _following(play.changed(), case.entrant, prize=moved.prize, base_minor=base_minor)
    return _handled(case, replace(shared, balances=balances), entry, "played", lowered, postings)


def _entitled_minor(case: Case, play: Play, base_minor: int) -> int:
    """Return how much money of its prize the order still entitles to."""
    rules = case.launched.rules
    if not case.evaluation.qualifies:
        return 0
    if play.prize.name == FALLBACK:
        return play.prize.reserved_minor
    won = next((prize for prize in rules.prizes if prize.name == play.prize.name), None)
    return 0 if won is None else prize_minor(rules, won, base_minor)


def _keep_expired(case: Case, shared: Shared, entry: Entry, _play: Play) -> Decision:
    return _handled(case, shared, entry, "expired", None)


def _handled(
    case: Case, shared: Shared, entry: Entry, reason: str, play: Play | None, postings: Iterable[Record] = ()
) -> Decision:
    """Return a decision that keeps the entry, having handled this revision; `play` is None when it stays as it is."""
    handled = entry.changed(
        order_revision=case.entrant.revision, reason=reason, summary=case.evaluation.summary, products=case.products
    )
    rewritten = () if play is None else (play,)
    return Decision(reason, shared, play or case.play, (handled, *rewritten, *postings))


def _following(play: Play, entrant: Entrant, **changes: object) -> Play:
    """Return a play that has its next revision already, following this revision of its order."""
    authoritative = play.authoritative or entrant.authoritative
    return play.model_copy(update={"order_revision": entrant.revision, "authoritative": authoritative, **changes})


def _moved(case: Case, entry: Entry) -> Entry:
    """Return the entry as of whom the order now is: whose limits it counts against, or would."""
    return entry.model_copy(update={"shopper": case.entrant.shopper, "household": case.entrant.household})


def _taken(case: Case, shared: Shared, entry: Entry) -> Seated | Reason:
    """Return the places that a token takes which is issued or revived, or what keeps it from that."""
    if not case.evaluation.qualifies:
        return case.evaluation.reason
    if case.is_erased:
        return "erased"
    return seated(shared.places, case.wanted, entry, case.now)


_REVISIONS: Mapping[PlayState, Callable[[Case, Shared, Entry, Play], Decision]] = {
    "open": _revise_open,
    "revoked": _revise_revoked,
    "played": _revise_played,
    "expired": _keep_expired,
}
