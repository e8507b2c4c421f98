"""Issue tokens, check orders out, take free entries, list keys. What they decide is in `tombola.issuing`."""

from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tombola.campaigns.usecases import find_launched
from tombola.events import Event
from tombola.fairness.heads import SIGNING_KEY as HEAD_KEY
from tombola.fairness.heads import HeadSigner
from tombola.feeds.signing import SIGNING_KEY as RECEIPT_KEY
from tombola.feeds.signing import ReceiptSigner
from tombola.games.answers import CheckOutAnswer, Issued, OfferedPlay, issued, offered
from tombola.games.free_entries import parse_free_entry
from tombola.games.limits import CAMPAIGN_SCOPE, Slot, slot_count
from tombola.games.plays import Play
from tombola.games.records import CampaignVersion
from tombola.games.tokens import SIGNING_KEY, Signer, jwks, sign_token, signing_version
from tombola.issuing.entrants import free_entrant
from tombola.issuing.settlements import Settlement
from tombola.issuing.usecases import FOR_EVER, KEYS_STALE_FOR, settle_free_entry, settle_order
from tombola.orders.doors import check_clock, parse_message, statement_of
from tombola.orders.facts import Order
from tombola.orders.signatures import verify
from tombola.orders.usecases import PlannedOrder, plan_order, webhook_secrets
from tombola.ports import Ports
from tombola.ports.documents import Documents, Write
from tombola.ports.errors import NotFound
from tombola.ports.unit_of_work import UnitOfWork
from tombola.privacy.pseudonyms import HOUSEHOLD, pseudonym
from tombola.retailers.usecases import find_retailer, pseudonym_key


def issue_tokens(ports: Ports, order: Order, *, lane: str) -> list[Issued]:
    """Give an order the tokens it earns and take back what it no longer does; publish every play concerned.

    Told twice, late or out of order, it ends in the same state: the newest revision recorded counts.
    """

    def commit(settlements: Sequence[Settlement], writes: Sequence[Write]) -> None:
        ports.documents.commit(writes)
        decided = (decision for settlement in settlements for _, decision in settlement.decided)
        _publish(ports, [decision.play.event() for decision in decided if decision.play], lane)

    settlements = settle_order(ports, order, commit)
    return [issued(case, decision) for settlement in settlements for case, decision in settlement.decided]


def check_out(ports: Ports, retailer: str, headers: Mapping[str, str], body: bytes) -> CheckOutAnswer:
    """Record an order that the retailer signed at its check-out, and answer with the tokens it earns.

    Asked again, the answer is the same: an order has one token per campaign and tier, through whatever door.
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
    settlements = settle_order(ports, planned.order, _OutboxCommits(ports.documents, planned))
    decided = (each for settlement in settlements for each in settlement.decided)
    language = message.language or "en"
    offers = (offered(case, decision, _token_text(ports, decision.play), language) for case, decision in decided)
    return CheckOutAnswer(order_id=message.order_id, campaigns=tuple(offers))


def enter_free(ports: Ports, retailer: str, headers: Mapping[str, str], body: bytes) -> OfferedPlay:
    """Take somebody's part in a campaign without an order, signed by the retailer, and answer with the token.

    Asked again, the answer is the same. Raises `Unknown` (retailer, campaign), `Unauthenticated` (signature),
    `Malformed` (body), `Conflict` (an entry id that is another shopper's).
    """
    known, now = find_retailer(ports, retailer), ports.clock.now()
    verify(webhook_secrets(ports, known), headers, body, now)
    message, key = parse_free_entry(body, now), pseudonym_key(ports, known)
    of = message.household_id
    entrant = free_entrant(
        retailer=known.retailer,
        entry_id=message.entry_id,
        shopper=pseudonym(key, known.retailer, message.shopper_id),
        household=None if of is None else pseudonym(key, known.retailer, of, HOUSEHOLD),
        entered_at=message.entered_at,
    )
    case, decision = settle_free_entry(ports, message.campaign, entrant, _OutboxCommits(ports.documents))
    return offered(case, decision, _token_text(ports, decision.play), message.language)


def closing_writes(ports: Ports, campaign: str, version: int) -> list[Write]:
    """Return what closes the campaign's slots that are open: from that commit on no token is issued.

    Every token takes a place in one of them, so those of stores, days and weeks need no closing: neither those there
    are nor those that somebody is about to open.
    """
    unit, of = UnitOfWork(ports.documents), CampaignVersion(campaign, version)
    count = slot_count(find_launched(ports, *of).rules.most_tokens)
    slots = unit.read_all(Slot, [(*of.parts, CAMPAIGN_SCOPE, str(number)) for number in range(count)])
    return [unit.write(slot.closed()) for slot in slots if slot is not None and slot.status == "open"]


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


class _OutboxCommits:
    """How an HTTP door commits: events go to the outbox, and the first commit records the order too, if there is one.

    The order is told with every token too, not only when it changed: a newer revision may have been handled
    meanwhile and have found no entry to undo. Nobody redelivers a request, so if this process dies before it
    looks again, that event has the order looked at once more.
    """

    def __init__(self, documents: Documents, planned: PlannedOrder | None = None) -> None:
        self._documents = documents
        self._writes = planned.writes if planned else ()
        self._order = [planned.event.outbound()] if planned and planned.event else []

    def __call__(self, settlements: Sequence[Settlement], writes: Sequence[Write]) -> None:
        events = [play.event().outbound() for settlement in settlements for play in settlement.changed_plays]
        together = [*self._writes, *writes]
        self._documents.commit(together, [*self._order, *events] if together else [])
        self._writes = ()


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
