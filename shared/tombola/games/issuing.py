"""Issue, revise, revoke, revive: what a revision of an order does to its token, as data.

Rollback undoes entitlements, never facts: an unplayed token is revoked and frees its limits, and
revives with the same id if the order qualifies again; a played one stays played, and its prize falls
to what is left. `decide` is given all it needs and returns the documents that one commit rewrites.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tombola.campaigns.model import Launched
from tombola.campaigns.prizes import prize_minor
from tombola.errors import Unknown
from tombola.games.eligibility import Evaluation, Reason
from tombola.games.entries import TIER, Entry, order_entry, order_text
from tombola.games.events import PlayState
from tombola.games.ledger import Balance
from tombola.games.limits import ShopperLimit, Slot
from tombola.games.plays import Play, shard_of
from tombola.games.records import CampaignVersion, Record, version_of
from tombola.games.winnings import FALLBACK, post_all, rolled_back
from tombola.orders.facts import Order


@dataclass(frozen=True, slots=True)
class Case:
    """One order and one campaign version, with everything the decision rests on.

    `limits` are the documents of the shoppers concerned, by shopper: empty where nothing limits
    shoppers. `slot` is the one the entry holds or, where it needs one, one that has room (or the last one
    looked at). `balances` are those that gave the play its prize, by name. `token_id` and
    `signing_version` are needed where a token may be issued. `products` is what the entry is to remember of
    the catalogue.
    """

    launched: Launched
    order: Order
    evaluation: Evaluation
    now: datetime
    products: bytes = b"{}"
    token_id: str = ""
    signing_version: int = 0
    entry: Entry | None = None
    play: Play | None = None
    limits: Mapping[str, ShopperLimit] = field(default_factory=dict)
    slot: Slot | None = None
    balances: Mapping[str, Balance] = field(default_factory=dict)

    @property
    def of(self) -> CampaignVersion:
        """The campaign version."""
        return version_of(self.launched)

    @property
    def expires_at(self) -> datetime:
        """Until when a token issued now can be played, in whole seconds."""
        rules = self.launched.rules
        return min(self.now + rules.play_within, rules.last_play_at).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Decision:
    """What one commit writes, the play as it then is (None: there is no token), and why."""

    reason: str
    play: Play | None = None
    records: tuple[Record, ...] = ()

    @property
    def changed_play(self) -> Play | None:
        """The play if it is rewritten, which others must be told."""
        return next((record for record in self.records if isinstance(record, Play)), None)


def is_handled(entry: Entry | None, order: Order) -> bool:
    """Tell whether this revision of the order, or a later one, was handled before."""
    return entry is not None and order.revision <= entry.order_revision


def needs_place(entry: Entry | None, play: Play | None, evaluation: Evaluation) -> bool:
    """Tell whether a slot with room must be found: a token is to be issued or revived."""
    return evaluation.qualifies and (entry is None or (play is not None and play.state == "revoked"))


def decide(case: Case) -> Decision:
    """Return what the order's revision comes to. A revision handled before changes nothing.

    Raises `Unknown` when a document that must be there is not.
    """
    if case.entry is None:
        return _issue(case)
    if case.play is None:
        msg = f"an entry of {case.of.text} has no play document"
        raise Unknown(msg, code="unknown-play")
    if is_handled(case.entry, case.order):
        return Decision(case.entry.reason, case.play)
    return _REVISIONS[case.play.state](case, case.entry, case.play)


def _issue(case: Case) -> Decision:
    evaluation, rules = case.evaluation, case.launched.rules
    entry_name = order_entry(case.order.order_id)
    if (obstacle := _obstacle(case, f"{entry_name}#{TIER}")) is not None:
        return Decision(obstacle)
    entry = Entry(
        campaign=case.of.text,
        retailer=case.order.retailer,
        entry=entry_name,
        token_id=case.token_id,
        order=order_text(case.order.retailer, case.order.order_id),
        shopper=case.order.header.shopper,
        order_revision=case.order.revision,
        outcome="issued",
        reason=evaluation.reason,
        slot=case.slot.slot if case.slot else None,
        products=case.products,
    )
    play = Play(
        campaign=case.of.text,
        token_id=case.token_id,
        retailer=case.order.retailer,
        tier=entry.tier,
        currency=rules.pool.currency,
        states=("open",),
        state_times=(case.now,),
        state_at=case.now,
        shard=shard_of(case.of.text, case.token_id),
        issued_at=case.now,
        expires_at=case.expires_at,
        matures_at=case.now + rules.matures_after,
        base_minor=evaluation.base_minor,
        authoritative=case.order.authoritative,
        order_revision=case.order.revision,
        signing_version=case.signing_version,
    )
    return Decision(evaluation.reason, play, (entry, play, *_placed(case, entry)))


def _revise_open(case: Case, entry: Entry, play: Play) -> Decision:
    if play.is_over(case.now):
        return _handled(case, entry, "expired", _following(play.become("expired", case.now), case.order))
    shopper = case.order.header.shopper
    moves = shopper != entry.shopper
    if not case.evaluation.qualifies:
        return _revoke(case, entry, play, case.evaluation.reason)
    if moves and not _has_room(case, entry.counted_as):
        return _revoke(case, entry, play, "limit-reached")
    base_minor = min(play.base_minor, case.evaluation.base_minor)
    counted = (*_uncounted(case, entry), *_counted(case, entry)) if moves else ()
    differs = base_minor != play.base_minor or (case.order.authoritative and not play.authoritative)
    revised = _following(play.changed(), case.order, base_minor=base_minor) if differs else None
    return _handled(case, entry.model_copy(update={"shopper": shopper}), "qualifies", revised, counted)


def _revoke(case: Case, entry: Entry, play: Play, reason: Reason) -> Decision:
    gone = entry.changed(
        order_revision=case.order.revision,
        outcome="revoked",
        reason=reason,
        summary=case.evaluation.summary,
        slot=None,
        shopper=case.order.header.shopper,
        products=case.products,
    )
    revoked = _following(play.become("revoked", case.now), case.order)
    freed = [case.slot.freed()] if case.slot else []
    return Decision(reason, revoked, (gone, revoked, *freed, *_uncounted(case, entry)))


def _revise_revoked(case: Case, entry: Entry, play: Play) -> Decision:
    entry = entry.model_copy(update={"shopper": case.order.header.shopper})
    obstacle = "expired" if play.is_over(case.now) else _obstacle(case, entry.counted_as)
    if obstacle is not None:
        return _handled(case, entry, obstacle, None)
    base_minor = min(play.base_minor, case.evaluation.base_minor)
    revived = _following(play.become("open", case.now), case.order, base_minor=base_minor)
    entry = entry.model_copy(update={"outcome": "issued", "slot": case.slot.slot if case.slot else None})
    return _handled(case, entry, "qualifies", revived, _placed(case, entry))


def _revise_played(case: Case, entry: Entry, play: Play) -> Decision:
    """Keep the play, and lower its prize to what the order still entitles to. It uses its limits for ever."""
    base_minor = min(play.base_minor, case.evaluation.base_minor)
    entitled = _entitled_minor(case, play, base_minor)
    moved = rolled_back(play.prize, entitled, stands=case.evaluation.qualifies)
    if moved is None:
        stated = case.order.authoritative and not play.authoritative
        return _handled(case, entry, "played", _following(play.changed(), case.order) if stated else None)
    if missing := {movement.balance for movement in moved.movements} - set(case.balances):
        msg = f"{case.of.text} has no balance document {', '.join(sorted(missing))}, but a prize to roll back"
        raise Unknown(msg, code="unknown-balance")
    cause = f"{play.token_id}/order/{case.order.revision}"
    balances, postings = post_all(case.balances, ((cause, movement) for movement in moved.movements), case.now)
    lowered = _following(play.changed(), case.order, prize=moved.prize, base_minor=base_minor)
    used = [balances[movement.balance] for movement in moved.movements]
    return _handled(case, entry, "played", lowered, (*used, *postings))


def _entitled_minor(case: Case, play: Play, base_minor: int) -> int:
    """Return how much money of its prize the order still entitles to."""
    rules = case.launched.rules
    if not case.evaluation.qualifies:
        return 0
    if play.prize.name == FALLBACK:
        return play.prize.reserved_minor
    won = next((prize for prize in rules.prizes if prize.name == play.prize.name), None)
    return 0 if won is None else prize_minor(rules, won, base_minor)


def _handled(case: Case, entry: Entry, reason: str, play: Play | None, others: Iterable[Record] = ()) -> Decision:
    """Return a decision that keeps the entry, having handled this revision; `play` is None when it stays as it is."""
    handled = entry.changed(
        order_revision=case.order.revision, reason=reason, summary=case.evaluation.summary, products=case.products
    )
    rewritten = () if play is None else (play,)
    return Decision(reason, play or case.play, (handled, *rewritten, *others))


def _following(play: Play, order: Order, **changes: object) -> Play:
    """Return a play that has its next revision already, following this revision of its order."""
    authoritative = play.authoritative or order.authoritative
    return play.model_copy(update={"order_revision": order.revision, "authoritative": authoritative, **changes})


def _obstacle(case: Case, counted_as: str) -> Reason | None:
    """Return what keeps a token from being issued or revived now, if anything."""
    if not case.evaluation.qualifies:
        return case.evaluation.reason
    if case.entry is None and case.expires_at <= case.now:
        return "too-late"
    if not _has_room(case, counted_as):
        return "limit-reached"
    if case.slot is None or case.slot.status == "closed":
        return "campaign-ended"
    return None if case.slot.has_room else "sold-out"


def _has_room(case: Case, counted_as: str) -> bool:
    most, shopper = case.launched.rules.limits.per_shopper, case.order.header.shopper
    if most is None or shopper is None:
        return True
    limit = case.limits[shopper]
    return counted_as in limit.entries or limit.has_room(most)


def _placed(case: Case, entry: Entry) -> tuple[Record, ...]:
    slots = () if case.slot is None else (case.slot.taken(),)
    return (*slots, *_counted(case, entry))


def _counted(case: Case, entry: Entry) -> tuple[Record, ...]:
    limit = case.limits.get(case.order.header.shopper or "")
    return () if limit is None else (limit.counting(entry.counted_as, case.now),)


def _uncounted(case: Case, entry: Entry) -> tuple[Record, ...]:
    limit = case.limits.get(entry.shopper or "")
    return () if limit is None else (limit.without(entry.counted_as),)


def _keep_expired(case: Case, entry: Entry, _play: Play) -> Decision:
    return _handled(case, entry, "expired", None)


_REVISIONS: Mapping[PlayState, Callable[[Case, Entry, Play], Decision]] = {
    "open": _revise_open,
    "revoked": _revise_revoked,
    "played": _revise_played,
    "expired": _keep_expired,
}
