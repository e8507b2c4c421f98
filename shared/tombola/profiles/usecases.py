"""Keep the shoppers' profiles.

A profile is changed by one order at a time: what the order added before is retracted and what it adds now
is added, in one commit with the document that remembers it. Products are looked up when an order is
handled, at most 60 seconds stale; what was added is kept, so a catalogue that changes later leaves no rest.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from tombola.campaigns.baskets import basket_of
from tombola.catalogue.usecases import find_products
from tombola.feeds.events import ShopperReceived
from tombola.orders.facts import Order
from tombola.ports import Ports
from tombola.ports.documents import (
    MAX_COMMIT_WRITES,
    Create,
    Delete,
    DocumentKey,
    Snapshot,
    Value,
    Where,
    Write,
    created_or_replaced,
)
from tombola.privacy.consent import Consent
from tombola.profiles import facts
from tombola.profiles.counts import add, contribution, retract
from tombola.profiles.model import Profile
from tombola.profiles.room import fit, fit_order, kept

LIVE = "live"
"""The status of a profile. Any other means that the shopper was erased: nothing is kept of them again."""

LISTED = "list_members"
"""One document per member of a retailer's own list of shoppers: lists are read by membership, never whole."""
READ_AT_ONCE = 500
NEW: Mapping[str, Value] = {"revision": 0, "status": LIVE, "counts": b"", "trimmed": False, "facts": b""}
"""A profile document before anything is known. `trimmed`: detail was cut away, see `tombola.profiles.room`."""
Snapshots = Mapping[DocumentKey, Snapshot | None]


@dataclass(frozen=True, slots=True)
class Handled:
    """The last revision of an order that was handled, for whom, and what it added to their profile."""

    revision: int = 0
    shopper: str | None = None
    counts: bytes = b""

    def added_to(self, shopper: str) -> bytes:
        """Return what was added to this shopper's profile: nothing to anybody else's."""
        return self.counts if self.shopper == shopper else b""


def update_profile(ports: Ports, order: Order) -> bool:
    """Make the shopper's profile agree with this revision of an order; tell whether anything was to do.

    An older revision, or the same again, changes nothing. Of an order without a shopper, or with nothing
    left, only the revision is kept.
    """
    key = DocumentKey("contributions", (order.retailer, order.order_id))
    shopper = order.header.shopper
    snapshots = _read(ports, [key, *_profile_keys(order.retailer, shopper)])
    before = _handled(snapshots[key])
    if order.revision <= before.revision:
        return False
    if before.shopper != shopper:
        snapshots = {**snapshots, **_read(ports, _profile_keys(order.retailer, before.shopper))}
    after = _contributed(ports, order, snapshots)
    fields: dict[str, Value] = {"revision": after.revision, "shopper": after.shopper, "counts": after.counts}
    fields["ordered_at"] = None if after.shopper is None else order.header.ordered_at
    changes = [_profile_change(ports, key, each, before, after) for each in snapshots.items() if each[0] != key]
    profiles = [write for write in changes if write is not None]
    ports.documents.commit([created_or_replaced(snapshots[key], key, fields), *profiles])
    return True


def record_shopper(ports: Ports, event: ShopperReceived) -> bool:
    """Merge what a retailer states of a shopper into the profile; tell whether that changed anything."""
    [(key, snapshot)] = _read(ports, _profile_keys(event.retailer, event.shopper)).items()
    consents = [Consent.model_validate(each.model_dump()) for each in event.consents]
    stated = facts.stated(event.stated_at, event.registered_at, event.loyalty_tier, consents)
    fields = _fields(snapshot)
    packed = facts.pack(facts.join(facts.unpack(cast("bytes", fields["facts"])), stated))
    if fields["status"] != LIVE or packed == fields["facts"]:
        return False
    ports.documents.commit([_changed(snapshot, key, {**fields, "facts": packed})])
    return True


def read_profile(ports: Ports, retailer: str, shopper: str) -> Profile:
    """Return what is known of a shopper (a pseudonym) now: an empty profile of a stranger, or of one erased."""
    [snapshot] = _read(ports, _profile_keys(retailer, shopper)).values()
    fields = _fields(snapshot)
    if fields["status"] != LIVE:
        return Profile(retailer, shopper)
    return Profile(
        retailer=retailer,
        shopper=shopper,
        revision=cast("int", fields["revision"]),
        counts=kept(cast("bytes", fields["counts"]), ports.clock.now()),
        facts=facts.unpack(cast("bytes", fields["facts"])),
    )


def is_erased(ports: Ports, retailer: str, shopper: str) -> bool:
    """Tell whether a shopper (a pseudonym) asked to be forgotten; at most as stale as the erasure is under way."""
    (snapshot,) = ports.documents.get(_profile_keys(retailer, shopper))
    return _fields(snapshot)["status"] != LIVE


def has_ordered_before(ports: Ports, shopper: str, at: datetime) -> bool:
    """Tell whether an order of a shopper (a pseudonym) before the aware instant `at` counts in the profile.

    One that was cancelled, or came back whole, does not. One that was recorded a moment ago may not yet.
    """
    where = [Where("shopper", "==", shopper), Where("ordered_at", "<", at)]
    return next(iter(ports.documents.query("contributions", where, limit=1)), None) is not None


def load_list(ports: Ports, retailer: str, name: str, shoppers: Collection[str]) -> tuple[int, int]:
    """Make these shoppers (pseudonyms), and nobody else, members of a retailer's list; return (added, removed).

    Who was erased is not written down again. A call cut short and made again ends in the same state.
    """
    key = {shopper: DocumentKey(LISTED, (retailer, name, shopper)) for shopper in sorted(set(shoppers))}
    known = {each.key: each for each in ports.documents.query(LISTED, [Where("list", "==", f"{retailer}/{name}")])}
    wanted = {one: key[one] for one in _not_erased(ports, retailer, [one for one in key if key[one] not in known])}
    added: list[Write] = [
        Create(member, {"list": f"{retailer}/{name}", "shopper": shopper}) for shopper, member in wanted.items()
    ]
    stay = set(key.values())
    removed: list[Write] = [Delete(member, each.version) for member, each in known.items() if member not in stay]
    writes = added + removed
    for start in range(0, len(writes), MAX_COMMIT_WRITES):
        ports.documents.commit(writes[start : start + MAX_COMMIT_WRITES])
    return len(added), len(removed)


def lists_of(ports: Ports, retailer: str, shopper: str, names: Iterable[str]) -> frozenset[str]:
    """Return those of a retailer's lists that a shopper (a pseudonym) is on."""
    keys = [DocumentKey(LISTED, (retailer, name, shopper)) for name in sorted(names)]
    return frozenset(key.parts[1] for key, snapshot in _read(ports, keys).items() if snapshot)


def has_list(ports: Ports, retailer: str, name: str) -> bool:
    """Tell whether anybody is on a retailer's list."""
    found = ports.documents.query(LISTED, [Where("list", "==", f"{retailer}/{name}")], limit=1)
    return next(found, None) is not None


def _not_erased(ports: Ports, retailer: str, shoppers: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(shoppers), READ_AT_ONCE):
        some = shoppers[start : start + READ_AT_ONCE]
        profiles = ports.documents.get([DocumentKey("profiles", (retailer, shopper)) for shopper in some])
        yield from (one for one, snapshot in zip(some, profiles, strict=True) if _fields(snapshot)["status"] == LIVE)


def _contributed(ports: Ports, order: Order, snapshots: Snapshots) -> Handled:
    """Return what this revision adds, and for whom."""
    shopper = order.header.shopper
    known = [_fields(snapshots[key]) for key in _profile_keys(order.retailer, shopper)]
    if shopper is None or order.cancelled_at is not None or any(fields["status"] != LIVE for fields in known):
        return Handled(order.revision)
    products = find_products(ports, order.retailer, (line.product_id for line in order.lines))
    counts = fit_order(contribution(basket_of(order, products)))
    return Handled(order.revision, shopper if counts else None, counts)


def _profile_change(
    ports: Ports, order: DocumentKey, read: tuple[DocumentKey, Snapshot | None], before: Handled, after: Handled
) -> Write | None:
    """Return the write that replaces what an order added to one profile before with what it adds now."""
    key, snapshot = read
    shopper, fields = key.parts[1], _fields(snapshot)
    removed, added = before.added_to(shopper), after.added_to(shopper)
    if removed == added or fields["status"] != LIVE:
        return None
    now = ports.clock.now()
    if fields["trimmed"]:
        whole = add(added, _other_contributions(ports, key, order))
    else:
        whole = add(retract(cast("bytes", fields["counts"]), kept(removed, now)), [added])
    recent = kept(whole, now)
    fitted = fit(recent)
    return _changed(snapshot, key, {**fields, "counts": fitted, "trimmed": fitted != recent})


def _other_contributions(ports: Ports, profile: DocumentKey, order: DocumentKey) -> list[bytes]:
    """Return what every other order of the shopper added.

    Read after the profile: whoever changes one of these rewrites the profile too, and our commit then fails.
    """
    found = ports.documents.query("contributions", [Where("shopper", "==", profile.parts[1])])
    return [cast("bytes", each.fields["counts"]) for each in found if each.key != order]


def _read(ports: Ports, keys: Sequence[DocumentKey]) -> Snapshots:
    return dict(zip(keys, ports.documents.get(keys), strict=True)) if keys else {}


def _profile_keys(retailer: str, shopper: str | None) -> list[DocumentKey]:
    return [] if shopper is None else [DocumentKey("profiles", (retailer, shopper))]


def _handled(snapshot: Snapshot | None) -> Handled:
    if snapshot is None:
        return Handled()
    fields = snapshot.fields
    shopper = cast("str | None", fields["shopper"])
    return Handled(cast("int", fields["revision"]), shopper, cast("bytes", fields["counts"]))


def _fields(snapshot: Snapshot | None) -> Mapping[str, Value]:
    return {**NEW, **(snapshot.fields if snapshot else {})}


def _changed(snapshot: Snapshot | None, key: DocumentKey, fields: Mapping[str, Value]) -> Write:
    return created_or_replaced(snapshot, key, {**fields, "revision": cast("int", fields["revision"]) + 1})
