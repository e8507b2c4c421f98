"""Judge a file on a retailer's own machine, by the code that judges it in the inbox. No home, no network.

What only the receiving side knows is not looked at: products it does not know give no warning. Shopper ids become
pseudonyms under a key of this run alone, so what is written names nobody.
"""

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import yaml
from pydantic import ValidationError

from tombola.errors import Conflict, Malformed, Problem, Unknown
from tombola.feeds.checking import Check, World
from tombola.feeds.drift import History
from tombola.feeds.events import FeedKind
from tombola.feeds.intake import Subject, examine, write_receipt
from tombola.feeds.page import render
from tombola.feeds.pseudonymizing import pseudonyms_by_column
from tombola.feeds.receipts import Receipt
from tombola.feeds.schemas import arrow_schema
from tombola.feeds.staging import Attempt, NewObject
from tombola.orders.doors import AHEAD
from tombola.problems import in_file, problems_of
from tombola.retailers.model import Dialect, Retailer
from tombola.retailers.usecases import read_retailer

KEY_BYTES = 32
RECEIPT, PAGE, ACCEPTED, REJECTED = "receipt.json", "receipt.html", "accepted.parquet", "rejected"
PACKED = frozenset({".gz", ".zst", ".zip"})
_MICROSECOND = 1_000

Progress = Callable[[int, int, int], None]
"""Told while the file is read: how many bytes, of how many, and how many rows are judged."""


@dataclass(frozen=True, slots=True)
class LocalRef:
    """A file written beside the receipt; a folder knows no generations."""

    bucket: str
    name: str
    generation: int = 0


@dataclass(slots=True)
class LocalObject:
    """A file being written, or bytes going nowhere."""

    ref: LocalRef
    stream: IO[bytes] | None

    def write(self, data: bytes, /) -> int:
        """Append bytes."""
        return len(data) if self.stream is None else self.stream.write(data)


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the results go. Without a path nothing is written, and the receipt names no files.

    Every name is written whole or not at all, and what an earlier check left is replaced or removed.
    """

    path: Path | None
    rejected: str
    written: list[str] = field(default_factory=list)

    @contextmanager
    def create(self, bucket: str, _name: str) -> Iterator[NewObject]:
        """Open the file of accepted rows (`staging`) or of rejected rows (`rejects`)."""
        name = ACCEPTED if bucket == "staging" else self.rejected
        with self.writing(name) as stream:
            yield LocalObject(LocalRef(str(self.path or ""), name), stream)

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes] | None]:
        """Open a file that is there once the block has ended without an error."""
        if self.path is None:
            yield None
            return
        draft = self.path / f".{name}-{os.getpid()}"
        try:
            with draft.open("wb") as stream:
                yield stream
            draft.replace(self.path / name)
            self.written.append(name)
        finally:
            draft.unlink(missing_ok=True)

    def write(self, name: str, text: str) -> None:
        """Write a small file."""
        with self.writing(name) as stream:
            if stream is not None:
                stream.write(text.encode())

    def sweep(self) -> None:
        """Remove what this check did not write and an earlier one did."""
        for name in {RECEIPT, PAGE, ACCEPTED, self.rejected} - set(self.written):
            if self.path is not None:
                (self.path / name).unlink(missing_ok=True)

    def withdraw(self, name: str) -> None:
        """Take back a file that this check has written."""
        if name in self.written:
            self.written.remove(name)


class _Told:
    """A file that tells how far it was read."""

    def __init__(self, stream: BinaryIO, tell: Callable[[int], None]) -> None:
        self._stream, self._tell, self._read = stream, tell, 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._tell(self._stream.tell())
        return data

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever else a file can)
        return getattr(self._stream, name)


def check_file(file: Path, kind: FeedKind, retailer: Retailer, out: Path | None, progress: Progress) -> Receipt:
    """Return the file's receipt, and write it into the folder `out` with the accepted and the rejected rows.

    The receipt is not signed: only who takes the file can vouch for it. Raises `Unknown` for a file that cannot be
    read, `Conflict` for a folder that cannot be written to.
    """
    folder = _folder(file, out)
    with _opened(file) as stream:
        facts = os.fstat(stream.fileno())
        modified = datetime.fromtimestamp(facts.st_mtime, UTC)
        started_at = datetime.now(UTC)
        world = World(
            retailer=retailer,
            kind=kind,
            arrived_at=modified,
            latest=max(modified, started_at) + AHEAD,
            pseudonyms=pseudonyms_by_column(secrets.token_bytes(KEY_BYTES), retailer.retailer),
            known_products=None,
        )
        files = Attempt("check", f"{retailer.retailer}/{kind}", arrow_schema(kind), folder.create)
        checks: list[Check] = []
        told = _Told(stream, lambda at: progress(at, facts.st_size, checks[0].rows if checks else 0))
        examined = examine(world, cast("BinaryIO", told), files, checks.append)
    subject = Subject(RECEIPT, PAGE, file.name, facts.st_mtime_ns // _MICROSECOND, started_at)
    receipt = write_receipt(subject, world, examined, files, History(), datetime.now(UTC) - started_at)
    if out is None:
        receipt = receipt.model_copy(update={"files": (), "rejected_file": None, "page": ""})
    if not receipt.files:
        folder.withdraw(ACCEPTED)
    if out is not None:
        folder.write(PAGE, render(receipt))
        folder.write(RECEIPT, receipt.model_dump_json(indent=2))
    folder.sweep()
    return receipt


def retailer_of(kind: FeedKind, retailer: str | None, dialect: Path | None, currency: str, config: Path) -> Retailer:
    """Return who sends the file: by its own file, by its id in the folder `config`, or by a dialect alone.

    Raises `Unknown` or `NotSetUp` for a retailer, `Malformed` for a dialect that cannot be used.
    """
    if retailer is not None:
        path = Path(retailer) if retailer.endswith((".yaml", ".yml")) else config / f"{retailer}.yaml"
        found = read_retailer(_bytes(path), str(path))
        if kind not in found.feeds:
            msg = f"{found.retailer} sends no feed {kind!r}"
            raise Unknown(msg, [Problem("feed", repr(kind), f"one of {', '.join(found.feeds)}")], code="unknown-feed")
        return found
    stated = {} if dialect is None else _dialect(dialect, kind)
    try:
        return Retailer(
            retailer="not-named", name="not named", country="XX", currency=currency, feeds={kind: Dialect(**stated)}
        )
    except ValidationError as error:
        msg = f"{dialect or 'the currency'} says what no dialect can say"
        problems = problems_of(error, Retailer, where=in_file)
        raise Malformed(msg, problems, code="malformed-dialect") from error


def _dialect(path: Path, kind: FeedKind) -> dict[str, Any]:
    """Return what a file states of a feed: as a dialect alone, or below `feeds` as a retailer's file does."""
    expected = "a dialect as it stands under a feed in retailers/<id>.yaml"
    try:
        stated = yaml.safe_load(_bytes(path))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{path} is no YAML"
        raise Malformed(msg, [Problem(str(path), "what is no YAML", expected)], code="malformed-dialect") from error
    if isinstance(stated, dict) and isinstance(stated.get("feeds"), dict):
        stated = stated["feeds"].get(kind)
    if stated is None:
        return {}
    if not isinstance(stated, dict) or not all(isinstance(name, str) for name in stated):
        msg = f"{path} describes no dialect"
        raise Malformed(msg, [Problem(str(path), type(stated).__name__, expected)], code="malformed-dialect")
    return stated


def _folder(file: Path, out: Path | None) -> Folder:
    """Return the folder of the results, which must not hold the file itself under one of their names."""
    suffixes = [suffix for suffix in file.suffixes if suffix.lower() not in PACKED]
    folder = Folder(out, REJECTED + (suffixes[-1] if suffixes else ".csv"))
    if out is None:
        return folder
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot write to {out}: {error.strerror}"
        raise Conflict(msg, [Problem("--out", str(out), "a folder that can be written to")]) from error
    for name in (RECEIPT, PAGE, ACCEPTED, folder.rejected):
        if (out / name).exists() and file.exists() and (out / name).samefile(file):
            msg = f"the results would be written over {file}"
            raise Conflict(msg, [Problem("--out", str(out), "another folder than the file's own")])
    return folder


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    try:
        with file.open("rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                msg = f"cannot read {file}: it is no file"
                raise Unknown(msg)
            yield stream
    except OSError as error:
        msg = f"cannot read {error.filename or file} or write beside the receipt: {error.strerror}"
        raise Unknown(msg) from error


def _bytes(path: Path) -> bytes:
    with _opened(path) as stream:
        return stream.read()
