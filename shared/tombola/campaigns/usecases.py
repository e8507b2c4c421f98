"""Commit, launch, end and reveal campaigns; find the ones that run."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tombola.campaigns import lifecycle
from tombola.campaigns.candidates import CampaignIndex, candidates
from tombola.campaigns.lifecycle import Head, KeyKind, Version
from tombola.campaigns.model import Launched
from tombola.errors import Malformed, Unknown
from tombola.ports import Ports
from tombola.ports.documents import Create, DocumentKey, Replace, Snapshot, Where, Write, created_or_replaced
from tombola.ports.errors import PreconditionFailed
from tombola.retailers.model import Retailer
from tombola.retailers.usecases import find_retailer

if TYPE_CHECKING:
    from tombola.campaigns.checking import CheckedCampaign

__all__ = [
    "candidates",
    "check_campaign",
    "commit_campaign",
    "end_campaign",
    "find_launched",
    "launch_campaign",
    "launched_version",
    "list_versions",
    "live_campaigns",
    "live_index",
    "reveal_version",
    "started_campaigns",
]

STALE_FOR = timedelta(seconds=30)
ANEW = timedelta(seconds=-1)
LIVE = "live-campaigns"
STARTED = ("launched", "ended", "revealed")


def check_campaign(ports: Ports | None, text: bytes | str) -> "CheckedCampaign":
    """Return the checked campaign; without ports, all but its retailers is checked, and a warning says so.

    Raises `Malformed` (`malformed-campaign`) naming every fault with its place.
    """
    from tombola.campaigns.checking import CheckedCampaign, check, named_retailers  # noqa: PLC0415 (few ever check one)

    checked = check(text, None if ports is None else _known(ports, named_retailers(text)))
    if isinstance(checked, CheckedCampaign):
        return checked
    msg = f"the campaign file has {len(checked)} fault(s)"
    raise Malformed(msg, checked, code="malformed-campaign")


def commit_campaign(ports: Ports, text: bytes | str, *, id_key: bytes, seed: bytes) -> Version:
    """Commit a campaign file: store its keys, keep their digests, freeze its rules; return the version.

    `id_key` and `seed` are 32 fresh random bytes each. Rules equal to the latest version's change nothing; other
    rules become the next version. Keys that a crashed attempt stored are found and used, whatever comes in.

    Raises `Malformed` naming every fault of the file.
    """
    rules = check_campaign(ports, text).campaign
    head, head_snapshot = _head(ports, rules.campaign)
    if head.latest:
        latest, _ = _version(ports, rules.campaign, head.latest)
        if latest.rules == lifecycle.canonical(rules):
            return latest
    number = head.latest + 1
    published = lifecycle.commitment(
        _stored_key(ports, rules.campaign, number, "id", id_key),
        _stored_key(ports, rules.campaign, number, "seed", seed),
    )
    next_head, version = lifecycle.commit(head, rules, published, ports.clock.now())
    ports.documents.commit([_head_write(next_head, head_snapshot), Create(_key(version), _fields(version))])
    return version


def launch_campaign(ports: Ports, campaign: str, witness: str) -> Launched:
    """Launch the latest committed version with the witness; its money is opened in the same commit.

    Asked again with the same witness, changes nothing.

    Raises `Unknown`, `Malformed` (witness), `Conflict` (launched by another witness, over, another version live).
    """
    head, head_snapshot, version, snapshot = _latest(ports, campaign)
    step = lifecycle.launch(head, version, witness, ports.clock.now())
    if step is None:
        return version.launched()
    next_head, next_version = step
    launched = next_version.launched()
    writes: list[Write] = [_head_write(next_head, head_snapshot), _replaced(next_version, snapshot)]
    ports.documents.commit(writes + _opened_money(ports, launched))
    _forget(ports, next_version)
    return launched


def end_campaign(ports: Ports, campaign: str) -> Launched:
    """End the live version now: orders made from now on take no part. Ended already, it stays as it is.

    The slots are closed in the same commit, and every token writes one: so nothing more is issued from here on,
    by no process, whatever it still remembers. Tokens that are out can be played until they expire.

    Raises `Unknown`, `Conflict` (never launched).
    """
    head, head_snapshot, version, snapshot = _latest(ports, campaign, live=True)
    step = lifecycle.end(head, version, ports.clock.now())
    if step is None:
        return version.launched()
    next_head, next_version = step
    writes: list[Write] = [_head_write(next_head, head_snapshot), _replaced(next_version, snapshot)]
    ports.documents.commit(writes + _closed_slots(ports, next_version))
    _forget(ports, next_version)
    return next_version.launched()


def reveal_version(ports: Ports, campaign: str, version: int) -> Launched:
    """Write down that an ended version's keys are public, which `tombola.fairness` has made them. Once is enough.

    Raises `Unknown`, `Conflict` (not ended).
    """
    found, snapshot = _version(ports, campaign, version)
    revealed = lifecycle.reveal(found, ports.clock.now())
    if revealed is None:
        return found.launched()
    ports.documents.commit([_replaced(revealed, snapshot)])
    _forget(ports, revealed)
    return revealed.launched()


def find_launched(ports: Ports, campaign: str, version: int) -> Launched:
    """Return a launched version. Its rules never change; its `status` may be 30 seconds old.

    Raises `Unknown` when there is no such version, or it was only committed.
    """

    def load() -> Launched:
        return _version(ports, campaign, version)[0].launched()

    return ports.memo.read(_memory(campaign, version), STALE_FOR, load)


def live_campaigns(ports: Ports, *, as_of: datetime | None = None) -> tuple[Launched, ...]:
    """Return the launched versions in order of their ids, as `live_index` holds them."""
    return live_index(ports, as_of=as_of).campaigns


def live_index(ports: Ports, *, as_of: datetime | None = None) -> CampaignIndex:
    """Return the launched versions, indexed, at most 30 seconds old, and read no earlier than `as_of`.

    An order asks as of when it was made: what was launched before it is then seen by every process, or an order
    of the first half minute would be refused for good. One reading serves every order made before it.
    """

    def load() -> tuple[datetime, CampaignIndex]:
        return ports.clock.now(), CampaignIndex(_with_status(ports, "launched"))

    read_at, found = ports.memo.read(LIVE, STALE_FOR, load)
    if as_of is not None and read_at < as_of:
        _, found = ports.memo.read(LIVE, ANEW, load)
    return found


def started_campaigns(ports: Ports) -> tuple[Launched, ...]:
    """Return every version that was ever launched, ended ones too, as they are now."""
    return tuple(launched for status in STARTED for launched in _with_status(ports, status))


def list_versions(ports: Ports, campaign: str) -> list[Version]:
    """Return every version of a campaign, the first first. Raises `Unknown`."""
    head, _ = _head(ports, campaign)
    _check_known(head)
    return [_version(ports, campaign, number)[0] for number in range(1, head.latest + 1)]


def launched_version(ports: Ports, campaign: str, number: int | None = None) -> Version:
    """Return a version as it is now: this one, or the last one that was launched. Raises `Unknown`."""
    if number is not None:
        return _version(ports, campaign, number)[0]
    launched = [one for one in list_versions(ports, campaign) if one.status != "committed"]
    if not launched:
        msg = f"campaign {campaign!r} was never launched"
        raise Unknown(msg, code="unknown-campaign")
    return launched[-1]


def _known(ports: Ports, names: tuple[str, ...]) -> Mapping[str, Retailer]:
    """Return those retailers that are known; a file that is broken raises `Malformed`, as it is no fault of ours."""
    known = {}
    for name in dict.fromkeys(names):
        try:
            known[name] = find_retailer(ports, name)
        except Unknown:
            continue
    return known


def _stored_key(ports: Ports, campaign: str, version: int, kind: KeyKind, randomness: bytes) -> bytes:
    name = lifecycle.key_name(campaign, version, kind)
    try:
        return ports.keys.create(name, lifecycle.key_material(randomness, campaign, version, kind)).material
    except PreconditionFailed:
        return ports.keys.get(name, 1).material


def _opened_money(ports: Ports, launched: Launched) -> list[Write]:
    from tombola.games.opening import opening_documents  # noqa: PLC0415 (games build on campaigns; only a launch turns back)

    opened = opening_documents(launched, ports.clock.now())
    return [Create(DocumentKey(collection, parts), fields) for collection, parts, fields in opened]


def _closed_slots(ports: Ports, version: Version) -> list[Write]:
    from tombola.games.usecases import closing_writes  # noqa: PLC0415 (as above: only an end turns back)

    return closing_writes(ports, version.campaign, version.version)


def _forget(ports: Ports, version: Version) -> None:
    ports.memo.forget(LIVE, _memory(version.campaign, version.version))


def _memory(campaign: str, version: int) -> tuple[str, str, int]:
    return ("launched-campaign", campaign, version)


def _with_status(ports: Ports, status: str) -> tuple[Launched, ...]:
    found = ports.documents.query("campaigns", [Where("status", "==", status)])
    versions = sorted(
        (_stored(snapshot) for snapshot in found), key=lambda version: (version.campaign, version.version)
    )
    return tuple(version.launched() for version in versions)


def _head(ports: Ports, campaign: str) -> tuple[Head, Snapshot | None]:
    (snapshot,) = ports.documents.get([DocumentKey("campaigns", (campaign,))]) if campaign else [None]
    if snapshot is None:
        return Head(campaign), None
    fields: Mapping[str, Any] = snapshot.fields
    return Head(campaign, fields["latest"], fields["live"], fields["revision"]), snapshot


def _head_write(head: Head, snapshot: Snapshot | None) -> Write:
    return created_or_replaced(snapshot, DocumentKey("campaigns", (head.campaign,)), asdict(head))


def _check_known(head: Head) -> None:
    if not head.latest:
        msg = f"campaign {head.campaign!r} is not known here"
        raise Unknown(msg, code="unknown-campaign")


def _latest(ports: Ports, campaign: str, *, live: bool = False) -> tuple[Head, Snapshot | None, Version, Snapshot]:
    """Return head and version (the live one if there is one and it is asked for) as read for one decision."""
    head, head_snapshot = _head(ports, campaign)
    _check_known(head)
    return (head, head_snapshot, *_version(ports, campaign, (head.live or head.latest) if live else head.latest))


def _version(ports: Ports, campaign: str, version: int) -> tuple[Version, Snapshot]:
    (snapshot,) = ports.documents.get([DocumentKey("campaigns", (campaign, str(version)))]) if campaign else [None]
    if snapshot is None:
        msg = f"version {version} of campaign {campaign!r} is not known here"
        raise Unknown(msg, code="unknown-campaign")
    return _stored(snapshot), snapshot


def _stored(snapshot: Snapshot) -> Version:
    fields: Mapping[str, Any] = snapshot.fields
    return Version(**{name: fields[name] for name in Version.__slots__})


def _fields(version: Version) -> dict[str, Any]:
    return asdict(version)


def _key(version: Version) -> DocumentKey:
    return DocumentKey("campaigns", (version.campaign, str(version.version)))


def _replaced(version: Version, snapshot: Snapshot) -> Replace:
    return Replace(_key(version), _fields(version), snapshot.version)
