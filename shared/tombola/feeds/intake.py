"""From a file's bytes to its receipt, wherever the file lies: in the inbox, or on a retailer's own machine."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from tombola.feeds.checking import Check, World
from tombola.feeds.contracts import contract
from tombola.feeds.decoding import columns_wanted
from tombola.feeds.drift import Figures, History, Observer, drift
from tombola.feeds.events import Verdict
from tombola.feeds.first_bytes import GZIP, PARQUET, ZIP, ZSTD
from tombola.feeds.formats import open_records
from tombola.feeds.measuring import Measured
from tombola.feeds.receipts import Receipt, count_of, verdict
from tombola.feeds.staging import Attempt
from tombola.feeds.unusable import Unusable

Watch = Callable[[Check], None]
BYTES_PER_SECOND = 8 * 1024 * 1024
"""Of text: a third of what good files reach on two busy cores. One whose rows take longer ends when its time does."""
SHRINKS = 5
"""A packed file is at least this many times its size: feeds shrink by 5 to 50."""
_PACKED = (GZIP, ZSTD, ZIP, PARQUET)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: the object, its generation, how its receipt and page are called, when the judging began."""

    receipt: str
    page: str
    object: str
    generation: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Examined:
    """What came out of reading the whole file. `size` in bytes and `sha256` are of what was read."""

    check: Check
    size: int
    sha256: str
    verdict: Verdict
    figures: Figures


def examine(
    world: World,
    stream: BinaryIO,
    files: Attempt,
    watch: Watch = lambda _: None,
    over: Callable[[], bool] = lambda: False,
) -> Examined:
    """Read the file to its end, or until the time is `over`; afterwards the attempt's files are complete.

    `watch` is given the check beforehand.
    """
    header = _header(stream, world)
    observer = Observer(files)
    check = Check(world, observer, over=over)
    watch(check)
    with files:
        source = Measured(stream)
        check.run(source)
        sha256 = source.finish()
    outcome = verdict(
        rows=check.rows,
        rejected=check.rejected,
        unusable=check.unusable,
        quarantine_over=world.retailer.quarantine_over,
    )
    unknown = count_of(check.warnings.findings(), "unknown-product")
    return Examined(check, source.size, sha256, outcome, observer.figures(header, check.rows, unknown))


def too_large(world: World, stream: BinaryIO, size: int, seconds: float, files: Attempt) -> Examined | None:
    """Return the verdict on a file that cannot be judged within the time, without reading on; None for all others."""
    begin = stream.tell()
    text = size * (SHRINKS if stream.read(4).startswith(_PACKED) else 1)
    stream.seek(begin)
    if text <= BYTES_PER_SECOND * seconds:
        return None
    check = Check(world, files)
    check.unusable = True
    message = f"about {text:,} bytes of text; in {seconds:g} seconds {int(BYTES_PER_SECOND * seconds):,} can be judged"
    check.errors.add("split-this-file", line=None, value=f"{size:,} bytes", message=message)
    nothing = Observer(files).figures((), 0, 0)
    return Examined(check, 0, hashlib.sha256().hexdigest(), "quarantined", nothing)


def _header(stream: BinaryIO, world: World) -> Sequence[str]:
    """Return the file's columns, as far as it has any, and go back to its beginning."""
    begin = stream.tell()
    try:
        return open_records(Measured(stream), world.dialect, columns_wanted(contract(world.kind), world.dialect)).header
    except Unusable:
        return ()
    finally:
        stream.seek(begin)


def write_receipt(
    subject: Subject, world: World, examined: Examined, files: Attempt, history: History, took: timedelta
) -> Receipt:
    """Return what there is to say, `history` being what was usual. Of a quarantined file it names no accepted rows."""
    check = examined.check
    kept = files.accepted if examined.verdict != "quarantined" else None
    return Receipt(
        receipt=subject.receipt,
        retailer=world.retailer.retailer,
        feed=world.kind,
        object=subject.object,
        generation=subject.generation,
        sha256=examined.sha256,
        bytes=examined.size,
        dialect=check.dialect,
        dialect_stated=tuple(sorted(world.dialect.model_fields_set)),
        started_at=subject.started_at,
        seconds=round(took.total_seconds(), 3),
        rows=check.rows,
        accepted=check.accepted,
        rejected=check.rejected,
        duplicates=check.duplicates,
        warnings=check.warnings.findings(),
        errors=check.errors.findings(),
        drift=() if check.unusable else drift(examined.figures, history),
        figures=examined.figures,
        verdict=examined.verdict,
        quarantine_over=world.retailer.quarantine_over,
        files=() if kept is None else (kept,),
        rejected_file=files.rejected,
        page=subject.page,
    )
