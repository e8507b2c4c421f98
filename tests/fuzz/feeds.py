"""Files that nobody would write, as many as fit into the time: what the intake says of them must hold all the same.

`python tests/fuzz/feeds.py [--seconds 60] [--seed N]` gives random bytes, pieces of text and damaged copies of a real
file to the check, under several dialects, and compares with the csv module over the whole text. What it finds is made
as small as it gets, and printed.
"""

import argparse
import csv
import io
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tombola.feeds.checking import Check, World
from tombola.feeds.codes import CODES
from tombola.feeds.measuring import Measured
from tombola.feeds.pseudonymizing import pseudonyms_by_column
from tombola.feeds.rejects import RejectsForm, RejectsWriter
from tombola.retailers.model import Dialect, Retailer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = "order_id,line_id,shopper_id,store_id,ordered_at,product_id,quantity,value,discount,coupon"
ROWS = [
    "1,1,42,s1,2017-06-01T10:00:00,p1,1,2.50,0,0",
    "1,2,42,s1,2017-06-01T10:00:00,p2,1,2.50,0,0",
    "1,1,42,s1,2017-06-01T10:00:00,p1,1,2.5,0,0",
    "1,1,42,s1,2017-06-01T10:00:00,p1,9,2.50,0,0",
    '2,1,,"s ""1""",2017-06-01T10:00:00,"p\n1",1,2.50,0,0',
    '3,1,,"s,1",2017-06-01,p1,0,1,,',
    "4,1,,é€,2017-06-01T10:00,p1,1,2.505,0,0",
    "5,1,,s1,never,p1,-1,x,0,0",
]
DIALECTS = (
    Dialect(),
    Dialect(format="delimited", delimiter=",", quote='"', encoding="utf-8-sig"),
    Dialect(format="delimited", delimiter=";", quote='"', encoding="cp1252", decimal_mark=","),
    Dialect(format="delimited", delimiter="\t", quote="'", encoding="utf-8"),
    Dialect(format="delimited", delimiter="|", quote='"', encoding="utf-16"),
)
"""The first states nothing: how its files are written is found out, and not compared."""
PIECES = (
    *ROWS,
    HEADER,
    ",",
    '"',
    '""',
    "'",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    " ",
    "x",
    "1",
    "é",
    "\0",
    "\ufeff",
    "\u2028",
    ";",
    "|",
)
A_RUN = 200
"""Files of one run of hypothesis; the clock is looked at in between."""


@dataclass(slots=True)
class Kept:
    """What a check gave away."""

    lines: list[int] = field(default_factory=list)
    file: io.BytesIO = field(default_factory=io.BytesIO)
    writer: RejectsWriter | None = None
    rejected: list[bytes] = field(default_factory=list)

    def accept(self, batch: pa.RecordBatch) -> None:
        """Keep the lines of accepted rows."""
        self.lines += batch["source_line"].to_pylist()

    def reject(self, form: RejectsForm, rows: Sequence[Any]) -> None:
        """Keep rejected rows, as they are and as a file."""
        self.writer = self.writer or form.writer(self.file)
        self.writer.write(rows)
        self.rejected += rows


def judged(data: bytes, dialect: Dialect) -> tuple[Check, Kept]:
    """Check a file, whatever it is."""
    retailer = Retailer(retailer="shop-1", name="Shop", country="US", currency="USD", feeds={"orders": dialect})
    kept = Kept()
    check = Check(
        World(retailer, "orders", NOW, NOW, pseudonyms=pseudonyms_by_column(bytes(32), "shop-1"), known_products=set),
        kept,
    )
    check.run(Measured(io.BytesIO(data)))
    return check, kept


def reference(text: str, dialect: Dialect) -> list[int]:
    """Return the line of every record after the header, as the csv module reads the whole text; 0 where it fails."""
    found = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)
    lines: list[int] = []
    while True:
        line = found.line_num + 1
        try:
            record = next(found)
        except StopIteration:
            return lines[1:]
        except csv.Error:
            record = ["broken"]
        if record:
            lines.append(line)


def hold(data: bytes, dialect: Dialect) -> None:
    """Fail unless all that must be true of any file is true of this one."""
    check, kept = judged(data, dialect)
    assert check.rows == check.accepted + check.rejected + check.duplicates, "rows add up"
    assert len(kept.lines) == check.accepted, "every accepted row is staged"
    assert len(set(kept.lines)) == check.accepted, "a line is staged once"
    assert len(kept.rejected) == check.rejected, "every rejected row is kept"
    errors = check.errors.findings()
    assert check.unusable == any(CODES[one.code].level == "file" for one in errors), "a fault has a code of a file"
    conflicts = sum(one.count for one in errors if one.code == "key-conflict")
    places = _places(data, kept.rejected[: check.rejected - conflicts])
    assert None not in places, "rejected rows are bytes of the file, in its order"
    if not check.unusable and dialect.model_fields_set:
        _hold_readable(data, dialect, check, kept)


def _hold_readable(data: bytes, dialect: Dialect, check: Check, kept: Kept) -> None:
    """Fail unless lines are those of the csv module, and the rejected rows are a file of their own."""
    codec = {"utf-16": "utf-16", "utf-8": "utf-8-sig"}.get(dialect.encoding, dialect.encoding)
    if data[:2] in (b"\x1f\x8b", b"PK") or data[:4] == b"\x28\xb5\x2f\xfd":
        return
    if codec == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        codec = "utf-16-le"
    lines = reference(data.decode(codec).removeprefix("\ufeff"), dialect)
    assert check.rows == len(lines), "rows are the records of the csv module"
    assert set(kept.lines) <= set(lines), "a row has the line of its record"
    told = {one.line for finding in check.errors.findings() for one in finding.examples}
    assert told <= set(lines), "an error is told with the line of its record"
    if kept.writer is not None:
        kept.writer.close()
        again, _ = judged(kept.file.getvalue(), dialect)
        assert again.rows == check.rejected, "rejected rows sent alone are as many rows"


def _places(data: bytes, rows: Sequence[bytes]) -> list[int | None]:
    """Return where each row stands in the data, after the one before."""
    places: list[int | None] = []
    at = 0
    for row in rows:
        found = data.find(row, at)
        places.append(found if found >= 0 else None)
        at = max(found, at) + len(row)
    return places


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Draw a real file with some of it replaced, left out, or put in twice."""
    text = "\n".join([HEADER, *draw(st.lists(st.sampled_from(ROWS), max_size=12)), ""])
    for _ in range(draw(st.integers(0, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.integers(0, 12)))
        text = text[:begin] + draw(st.sampled_from((*PIECES, text[begin:end] * 2))) + text[end:]
    return text


def files() -> st.SearchStrategy[tuple[bytes, Dialect]]:
    """Draw a file and the dialect it is read by."""

    def encoded(text: str, dialect: Dialect) -> bytes:
        other = text if dialect.delimiter == "," else text.replace(",", dialect.delimiter)
        return other.encode(dialect.encoding, "replace")

    dialects = st.sampled_from(DIALECTS)
    texts = damaged() | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
    headed = st.binary(max_size=60).map(lambda data: f"{HEADER}\n".encode() + data)
    return st.tuples(st.binary(max_size=80) | headed, dialects) | st.builds(
        lambda text, dialect: (encoded(text, dialect), dialect), texts, dialects
    )


def runs(seconds: float, first: int) -> Iterator[int]:
    """Try files until the time is over; yield the seed of every run."""
    give_up_at = time.monotonic() + seconds
    number = first
    while time.monotonic() < give_up_at:
        everything = settings(
            max_examples=A_RUN, deadline=None, database=None, print_blob=False, suppress_health_check=list(HealthCheck)
        )

        @seed(number)
        @everything
        @given(files())
        def run(file: tuple[bytes, Dialect]) -> None:
            hold(*file)

        run()
        yield number
        number += 1


def main() -> None:
    """Say how many files were tried; end with the error of the smallest one that breaks a promise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=time.time_ns() // 10**9 % 10**6)
    options = parser.parse_args()
    sys.stdout.write(f"seed {options.seed}\n")
    count = sum(1 for _ in runs(options.seconds, options.seed))
    sys.stdout.write(f"{count * A_RUN:,} files, and nothing found\n")


if __name__ == "__main__":
    main()
