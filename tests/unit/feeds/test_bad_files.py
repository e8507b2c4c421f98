"""Whatever lands in the inbox leaves a receipt that counts right, or a quarantine that says why: never a crash.

Run as a program, this file checks files of hundreds of megabytes that exist only while they are read, and prints how
much memory that took.
"""

import gzip
import io
import json
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import shake_256
from pathlib import Path
from typing import BinaryIO, cast

import pytest
import zstandard

from tombola.errors import Fault
from tombola.feeds import usecases
from tombola.feeds.checking import World
from tombola.feeds.codes import CODES
from tombola.feeds.intake import Examined, examine
from tombola.feeds.pseudonymizing import pseudonyms_by_column
from tombola.feeds.receipts import Receipt
from tombola.feeds.schemas import arrow_schema
from tombola.feeds.staging import Attempt
from tombola.local.file_check import LocalRef, check_file
from tombola.ports import Ports
from tombola.ports.objects import ObjectRef
from tombola.retailers.model import Dialect, Retailer

HEADER = "order_id,line_id,store_id,ordered_at,product_id,quantity,value"
GOOD = [f"{number},1,s1,2017-06-01T10:00:00,p1,1,2.50" for number in range(30)]
TEXT = "\n".join([HEADER, *GOOD, ""])
PLAIN = TEXT.encode()
BACKWARDS = "\n".join(",".join(reversed(line.split(","))) for line in [HEADER, *GOOD])
NOISE = shake_256(b"noise").digest(100_000)
WIDE = f"{HEADER},{','.join(f'c{number}' for number in range(100_000))}\n{GOOD[0]}{',' * 100_000}\n"
MEMORY_MIB = 400
"""What the issue of 20 million rows allows; a file that no one should have sent needs no more."""


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def with_line(*lines: str) -> bytes:
    return "\n".join([HEADER, *GOOD, *lines, ""]).encode()


@dataclass(frozen=True, slots=True)
class Case:
    """A file, and what its receipt must say: the codes, and how many of the 30 good rows (and others) are there."""

    data: bytes
    codes: tuple[str, ...] = ()
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0

    @property
    def quarantined(self) -> bool:
        """Whether nothing may be taken."""
        return any(CODES[code].level == "file" for code in self.codes) or self.rejected * 10 > self.rows

    @property
    def rejected(self) -> int:
        """All other rows."""
        return self.rows - self.accepted - self.duplicates


CASES: Mapping[str, Case] = {
    "empty": Case(b"", ("empty-file",)),
    "blank lines only": Case(b"\n\r\n\n", ("empty-file",)),
    "a mark only": Case(b"\xef\xbb\xbf", ("empty-file",)),
    "header only": Case(HEADER.encode()),
    "binary noise": Case(NOISE, ("undecodable",)),
    "noise after good rows": Case(PLAIN + NOISE, ("undecodable",), rows=30, accepted=30),
    "NUL bytes": Case(bytes(100_000), ("nul-bytes",)),
    "a NUL byte after good rows": Case(PLAIN + b"x\0y\n", ("nul-bytes",), rows=30, accepted=30),
    "truncated gzip": Case(gzip.compress(PLAIN, mtime=0)[:-9], ("packing-broken",), rows=30, accepted=30),
    "gzip of nothing": Case(gzip.compress(b"", mtime=0), ("empty-file",)),
    "gzip that is noise": Case(b"\x1f\x8b" + NOISE, ("packing-broken",)),
    "truncated zstd": Case(zstandard.compress(PLAIN)[:-3], ("packing-broken",)),
    "a whole gzip": Case(gzip.compress(PLAIN, mtime=0), rows=30, accepted=30),
    "a whole zip": Case(zipped(**{"june.csv": PLAIN}), rows=30, accepted=30),
    "a zip of two members": Case(zipped(a=PLAIN, b=PLAIN), ("packing-refused",)),
    "a zip of none": Case(zipped(), ("nul-bytes",)),
    "a zip with a path": Case(zipped(**{"../../etc/passwd": PLAIN}), ("packing-refused",)),
    "a truncated zip": Case(zipped(a=PLAIN)[:-30], ("packing-broken",)),
    "an unclosed quote on the first row": Case(f'{HEADER}\n"{TEXT}'.encode(), ("unclosed-quote",)),
    "an unclosed quote in the header": Case(f'"{TEXT}'.encode(), ("missing-columns",)),
    "an unclosed quote on the last row": Case(with_line('"x'), ("unclosed-quote",), rows=30, accepted=30),
    "mixed line ends": Case(
        b"".join(line.encode() + (b"\n", b"\r\n", b"\r")[number % 3] for number, line in enumerate([HEADER, *GOOD])),
        rows=30,
        accepted=30,
    ),
    "no line end at the end": Case(PLAIN[:-1], rows=30, accepted=30),
    "duplicate header names": Case(PLAIN.replace(b"line_id", b"order_id", 1), ("duplicate-columns",)),
    "a header in another order": Case(BACKWARDS.encode(), rows=30, accepted=30),
    "a header name missing": Case(PLAIN.replace(b"store_id", b"shop", 1), ("missing-columns",)),
    "extra and missing cells": Case(
        with_line(GOOD[0] + ",more", GOOD[1][:-5]), ("wrong-field-count",), rows=32, accepted=30
    ),
    "numbers in the other locale": Case(
        "\n".join([HEADER, *(line.replace("2.50", '"1.234,50"') for line in GOOD)]).encode(), ("not-a-number",), rows=30
    ),
    "a delimiter that nobody stated": Case(PLAIN.replace(b",", b";"), rows=30, accepted=30),
    "every row twice": Case(with_line(*GOOD), rows=60, accepted=30, duplicates=30),
    "a million columns": Case(b"," * 1_000_000 + b"\n" + PLAIN, ("duplicate-columns", "missing-columns")),
    "a million named columns": Case(",".join(map(str, range(1_000_000))).encode(), ("record-too-long",)),
    "a hundred thousand columns too many": Case(WIDE.encode(), rows=1, accepted=1),
    "a web page": Case(b"<!doctype html><html><body>Sign in</body></html>", ("missing-columns",)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_file_leaves_a_receipt_that_counts_right(judge: Callable[..., Receipt], name: str) -> None:
    case = CASES[name]
    receipt = judge(case.data)
    assert {error.code for error in receipt.errors} <= set(case.codes), receipt.errors
    assert bool(receipt.errors) == bool(case.codes)
    counts = (receipt.rows, receipt.accepted, receipt.rejected, receipt.duplicates)
    assert counts == (case.rows, case.accepted, case.rejected, case.duplicates)
    assert (receipt.verdict == "quarantined") is case.quarantined
    assert receipt.bytes == len(case.data)
    assert len(receipt.model_dump_json()) < 100_000


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "iso-8859-15")
RETAILER = Retailer(retailer="shop-1", name="Shop", country="FR", currency="EUR", feeds={"orders": Dialect()})


@pytest.mark.parametrize("declared", ENCODINGS)
@pytest.mark.parametrize("written", [*ENCODINGS, "utf-16-le", "utf-16-be", "cp037", "shift_jis"])
def test_an_encoding_declared_wrong_is_a_quarantine_or_all_rows(tmp_path: Path, written: str, declared: str) -> None:
    text = TEXT.replace("p1", "café")
    file = tmp_path / "file.csv"
    file.write_bytes(text.encode(written, "replace"))
    retailer = RETAILER.model_copy(update={"feeds": {"orders": Dialect.model_validate({"encoding": declared})}})
    receipt = check_file(file, "orders", retailer, None, lambda *_: None)
    if receipt.verdict == "quarantined":
        assert receipt.errors
        assert receipt.accepted == 0
    else:
        assert (receipt.rows, receipt.accepted) == (30, 30)
    assert written != declared or receipt.accepted == 30


@pytest.mark.parametrize(
    "file",
    ["..", ".", "../../x.csv", "a\nb.csv", "a\rb", "a\x00b", "\x85", "a\\b", ".hidden", "x" * 256, "x" * 1_005,
     "x" * 1_006, "é" * 600, "\u2028", "", "a/b.csv", "a//b", "\udcff"],
)  # fmt: skip
def test_a_name_that_no_bucket_should_hold_is_refused_with_words(ports: Ports, file: str) -> None:
    with pytest.raises(Fault) as caught:
        usecases.validate_feed(ports, ObjectRef("inbox", f"corner-shop/orders/{file}", 1), attempt="one")
    assert caught.value.code == "bad-object-name"
    (problem,) = caught.value.problems
    assert problem.found.isprintable()
    assert len(problem.found) <= 200


@pytest.mark.parametrize("file", ["%2e%2e", "%2e%2e%2fx.csv", "x" * 255, "é.csv", "a b.csv", "'; drop table--", "-rf"])
def test_an_odd_name_is_a_name_and_nothing_else(judge: Callable[..., Receipt], file: str) -> None:
    receipt = judge(PLAIN, file=file)
    assert (receipt.object, receipt.accepted) == (f"corner-shop/orders/{file}", 30)


class Endless(io.RawIOBase):
    """A file that is made while it is read: a head, and a piece repeated so many times."""

    def __init__(self, head: bytes, piece: bytes, times: int) -> None:
        super().__init__()
        self._head, self._piece = head, piece * max(1, 2**16 // len(piece))
        self._size = len(head) + len(piece) * times
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]  # the buffer is always ours
        size = min(len(buffer), self._size - self._at)
        if self._at < len(self._head):
            data = self._head[self._at :][:size]
        else:
            place = (self._at - len(self._head)) % len(self._piece)
            data = self._piece[place : place + size]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def bomb(mebibytes: int) -> bytes:
    """Return gzip of that much of one good row again and again: over 200 times smaller."""
    packer = zlib.compressobj(9, wbits=31)
    rows = (GOOD[0] + "\n").encode() * (2**20 // (len(GOOD[0]) + 1))
    return (
        packer.compress(HEADER.encode() + b"\n")
        + b"".join(packer.compress(rows) for _ in range(mebibytes))
        + packer.flush()
    )


LARGE: Mapping[str, tuple[Callable[[], Endless], str]] = {
    "a line of 200 MB": (lambda: Endless(f"{HEADER}\n".encode(), b"x", 200_000_000), "record-too-long"),
    "a header of 20 MB": (lambda: Endless(b"", b"name,", 4_000_000), "record-too-long"),
    "a quote never closed in 200 MB": (
        lambda: Endless(f'{HEADER}\n"'.encode(), f"{GOOD[0]}\n".encode(), 200_000_000 // (len(GOOD[0]) + 1)),
        "record-too-long",
    ),
    "a quote never closed among others": (
        lambda: Endless(f'{HEADER}\n"'.encode(), b'1,"2",s1\n', 150_000),
        "broken-quoting wrong-field-count",
    ),
    "rows of one letter": (lambda: Endless(f"{HEADER}\n".encode(), b"x\n", 300_000), "wrong-field-count"),
    "blank lines": (lambda: Endless(f"{HEADER}\n".encode(), b"\n", 5_000_000), ""),
    "a gzip bomb": (lambda: Endless(bomb(100), b" ", 0), "packing-bomb"),
    "zeros": (lambda: Endless(b"", b"\0", 20_000_000), "nul-bytes"),
}


@dataclass(frozen=True, slots=True)
class Nothing:
    """A file of which nothing is kept."""

    ref: LocalRef

    def write(self, data: bytes, /) -> int:
        """Take bytes."""
        return len(data)


@contextmanager
def nowhere(bucket: str, name: str) -> Iterator[Nothing]:
    yield Nothing(LocalRef(bucket, name))


def examined(stream: BinaryIO) -> Examined:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    world = World(
        RETAILER, "orders", now, now, pseudonyms=pseudonyms_by_column(bytes(32), "corner-shop"), known_products=set
    )
    return examine(world, stream, Attempt("a", "f", arrow_schema("orders"), nowhere))


def peak() -> int:
    """Return the most memory this process has had, in KiB; `getrusage` would count what its parent had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def main() -> None:
    """Print what each large file came to, and the peak of this process in KiB after it."""
    for name, (made, _) in LARGE.items():
        check = examined(cast("BinaryIO", made())).check
        codes = [finding.code for finding in check.errors.findings()]
        uncounted = check.rows - check.accepted - check.rejected - check.duplicates
        sys.stdout.write(json.dumps([name, codes, uncounted, peak()]) + "\n")


def test_a_file_of_hundreds_of_megabytes_that_is_no_feed_takes_little_memory_and_ends() -> None:
    done = subprocess.run([sys.executable, __file__], check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {name: codes for name, codes, _, _ in found} == {name: codes.split() for name, (_, codes) in LARGE.items()}
    assert [odd for _, _, odd, _ in found] == [0] * len(LARGE)
    assert max(peak for *_, peak in found) < MEMORY_MIB * 1024, found


if __name__ == "__main__":
    main()
