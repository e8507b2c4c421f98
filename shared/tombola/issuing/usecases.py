"""Settle what an order or a free entry comes to: gather, decide, commit, until the newest word on it is settled.

One reading and one commit at a time: whatever a decision rests on is rewritten by the commit that applies it, or never
changes once it exists (keys, launched rules), or may be stale where it says so: a retailer's country by 30 s, a
shopper's erasure and earlier orders by as long as their own events take to be handled.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tombola.campaigns.baskets import basket_of
from tombola.campaigns.model import Launched
from tombola.campaigns.usecases import candidates, find_launched, list_versions, live_index
from tombola.catalogue.model import Product
from tombola.catalogue.usecases import find_products
from tombola.errors import Conflict, Problem, Unknown
from tombola.games.derivation import token_id
from tombola.games.eligibility import Circumstances, Evaluation, evaluate_free_entry, evaluate_order, runs_at
from tombola.games.entries import FIRST_TIER, Entry, pack_products, unpack_products
from tombola.games.ledger import Balance
from tombola.games.limits import CAMPAIGN_SCOPE, HOLDER_KINDS, PersonLimit, Slot, named_slot, new_slot, slot_name
from tombola.games.plays import Play
from tombola.games.records import CampaignVersion, version_of
from tombola.games.tokens import SIGNING_KEY
from tombola.issuing.cases import Case, Decision, Shared, tiers_looked_at
from tombola.issuing.entrants import Entrant, order_entrant
from tombola.issuing.places import Places, Wanted, wanted
from tombola.issuing.settlements import Settlement, settled, that_fit
from tombola.orders.facts import Order
from tombola.orders.usecases import find_order
from tombola.ports import Ports
from tombola.ports.documents import MAX_COMMIT_WRITES, Where, Write
from tombola.ports.unit_of_work import UnitOfWork
from tombola.profiles.usecases import has_ordered_before, is_erased
from tombola.retailers.usecases import find_retailer

KEYS_STALE_FOR = timedelta(seconds=60)
"""A rotated key signs within minutes everywhere; old versions verify for ever."""
FOR_EVER = timedelta(days=1)
"""For what never changes once it exists: one version of a key."""
WRITES = MAX_COMMIT_WRITES - 2
"""Of a commit, besides an order and its event."""

Commit = Callable[[Sequence[Settlement], Sequence[Write]], None]
"""How a door commits what was decided, and tells others."""


def settle_order(ports: Ports, order: Order, commit: Commit) -> list[Settlement]:
    """Decide and commit until the revision decided on is the newest recorded; return what it comes to.

    An order that does not qualify leaves no document, so nothing would stop an older revision that
    does, told later: hence the newest is read first and, where something was written, again after. What one
    commit cannot hold is decided again after it.
    """
    while True:
        unit = UnitOfWork(ports.documents)
        concerned = _concerned(ports, unit, order)
        newest = _newest(ports, order) if concerned.campaigns else order
        if newest.revision > order.revision:
            order = newest
            continue
        settlements = _settlements(ports, unit, order, concerned)
        fitting = _committed(unit, settlements, commit)
        written = any(settlement.records for settlement in fitting)
        if fitting == settlements and (not written or _newest(ports, order).revision == order.revision):
            return settlements


def explain_order(ports: Ports, order: Order) -> list[Settlement]:
    """Return what an order would come to now, and write nothing."""
    unit = UnitOfWork(ports.documents)
    return _settlements(ports, unit, order, _concerned(ports, unit, order))


def settle_free_entry(ports: Ports, campaign: str, entrant: Entrant, commit: Commit) -> tuple[Case, Decision]:
    """Decide and commit what a free entry comes to in a campaign. Asked again, nothing changes.

    Raises `Unknown` for a campaign that was never launched, `Conflict` (`another-shopper`) for an entry that is
    somebody else's.
    """
    unit = UnitOfWork(ports.documents)
    launched, entry = _entered(ports, unit, campaign, entrant)
    if entry is not None and entry.shopper != entrant.shopper:
        msg = f"this free entry to {campaign} belongs to another shopper"
        raise Conflict(msg, [Problem("entry_id", "an id in use", "a new id")], code="another-shopper")
    country = find_retailer(ports, entrant.retailer).country
    evaluation = evaluate_free_entry(
        launched, entrant.retailer, entrant.shopper, entrant.household, entrant.at, country
    )
    entering = _Entering(launched, {} if entry is None else {FIRST_TIER: entry}, (evaluation,))
    around = _Around(entrant, ports.clock.now(), _is_erased(ports, entrant))
    settlement = _settlement(ports, unit, entering, around)
    _committed(unit, [settlement], commit)
    return settlement.decided[0]


def _entered(ports: Ports, unit: UnitOfWork, campaign: str, entrant: Entrant) -> tuple[Launched, Entry | None]:
    """Return the version that a free entry has an entry in; else the one that ran when it was made, or the latest."""
    started = [each for each in list_versions(ports, campaign) if each.status != "committed"]
    if not started:
        msg = f"campaign {campaign!r} is not launched"
        raise Unknown(msg, code="unknown-campaign")
    versions = [find_launched(ports, campaign, each.version) for each in started]
    keys = [(*version_of(each).parts, entrant.retailer, entrant.entry, str(FIRST_TIER)) for each in versions]
    for launched, entry in zip(versions, unit.read_all(Entry, keys), strict=True):
        if entry is not None:
            return launched, entry
    return next((each for each in versions if runs_at(each, entrant.at)), versions[-1]), None


def _committed(unit: UnitOfWork, settlements: Sequence[Settlement], commit: Commit) -> list[Settlement]:
    """Commit as much as one commit can hold, and return that."""
    fitting = that_fit(settlements, WRITES)
    commit(fitting, [unit.write(record) for settlement in fitting for record in settlement.records])
    return fitting


@dataclass(frozen=True, slots=True)
class _Entering:
    """One campaign version that an entrant has entries in, by tier, or might enter, and what it has earned there."""

    launched: Launched
    entries: Mapping[int, Entry]
    evaluations: Sequence[Evaluation]
    products: bytes = b"{}"


@dataclass(frozen=True, slots=True)
class _Around:
    """What is the same for all campaigns."""

    entrant: Entrant
    now: datetime
    is_erased: bool


@dataclass(frozen=True, slots=True)
class _Concerned:
    """The campaigns an order concerns, with its entries by tier, and its products as the catalogue has them now."""

    campaigns: Mapping[CampaignVersion, tuple[Launched, Mapping[int, Entry]]]
    products: Mapping[str, Product]


def _concerned(ports: Ports, unit: UnitOfWork, order: Order) -> _Concerned:
    """Return the campaigns the order has entries in, and those its basket could meet, always in the same order.

    An entry pins its version: the order never enters another version of the same campaign. The catalogue is read once,
    and not at all where no campaign is.
    """
    entries = unit.query(Entry, Where("order", "==", order_entrant(order).order))
    entered: dict[CampaignVersion, dict[int, Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.tier):
        entered.setdefault(entry.of, {})[entry.tier] = entry
    names = {of.campaign for of in entered}
    live = live_index(ports, as_of=order.header.ordered_at)
    ids = [line.product_id for line in (*order.lines, *(order.promised_lines or ()))]
    products = find_products(ports, order.retailer, ids) if entered or live.at(order.retailer) else {}
    could_match = live.candidates(order, products.values())
    open_to = (each for each in could_match if each.rules.campaign not in names)
    concerned = {
        **{of: (find_launched(ports, *of), tiers) for of, tiers in entered.items()},
        **{version_of(launched): (launched, {}) for launched in open_to},
    }
    return _Concerned(dict(sorted(concerned.items())), products)


def _settlements(ports: Ports, unit: UnitOfWork, order: Order, concerned: _Concerned) -> list[Settlement]:
    if not concerned.campaigns:
        return []
    entrant, now = order_entrant(order), ports.clock.now()
    around = _Around(entrant, now, _is_erased(ports, entrant))
    return [_settlement(ports, unit, each, around) for each in _entering(ports, order, concerned)]


def _entering(ports: Ports, order: Order, concerned: _Concerned) -> Iterator[_Entering]:
    """Yield what the order has earned in each campaign.

    Products are as the catalogue had them when the order was first looked at there. So is whether it was the shopper's
    first: who has an entry was, whatever is known of earlier orders since.
    """
    country = find_retailer(ports, order.retailer).country
    asks = any(launched.rules.first_order and not entries for launched, entries in concerned.campaigns.values())
    is_first = not (asks and _has_ordered_before(ports, order))
    for launched, entries in concerned.campaigns.values():
        pinned = (unpack_products(entry.products) for entry in entries.values())
        products = {**concerned.products, **{name: product for each in pinned for name, product in each.items()}}
        baskets = basket_of(order, products), basket_of(order, products, promised=True)
        known = Circumstances(bool(candidates([launched], order)), country, is_first or bool(entries))
        yield _Entering(launched, entries, evaluate_order(launched, order, *baskets, known), pack_products(products))


def _settlement(ports: Ports, unit: UnitOfWork, entering: _Entering, around: _Around) -> Settlement:
    cases = list(_cases(ports, unit, entering, around))
    return settled(cases, _shared(unit, [case for case in cases if not case.is_handled]))


def _cases(ports: Ports, unit: UnitOfWork, entering: _Entering, around: _Around) -> Iterator[Case]:
    """Yield a case per tier that has an entry or is earned, and of the first that is not: it says what is missing."""
    launched, entries = entering.launched, entering.entries
    plays = dict(zip(entries, unit.read_all(Play, [(each.token_id,) for each in entries.values()]), strict=True))
    needed = wanted(launched.rules, around.entrant)
    for tier, evaluation in tiers_looked_at(entering.evaluations, entries):
        entry, earns = entries.get(tier), evaluation.qualifies
        yield Case(
            launched=launched,
            entrant=around.entrant,
            evaluation=evaluation,
            now=around.now,
            wanted=needed,
            tier=tier,
            products=entering.products if tier == FIRST_TIER else b"{}",
            token_id=entry.token_id if entry else _token_id(ports, launched, around.entrant, tier) if earns else "",
            signing_version=_signing_version(ports) if earns and entry is None else 0,
            is_erased=around.is_erased,
            entry=entry,
            play=plays.get(tier),
        )


def _shared(unit: UnitOfWork, cases: Sequence[Case]) -> Shared:
    """Return the documents that these cases may write together, none where none of them may."""
    open_entries = [case.entry for case in cases if case.entry and case.play and case.play.state == "open"]
    taking = [case for case in cases if case.may_take]
    balances = _balances(unit, cases)
    if not taking and not open_entries:
        return Shared(balances=balances)
    case = cases[0]
    places = Places(_lists(unit, case, open_entries), _slots(unit, case.of, case.wanted, taking, open_entries))
    return Shared(places, balances)


def _lists(unit: UnitOfWork, case: Case, entries: Iterable[Entry]) -> dict[str, PersonLimit]:
    """Return the limits of the persons concerned and of those that entries count against, new where there is none."""
    limits, retailer, of = case.launched.rules.limits, case.entrant.retailer, case.of
    limited = [kind for kind in HOLDER_KINDS if getattr(limits, f"per_{kind}") is not None]
    holders = set(case.wanted.holders).union(*(entry.holders for entry in entries))
    named = [(kind, who) for kind, _, who in (each.partition("/") for each in sorted(holders)) if kind in limited]
    found = unit.read_all(PersonLimit, [(*of.parts, retailer, kind, who) for kind, who in named])
    new = (
        PersonLimit.model_validate({"campaign": of.text, "retailer": retailer, "kind": kind, "who": who})
        for kind, who in named
    )
    return {each.holder: limit or each for limit, each in zip(found, new, strict=True)}


def _slots(
    unit: UnitOfWork, of: CampaignVersion, needed: Wanted, taking: Sequence[Case], entries: Iterable[Entry]
) -> dict[str, Slot]:
    """Return the slots that entries hold and, of every scope that lacks a place, the first or all, as room asks.

    Those of the campaign were opened at its launch; others come when they are first needed.
    """
    held = {name for entry in entries for name in entry.slots}
    lacking = [scope for scope in needed.scopes if any(case.lacks(scope) for case in taking)]
    first = {slot_name(scope, needed.tried[scope][0]) for scope in lacking}
    found = _read_slots(unit, of, needed, held | first)
    room = {scope: sum(slot.room for slot in found.values() if slot.scope == scope) for scope in lacking}
    tight = [scope for scope in lacking if room[scope] < len(taking)]
    rest = {slot_name(scope, number) for scope in tight for number in needed.tried[scope]} - found.keys()
    return {**found, **_read_slots(unit, of, needed, rest)}


def _read_slots(unit: UnitOfWork, of: CampaignVersion, needed: Wanted, names: Iterable[str]) -> dict[str, Slot]:
    places = sorted(map(named_slot, names))
    found = unit.read_all(Slot, [(*of.parts, scope, str(number)) for scope, number in places])
    slots = (
        slot or (None if scope == CAMPAIGN_SCOPE else new_slot(of, scope, needed.scopes.get(scope), number))
        for slot, (scope, number) in zip(found, places, strict=True)
    )
    return {slot.name: slot for slot in slots if slot is not None}


def _balances(unit: UnitOfWork, cases: Iterable[Case]) -> dict[str, Balance]:
    """Return the balance documents that gave the plays their prizes."""
    named = {(*case.of.parts, name) for case in cases if case.play for name in case.play.prize.portions}
    found = unit.read_all(Balance, sorted(named)) if named else []
    return {balance.balance: balance for balance in found if balance is not None}


def _newest(ports: Ports, order: Order) -> Order:
    """Return the order as it is recorded now, or as given where that is newer."""
    recorded = find_order(ports, order.retailer, order.order_id)
    return order if recorded is None or recorded.revision <= order.revision else recorded


def _is_erased(ports: Ports, entrant: Entrant) -> bool:
    return entrant.shopper is not None and is_erased(ports, entrant.retailer, entrant.shopper)


def _has_ordered_before(ports: Ports, order: Order) -> bool:
    shopper = order.header.shopper
    return shopper is not None and has_ordered_before(ports, shopper, order.header.ordered_at)


def _signing_version(ports: Ports) -> int:
    return ports.memo.read(SIGNING_KEY, KEYS_STALE_FOR, lambda: ports.keys.get(SIGNING_KEY).version)


def _token_id(ports: Ports, launched: Launched, entrant: Entrant, tier: int) -> str:
    name = launched.id_key
    id_key = ports.memo.read(("campaign-key", name), FOR_EVER, lambda: ports.keys.get(name, 1).material)
    campaign = launched.rules.campaign
    return token_id(id_key, launched.rules_hash, campaign, entrant.retailer, entrant.entry, tier)
