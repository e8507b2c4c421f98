"""From a file's bytes to its receipt, wherever the file lies: in the inbox, or on a retailer's own machine."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from tombola.feeds.checking import Check, World
from tombola.feeds.events import Verdict
from tombola.feeds.reading import Measured
from tombola.feeds.receipts import Receipt, verdict
from tombola.feeds.staging import Attempt


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


def examine(check: Check, world: World, stream: BinaryIO, files: Attempt) -> Examined:
    """Read the file to its end; afterwards the attempt's files are complete. `check` sends its rows to `files`."""
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
    return Examined(check, source.size, sha256, outcome)


def write_receipt(subject: Subject, world: World, examined: Examined, files: Attempt, took: timedelta) -> Receipt:
    """Return what there is to say. Of a quarantined file it names no accepted rows."""
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
        dialect=world.dialect,
        dialect_stated=tuple(sorted(world.dialect.model_fields_set)),
        started_at=subject.started_at,
        seconds=round(took.total_seconds(), 3),
        rows=check.rows,
        accepted=check.accepted,
        rejected=check.rejected,
        duplicates=check.duplicates,
        warnings=check.warnings.findings(),
        errors=check.errors.findings(),
        verdict=examined.verdict,
        files=() if kept is None else (kept,),
        rejected_file=files.rejected,
        page=subject.page,
    )
