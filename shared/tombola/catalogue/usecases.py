"""Keep a retailer's catalogue, and find products in it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import BinaryIO, NamedTuple

from tombola.catalogue.model import Product, unknown
from tombola.catalogue.shards import Shard, Statement, by_shard, find, holds, merge, pack, shard_of, unpack
from tombola.errors import Gone, Problem
from tombola.feeds.events import FeedValidated, FileRef
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, Snapshot, Value, Write, created_or_replaced
from tombola.ports.errors import NotFound
from tombola.ports.objects import ObjectRef

STALE_FOR = timedelta(seconds=60)
SHARDS_PER_COMMIT = 8
"""8 packed shards are at most 3.75 MiB, under the port's 4 MiB a commit."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def find_products(ports: Ports, retailer: str, product_ids: Iterable[str]) -> dict[str, Product]:
    """Return every product asked for, at most 60 seconds stale; unknown ids are products without words."""
    found = {}
    for product_id in product_ids:
        statement = find(_stated(ports, retailer, shard_of(product_id)), product_id)
        found[product_id] = statement.product if statement else unknown(product_id)
    return found


def known_products(ports: Ports, retailer: str, product_ids: Collection[str]) -> set[str]:
    """Return those ids that the catalogue holds, at most 60 seconds stale."""
    return {one for one in product_ids if holds(_stated(ports, retailer, shard_of(one)), one)}


def update_catalogue(ports: Ports, event: FeedValidated) -> int:
    """Merge a validated products file into the catalogue; return how many shards changed.

    Every commit holds whole shards, so that a call cut short and made again ends in the same state.
    Raises `TooLarge` when a shard would outgrow its document, `Gone` when the staged file is.
    """
    if event.feed != "products":
        return 0
    groups = by_shard(statement for file in event.files for statement in _statements(ports, file, event.receipt))
    numbers = iter(sorted(groups))
    changed = 0
    while batch := list(islice(numbers, SHARDS_PER_COMMIT)):
        changed += _merge_shards(ports, event.retailer, {number: groups[number] for number in batch})
    return changed


def _merge_shards(ports: Ports, retailer: str, groups: Mapping[int, Sequence[Statement]]) -> int:
    keys = [_key(retailer, number) for number in groups]
    snapshots = ports.documents.get(keys)
    writes: list[Write] = []
    changed: dict[int, Kept] = {}
    for (number, statements), key, snapshot in zip(groups.items(), keys, snapshots, strict=True):
        known = _kept(ports, retailer, number, snapshot)
        merged = merge(known.shard, statements)
        if merged != known.shard:
            changed[number] = Kept(known.revision + 1, merged)
            writes.append(created_or_replaced(snapshot, key, _fields(retailer, number, changed[number])))
    ports.documents.commit(writes)
    for number, kept in changed.items():
        ports.memo.keep(_memo_key(retailer, number), kept)
    return len(writes)


class Kept(NamedTuple):
    """A shard as some revision of its document holds it."""

    revision: int
    shard: Shard


def _stated(ports: Ports, retailer: str, number: int) -> Shard:
    return ports.memo.read(_memo_key(retailer, number), STALE_FOR, partial(_load, ports, retailer, number)).shard


def _load(ports: Ports, retailer: str, number: int) -> Kept:
    (snapshot,) = ports.documents.get([_key(retailer, number)])
    return _unpacked(snapshot)


def _kept(ports: Ports, retailer: str, number: int, snapshot: Snapshot | None) -> Kept:
    """Return what the snapshot holds: from memory when that is of the same revision, for unpacking costs most."""
    remembered = ports.memo.read(_memo_key(retailer, number), STALE_FOR, partial(_unpacked, snapshot))
    return remembered if remembered.revision == _revision(snapshot) else _unpacked(snapshot)


def _unpacked(snapshot: Snapshot | None) -> Kept:
    if snapshot is None:
        return Kept(0, {})
    packed = snapshot.fields["packed"]
    assert isinstance(packed, bytes)  # noqa: S101 (we wrote it)
    return Kept(_revision(snapshot), unpack(packed))


def _fields(retailer: str, number: int, kept: Kept) -> dict[str, Value]:
    return {"retailer": retailer, "shard": number, "revision": kept.revision, "packed": pack(kept.shard)}


def _key(retailer: str, number: int) -> DocumentKey:
    return DocumentKey("catalogue", (retailer, f"{number:02x}"))


def _memo_key(retailer: str, number: int) -> tuple[str, str, int]:
    return ("catalogue", retailer, number)


def _revision(snapshot: Snapshot | None) -> int:
    revision = 0 if snapshot is None else snapshot.fields["revision"]
    assert isinstance(revision, int)  # noqa: S101 (we wrote it)
    return revision


def _statements(ports: Ports, file: FileRef, receipt: str) -> Iterator[Statement]:
    from tombola.feeds.staging import read_rows  # noqa: PLC0415 (who only finds products needs no pyarrow)

    with _opened(ports, file) as stream:
        for row in read_rows(stream):
            yield Statement(
                stated_at=(row["stated_at"].astimezone(UTC) - _EPOCH) // _MICROSECOND,
                product_id=row["product_id"],
                name=row["name"] or "",
                brand=row["brand"] or "",
                category=row["category"] or "",
                department=row["department"] or "",
                receipt=receipt,
                size=row["size"] or "",
                gtin=row["gtin"] or "",
            )


def _opened(ports: Ports, file: FileRef) -> BinaryIO:
    try:
        return ports.objects.open(ObjectRef(file.bucket, file.name, file.generation))
    except NotFound as gone:
        msg = f"the staged file {file.name} is gone"
        raise Gone(msg, [Problem("files", file.name, "a file that exists")], code="staged-file-gone") from gone
