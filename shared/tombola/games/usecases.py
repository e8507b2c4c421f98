"""Issue tokens, check orders out, list keys.

One reading and one commit at a time: whatever a decision rests on is rewritten by the commit that
applies it, or never changes once it exists (claims, keys, launched rules), or may be stale where it
says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tombola.campaigns.baskets import basket_of
from tombola.campaigns.model import Launched
from tombola.campaigns.usecases import candidates, find_launched, live_campaigns
from tombola.catalogue.model import Product
from tombola.catalogue.usecases import find_products
from tombola.events import Event
from tombola.fairness.heads import SIGNING_KEY as HEAD_KEY
from tombola.fairness.heads import HeadSigner
from tombola.feeds.signing import SIGNING_KEY as RECEIPT_KEY
from tombola.feeds.signing import ReceiptSigner
from tombola.games.answers import CheckOutAnswer, Issued, issued, offered
from tombola.games.derivation import token_id
from tombola.games.eligibility import evaluate_order
from tombola.games.entries import TIER, Entry, order_entry, order_text, pack_products, unpack_products
from tombola.games.issuing import Case, Decision, decide, is_handled, needs_place
from tombola.games.ledger import Balance
from tombola.games.limits import ShopperLimit, Slot, slot_count, slot_order
from tombola.games.plays import Play
from tombola.games.records import CampaignVersion, version_of
from tombola.games.tokens import SIGNING_KEY, Signer, jwks, sign_token, signing_version
from tombola.orders.doors import check_clock, parse_message, statement_of
from tombola.orders.facts import Order
from tombola.orders.packing import unpack
from tombola.orders.reading import current
from tombola.orders.signatures import verify
from tombola.orders.usecases import PlannedOrder, plan_order, webhook_secrets
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, Documents, Where, Write
from tombola.ports.errors import NotFound
from tombola.ports.unit_of_work import UnitOfWork
from tombola.retailers.usecases import find_retailer, pseudonym_key

KEYS_STALE_FOR = timedelta(seconds=60)
"""A rotated key signs within a minute everywhere; old versions verify for ever."""
FOR_EVER = timedelta(days=1)
"""For what never changes once it exists: one version of a key, a campaign's moments, the claims there were."""


def issue_tokens(ports: Ports, order: Order, *, lane: str) -> list[Issued]:
    """Give an order the tokens it earns and take back what it no longer does; publish every play concerned.

    Told twice, late or out of order, it ends in the same state: the newest revision recorded counts.
    """

    def commit(settled: _Settled) -> None:
        ports.documents.commit(settled.writes)
        _publish(ports, [decision.play.event() for _, decision in settled.decided if decision.play], lane)

    return [issued(case, decision) for case, decision in _settle(ports, order, commit).decided]


def check_out(ports: Ports, retailer: str, headers: Mapping[str, str], body: bytes) -> CheckOutAnswer:
    """Record an order that the retailer signed at its check-out, and answer with the tokens it earns.

    Asked again, the answer is the same: an order has one token per campaign, through whatever door.
    Raises `Unknown` (retailer), `Unauthenticated` (signature), `Malformed` (body).
    """
    known, now = find_retailer(ports, retailer), ports.clock.now()
    verify(webhook_secrets(ports, known), headers, body, now)
    message = parse_message(body)
    check_clock(message, now)
    planned = plan_order(ports, statement_of(message, known.retailer, "check_out", pseudonym_key(ports, known)))
    if planned.order is None:
        ports.documents.commit(planned.writes)
        return CheckOutAnswer(order_id=message.order_id, campaigns=())
    settled = _settle(ports, planned.order, _OutboxCommits(ports.documents, planned))
    offers = (offered(case, decision, _token_text(ports, decision.play)) for case, decision in settled.decided)
    return CheckOutAnswer(order_id=message.order_id, campaigns=tuple(offers))


def closing_writes(ports: Ports, campaign: str, version: int) -> list[Write]:
    """Return what closes the slots of a campaign version that are open: from that commit on no token is issued."""
    unit = UnitOfWork(ports.documents)
    slots = unit.query(Slot, Where("campaign", "==", CampaignVersion(campaign, version).text))
    return [unit.write(slot.closed()) for slot in slots if slot.status == "open"]


def list_keys(ports: Ports) -> dict[str, list[dict[str, str]]]:
    """Return the public keys that verify tokens, receipts and heads, as a JWK set, at most a minute old."""
    versions = ports.memo.read("token-signing-versions", KEYS_STALE_FOR, lambda: ports.keys.versions(SIGNING_KEY))
    tokens = jwks({version: find_signer(ports, version) for version in versions})["keys"]
    receipts = ports.memo.read("receipt-signing-jwks", KEYS_STALE_FOR, lambda: _receipt_keys(ports))
    heads = ports.memo.read("head-signing-jwks", KEYS_STALE_FOR, lambda: _head_keys(ports))
    return {"keys": tokens + receipts + heads}


def _receipt_keys(ports: Ports) -> list[dict[str, str]]:
    """Return the public keys that verify receipts of files, oldest first."""
    versions = ports.keys.versions(RECEIPT_KEY)
    return [ReceiptSigner(version, ports.keys.get(RECEIPT_KEY, version).material).jwk() for version in versions]


def _head_keys(ports: Ports) -> list[dict[str, str]]:
    """Return the public keys that verify the heads of seals, oldest first."""
    return [HeadSigner(one, ports.keys.get(HEAD_KEY, one).material).jwk() for one in ports.keys.versions(HEAD_KEY)]


@dataclass(frozen=True, slots=True)
class _Settled:
    """What one revision of an order comes to in every campaign concerned."""

    decided: Sequence[tuple[Case, Decision]]
    writes: Sequence[Write]


class _OutboxCommits:
    """How an HTTP door commits: events go to the outbox, and the first commit records the order too.

    The order is told with every token too, not only when it changed: a newer revision may have been handled
    meanwhile and have found no entry to undo. Nobody redelivers a request, so if this process dies before it
    looks again, that event has the order looked at once more.
    """

    def __init__(self, documents: Documents, planned: PlannedOrder) -> None:
        self._documents = documents
        self._writes = planned.writes
        self._order = [] if planned.event is None else [planned.event.outbound()]

    def __call__(self, settled: _Settled) -> None:
        plays = (play for _, decision in settled.decided if (play := decision.changed_play) is not None)
        events = [play.event().outbound() for play in plays]
        writes = [*self._writes, *settled.writes]
        self._documents.commit(writes, [*self._order, *events] if writes else [])
        self._writes = ()


def _settle(ports: Ports, order: Order, commit: Callable[[_Settled], None]) -> _Settled:
    """Decide and commit until the revision decided on is the newest recorded.

    An order that does not qualify leaves no document, so nothing would stop an older revision that
    does, told later: hence the newest is read first and, where something was written, again after.
    """
    while True:
        unit = UnitOfWork(ports.documents)
        concerned = _concerned(ports, unit, order)
        newest = _newest(ports, order) if concerned else order
        if newest.revision > order.revision:
            order = newest
            continue
        settled = _decided(ports, unit, order, concerned)
        commit(settled)
        if not settled.writes or _newest(ports, order).revision == order.revision:
            return settled


def _concerned(ports: Ports, unit: UnitOfWork, order: Order) -> dict[CampaignVersion, tuple[Launched, Entry | None]]:
    """Return the campaigns the order has an entry in, and those it might enter.

    An entry pins its version: the order never enters another version of the same campaign.
    """
    entries = unit.query(Entry, Where("order", "==", order_text(order.retailer, order.order_id)))
    entered = {entry.of: (find_launched(ports, *entry.of), entry) for entry in entries}
    names = {of.campaign for of in entered}
    live = live_campaigns(ports, as_of=order.header.ordered_at)
    open_to = (each for each in candidates(live, order) if each.rules.campaign not in names)
    return {**entered, **{version_of(launched): (launched, None) for launched in open_to}}


def _decided(
    ports: Ports, unit: UnitOfWork, order: Order, concerned: Mapping[CampaignVersion, tuple[Launched, Entry | None]]
) -> _Settled:
    now = ports.clock.now()
    ids = {line.product_id for line in (*order.lines, *(order.promised_lines or ()))} if concerned else ()
    products = find_products(ports, order.retailer, ids)
    facts = _Facts(order, products, now)
    cases = [_case(ports, unit, launched, entry, facts) for launched, entry in concerned.values()]
    decided = [(case, decide(case)) for case in cases]
    return _Settled(decided, [unit.write(record) for _, decision in decided for record in decision.records])


@dataclass(frozen=True, slots=True)
class _Facts:
    """What all campaigns look at. `products` is what the catalogue says now."""

    order: Order
    products: Mapping[str, Product]
    now: datetime


def _case(ports: Ports, unit: UnitOfWork, launched: Launched, entry: Entry | None, facts: _Facts) -> Case:
    order = facts.order
    products = {**facts.products, **(unpack_products(entry.products) if entry else {})}
    baskets = basket_of(order, products), basket_of(order, products, promised=True)
    is_candidate = bool(candidates([launched], order))
    evaluation = evaluate_order(launched, order, *baskets, is_candidate=is_candidate)
    case = Case(launched, order, evaluation, facts.now, pack_products(products), entry=entry)
    if entry is None and not evaluation.qualifies:
        return case
    if entry is None:
        signing = ports.memo.read(SIGNING_KEY, KEYS_STALE_FOR, lambda: ports.keys.get(SIGNING_KEY).version)
        case = replace(case, token_id=_token_id(ports, launched, order), signing_version=signing)
    else:
        case = replace(case, token_id=entry.token_id, play=unit.read(Play, (entry.token_id,)))
    if is_handled(entry, order):
        return case
    return replace(case, limits=_limits(unit, case), slot=_slot(unit, case), balances=_balances(unit, case))


def _limits(unit: UnitOfWork, case: Case) -> dict[str, ShopperLimit]:
    """Return the limits of the order's shopper and of the one the entry counts against, new where there is none."""
    if case.launched.rules.limits.per_shopper is None:
        return {}
    counted = case.entry.shopper if case.entry else None
    shoppers = sorted({shopper for shopper in (case.order.header.shopper, counted) if shopper is not None})
    retailer = case.order.retailer
    found = unit.read_all(ShopperLimit, [(*case.of.parts, retailer, shopper) for shopper in shoppers])
    return {
        shopper: limit or ShopperLimit(campaign=case.of.text, retailer=retailer, shopper=shopper)
        for shopper, limit in zip(shoppers, found, strict=True)
    }


def _slot(unit: UnitOfWork, case: Case) -> Slot | None:
    """Return the slot a standing token holds; for a new one the first with room, else the first looked at."""
    if case.entry is not None and case.entry.slot is not None:
        return unit.read(Slot, (*case.of.parts, str(case.entry.slot)))
    if not needs_place(case.entry, case.play, case.evaluation):
        return None
    first, *others = slot_order(case.token_id, slot_count(case.launched.rules.limits.per_campaign))
    found = unit.read(Slot, (*case.of.parts, str(first)))
    if found is None or found.has_room or not others:
        return found
    rest = unit.read_all(Slot, [(*case.of.parts, str(number)) for number in others])
    return next((slot for slot in rest if slot is not None and slot.has_room), found)


def _balances(unit: UnitOfWork, case: Case) -> dict[str, Balance]:
    """Return the balance documents that gave the play its prize."""
    names = sorted(case.play.prize.portions) if case.play is not None else []
    found = unit.read_all(Balance, [(*case.of.parts, name) for name in names])
    return {balance.balance: balance for balance in found if balance is not None}


def _newest(ports: Ports, order: Order) -> Order:
    """Return the order as it is recorded now, or as given where that is newer."""
    (snapshot,) = ports.documents.get([DocumentKey("orders", (order.retailer, order.order_id))])
    if snapshot is None:
        return order
    fields: Mapping[str, Any] = snapshot.fields
    if fields["revision"] <= order.revision:
        return order
    return current(unpack(fields["state"]), order.retailer, order.order_id, fields["revision"]) or order


def _token_id(ports: Ports, launched: Launched, order: Order) -> str:
    name = launched.id_key
    id_key = ports.memo.read(("campaign-key", name), FOR_EVER, lambda: ports.keys.get(name, 1).material)
    campaign = launched.rules.campaign
    return token_id(id_key, launched.rules_hash, campaign, order.retailer, order_entry(order.order_id), TIER)


def _token_text(ports: Ports, play: Play | None) -> str | None:
    if play is None or play.state not in {"open", "played"}:
        return None
    return sign_token(find_signer(ports, play.signing_version), play.token_id, play.of.campaign, play.expires_at)


def _publish(ports: Ports, events: Sequence[Event], lane: str) -> None:
    outbound = [event.outbound(lane) for event in events]
    if outbound:
        ports.topics.publish(outbound[0].topic, [event.message for event in outbound])


def find_public_keys(ports: Ports, token: str) -> dict[str, Ed25519PublicKey]:
    """Return the public key that a token names, if it is one of ours."""
    version = signing_version(token)
    if version is None:
        return {}
    try:
        signer = find_signer(ports, version)
    except NotFound:
        return {}
    return {signer.key_id: signer.public_key}


def find_signer(ports: Ports, version: int) -> Signer:
    """Return one version of the key that signs tokens and receipts of plays."""
    return ports.memo.read(
        (SIGNING_KEY, version), FOR_EVER, lambda: Signer(version, ports.keys.get(SIGNING_KEY, version).material)
    )
