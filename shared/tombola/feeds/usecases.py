"""Take a retailer's file in, give a receipt, and hand on what it says."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, cast

import polars as pl
from pydantic import ValidationError

from tombola.catalogue.usecases import known_products
from tombola.errors import Gone, Malformed, NotSetUp, Problem, Unknown
from tombola.events import BULK, LIVE, Event, derived_id
from tombola.feeds.checking import World
from tombola.feeds.contracts import KINDS
from tombola.feeds.drift import Earlier, History
from tombola.feeds.events import FeedKind, FeedValidated, FileRef
from tombola.feeds.intake import Subject, examine, too_large, write_receipt
from tombola.feeds.names import (
    UNLOADED,
    Place,
    folder_of,
    history_name,
    page_name,
    place_of,
    receipt_name,
    unloaded_name,
)
from tombola.feeds.receipts import Receipt, Signature
from tombola.feeds.schemas import arrow_schema
from tombola.feeds.slices import locate, read_slice
from tombola.feeds.staging import Attempt
from tombola.feeds.statements import orders_stated, returns_stated, shoppers_stated
from tombola.feeds.tables import table_name
from tombola.orders.doors import AHEAD
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, OutboundEvent, Snapshot, Value, created_or_replaced
from tombola.ports.errors import NotFound, PreconditionFailed, Refused
from tombola.ports.objects import ObjectInfo, ObjectRef, check_object_name
from tombola.retailers.model import Retailer
from tombola.retailers.usecases import KEYS_STALE_FOR, find_retailer, pseudonym_key

if TYPE_CHECKING:
    from tombola.feeds.signing import ReceiptSigner

SECONDS = 540.0
"""What event functions have on the platform."""
FIRST_READING = 0.5
"""The share of the time in which a file must be read once: where keys come again it is read a second time."""
PUBLISHED_AT_ONCE = 500
RECEIPTS_PER_LOAD = 1_000
Stated = Callable[[pl.DataFrame, str, int], Iterable[Event]]
"""From a slice's rows, their receipt and where they begin, what they state."""


def validate_feed(ports: Ports, ref: ObjectRef, *, attempt: str, seconds: float = SECONDS) -> Receipt:
    """Judge one generation of one inbox object, once; stage what is accepted; publish `feed-validated`.

    `attempt` names this attempt's files and must be new each time. A file that cannot be judged in `seconds` is
    refused at once, as `split-this-file`. Called again for the same generation,
    it returns the same receipt and publishes the same event. Raises `Malformed` for an object name that
    is not `<retailer>/<feed>/<file>`, `Unknown` for a retailer or feed that is not known here, `NotSetUp` for a
    retailer whose file or key is not as it must be, or where the key that signs receipts is missing, and `Gone`
    (`superseded`) when that generation is no longer the live one.
    """
    place = _place(ref.name)
    retailer = find_retailer(ports, place.retailer)
    if place.feed not in retailer.feeds:
        raise _unknown_feed(place.feed, retailer)
    receipt_id = derived_id("receipt", ref.bucket, ref.name, ref.generation)
    folder = f"{place.retailer}/{place.feed}/{receipt_id}"
    receipt = _find_receipt(ports, receipt_name(folder))
    if receipt is None:
        files = Attempt(attempt, folder, arrow_schema(place.feed), ports.objects.create, ref.name)
        receipt = _issue_receipt(ports, retailer, place, ref, files, seconds)
    _note(ports, receipt)
    _write_page(ports, receipt)
    event = FeedValidated(
        event_id=derived_id("feed-validated", receipt_id),
        retailer=receipt.retailer,
        feed=receipt.feed,
        receipt=receipt.receipt,
        verdict=receipt.verdict,
        files=receipt.files,
    )
    _publish(ports, [event], LIVE)
    _remember(ports, receipt)
    return receipt


def publish_orders(ports: Ports, event: FeedValidated) -> int:
    """Publish what the next slice of a validated file of orders or returns states; return how many statements.

    They go on the bulk lane. The same file gives the same events with the same ids.
    """
    stated = {"orders": orders_stated, "returns": returns_stated}.get(event.feed)
    return 0 if stated is None else _publish_slice(ports, event, stated, "order_id", BULK)


def publish_shoppers(ports: Ports, event: FeedValidated) -> int:
    """Publish every shopper that the next slice of a validated file states; return how many."""
    return _publish_slice(ports, event, shoppers_stated, "shopper", LIVE) if event.feed == "shoppers" else 0


def _publish_slice(ports: Ports, event: FeedValidated, stated: Stated, together: str, lane: str) -> int:
    """Publish one slice of a file, and the word to go on where it ends: so a file of any size fits into any time.

    The word and the document that says how far the file is are one commit: whatever is delivered twice finds the file
    further on, and stops. A crash repeats one slice, with the same event ids. A file of one slice needs no document.
    """
    key = DocumentKey("publications", (event.receipt,))
    (progress,) = ports.documents.get([key])
    found = locate(event.files, event.from_row)
    if found is None or _row(progress) > event.from_row:
        return 0
    with _opened(ports, found[0]) as stream:
        rows = read_slice(stream, found[1], together)
    published = _publish(ports, stated(rows, event.receipt, event.from_row), lane)
    reached = event.from_row + rows.height
    if locate(event.files, reached) is not None:
        fields: dict[str, Value] = {"receipt": event.receipt, "row": reached}
        ports.documents.commit([created_or_replaced(progress, key, fields)], [event.going_on(reached).outbound(LIVE)])
    return published


def _row(progress: Snapshot | None) -> int:
    return 0 if progress is None else cast("int", progress.fields["row"])


def load_warehouse(ports: Ports) -> int:
    """Load the files of every receipt not loaded yet, all of a feed together; return how many files.

    Every receipt that names files leaves a note, which is taken away once they are loaded: so what a run costs
    depends on what is new, and not on all that ever came.

    Raises `Gone` (`staged-file-gone`) naming the staged files that are gone, once all others are loaded.
    """
    notes: dict[FeedKind, list[ObjectRef]] = {kind: [] for kind in KINDS}
    for info in ports.objects.list("staging", UNLOADED):
        notes[place_of(info.ref.name.removeprefix(UNLOADED)).feed].append(info.ref)
    loaded = 0
    gone: list[FileRef] = []
    for kind, found in notes.items():
        for start in range(0, len(found), RECEIPTS_PER_LOAD):
            files, lost = _load(ports, kind, found[start : start + RECEIPTS_PER_LOAD])
            loaded += files
            gone += lost
    if gone:
        msg = f"{len(gone)} staged files that receipts name are gone; everything else is loaded"
        raise Gone(msg, [Problem("files", file.name, "a file that exists") for file in gone], code="staged-file-gone")
    return loaded


def _load(ports: Ports, kind: FeedKind, notes: Sequence[ObjectRef]) -> tuple[int, list[FileRef]]:
    """Load what these notes say, in one job; return how many files were loaded, and which are gone.

    A note of a file that is gone stays: somebody must look at it.
    """
    files = {note: _files(ports, note) for note in notes}
    gone = _load_together(ports, kind, [file for named in files.values() for file in named])
    for note, named in files.items():
        if not set(named) & set(gone):
            ports.objects.delete(note)
    return sum(map(len, files.values())) - len(gone), gone


def _load_together(ports: Ports, kind: FeedKind, files: Sequence[FileRef]) -> list[FileRef]:
    """Load these files together, and return those that are gone: they must not keep the others waiting."""
    try:
        ports.warehouse.load(table_name(kind), [_ref(file) for file in files])
    except NotFound:
        gone = [file for file in files if not _exists(ports, file)]
        if not gone:
            raise
        if left := [file for file in files if file not in gone]:
            ports.warehouse.load(table_name(kind), [_ref(file) for file in left])
        return gone
    return []


def _exists(ports: Ports, file: FileRef) -> bool:
    try:
        return ports.objects.stat(file.bucket, file.name).ref == _ref(file)
    except NotFound:
        return False


def _files(ports: Ports, note: ObjectRef) -> tuple[FileRef, ...]:
    receipt = _find_receipt(ports, receipt_name(note.name.removeprefix(UNLOADED)))
    return () if receipt is None else receipt.files


def _place(name: str) -> Place:
    try:
        check_object_name(name)
    except Refused as refused:
        msg = "an object name that no bucket should hold"
        raise Malformed(msg, [Problem("name", repr(name)[:200], str(refused))], code="bad-object-name") from refused
    return place_of(name)


def _unknown_feed(feed: str, retailer: Retailer) -> Unknown:
    msg = f"{retailer.retailer} sends no feed {feed!r}"
    expected = (
        f"one of {', '.join(retailer.feeds)}; a feed is added under `feeds` in retailers/{retailer.retailer}.yaml"
    )
    return Unknown(msg, [Problem("feed", repr(feed), expected)], code="unknown-feed")


def _issue_receipt(
    ports: Ports, retailer: Retailer, place: Place, ref: ObjectRef, files: Attempt, seconds: float
) -> Receipt:
    """Judge the object and create its receipt: the commit. A lost race drops its files and takes the winner's."""
    signer = _signer(ports)
    give_up_at = ports.clock.now() + timedelta(seconds=seconds * FIRST_READING)

    def over() -> bool:
        return ports.clock.now() > give_up_at

    subject = Subject(receipt_name(files.folder), page_name(files.folder), ref.name, ref.generation, ports.clock.now())
    try:
        info = ports.objects.stat(ref.bucket, ref.name)
        if info.ref != ref:
            raise _superseded(ref)
        world = _world(ports, retailer, place.feed, info)
        with ports.objects.open(ref) as stream:
            refused = too_large(world, stream, info.size, seconds, files)
            examined = refused or examine(world, stream, files, over=over)
    except NotFound as gone:
        raise _superseded(ref) from gone
    if files.accepted is not None and examined.verdict == "quarantined":
        ports.objects.delete(_ref(files.accepted))
    history, _ = _history(ports, place.retailer, place.feed)
    receipt = write_receipt(subject, world, examined, files, history, ports.clock.now() - subject.started_at)
    value = signer.sign(receipt.model_dump(mode="json"))
    signature = Signature(key=signer.key_id, value=value)
    return _commit(ports, receipt.model_copy(update={"signature": signature}))


def _signer(ports: Ports) -> "ReceiptSigner":
    """Return the latest signing key, at most a minute old. Raises `NotSetUp` (`unknown-key`) when there is none."""
    from tombola.feeds.signing import SIGNING_KEY, ReceiptSigner  # noqa: PLC0415 (only validating signs)

    try:
        key = ports.memo.read(SIGNING_KEY, KEYS_STALE_FOR, lambda: ports.keys.get(SIGNING_KEY))
    except NotFound as missing:
        msg = f"the key {SIGNING_KEY} does not exist, and no receipt is given without a signature"
        raise NotSetUp(msg, [Problem("key", "none", f"a key named {SIGNING_KEY}")], code="unknown-key") from missing
    return ReceiptSigner(key.version, key.material)


def _world(ports: Ports, retailer: Retailer, kind: FeedKind, info: ObjectInfo) -> World:
    from tombola.feeds.pseudonymizing import pseudonyms_by_column  # noqa: PLC0415 (only validating makes pseudonyms)

    return World(
        retailer=retailer,
        kind=kind,
        arrived_at=info.updated_at,
        latest=max(info.updated_at, ports.clock.now()) + AHEAD,
        pseudonyms=pseudonyms_by_column(pseudonym_key(ports, retailer), retailer.retailer),
        known_products=partial(known_products, ports, retailer.retailer),
    )


def _commit(ports: Ports, receipt: Receipt) -> Receipt:
    try:
        with ports.objects.create("receipts", receipt.receipt) as writer:
            writer.write(receipt.model_dump_json(indent=2).encode())
    except PreconditionFailed:
        for file in (*receipt.files, *([receipt.rejected_file] if receipt.rejected_file else [])):
            ports.objects.delete(_ref(file))
        winner = _find_receipt(ports, receipt.receipt)
        if winner is None:
            raise
        return winner
    return receipt


def _note(ports: Ports, receipt: Receipt) -> None:
    """Note that the receipt's files are to be loaded. Noted again after they were, they are found to be loaded."""
    if not receipt.files:
        return
    with suppress(PreconditionFailed), ports.objects.create("staging", unloaded_name(folder_of(receipt.receipt))):
        pass


def _write_page(ports: Ports, receipt: Receipt) -> None:
    """Write the page that the receipt names, unless it is there: a crash before it leaves it to the redelivery."""
    if not receipt.page:
        return
    from tombola.feeds.page import render  # noqa: PLC0415 (only validating writes pages)

    with suppress(PreconditionFailed), ports.objects.create("receipts", receipt.page) as writer:
        writer.write(render(receipt).encode())


def _history(ports: Ports, retailer: str, feed: FeedKind) -> tuple[History, int]:
    """Return what is usual, and the generation that says so; 0 where nothing is known yet.

    It is made of receipts and no more than a help, so one that cannot be read is begun anew.
    """
    try:
        info = ports.objects.stat("receipts", history_name(retailer, feed))
        with ports.objects.open(info.ref) as stream:
            text = stream.read()
    except NotFound:
        return History(), 0
    try:
        return History.model_validate_json(text), info.ref.generation
    except ValidationError:
        return History(), info.ref.generation


def _remember(ports: Ports, receipt: Receipt) -> None:
    """Count a file that was taken to what is usual. A lost race leaves it out: any of the last files will do."""
    if receipt.figures is None or receipt.verdict == "quarantined":
        return
    history, generation = _history(ports, receipt.retailer, receipt.feed)
    earlier = Earlier(receipt=receipt.receipt, started_at=receipt.started_at, figures=receipt.figures)
    if (now := history.including(earlier)) != history:
        data = now.model_dump_json().encode()
        with suppress(PreconditionFailed):
            ports.objects.replace(
                "receipts", history_name(receipt.retailer, receipt.feed), data, if_generation=generation
            )


def _find_receipt(ports: Ports, name: str) -> Receipt | None:
    try:
        info = ports.objects.stat("receipts", name)
        with ports.objects.open(info.ref) as stream:
            return Receipt.model_validate_json(stream.read())
    except NotFound:
        return None


def _superseded(ref: ObjectRef) -> Gone:
    msg = f"generation {ref.generation} of {ref.name} is gone or replaced; the live one has its own notice"
    return Gone(msg, [Problem("generation", str(ref.generation), "the live generation")], code="superseded")


def _publish(ports: Ports, events: Iterable[Event], lane: str) -> int:
    """Publish in batches; return how many."""
    outbound: Iterator[OutboundEvent] = (event.outbound(lane) for event in events)
    published = 0
    while batch := list(islice(outbound, PUBLISHED_AT_ONCE)):
        ports.topics.publish(batch[0].topic, [event.message for event in batch])
        published += len(batch)
    return published


def _opened(ports: Ports, file: FileRef) -> BinaryIO:
    """Open a staged file. Raises `Gone` (`staged-file-gone`): it will not come back by waiting."""
    try:
        return ports.objects.open(_ref(file))
    except NotFound as gone:
        msg = f"the staged file {file.name} is gone"
        raise Gone(msg, [Problem("files", file.name, "a file that exists")], code="staged-file-gone") from gone


def _ref(file: FileRef) -> ObjectRef:
    return ObjectRef(file.bucket, file.name, file.generation)
