"""What the benchmark of feeds compares, one run to a process, so that no run meets what another left in memory.

`python tests/bench/feed_contestants.py NAME FILE SMALL FOLDER` prints JSON: `seconds`, `cpu_seconds` of all cores,
`rows`, `refused` (null where nothing is refused) and `peak_mib`, the most memory the process ever held, Python and
libraries included. What happens once in a process (imports, schemas being built) is done on the file SMALL before
the clock runs.
"""
# ruff: noqa: PLC0415 (a contestant imports only what it needs: other libraries would count as its memory)

import csv
import gzip
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
BLOCK = 4_096
"""Records that the pydantic loop decodes at once: a column's texts repeat, so this is faster than one by one."""
MANY = 10**9


class Counted(NamedTuple):
    """What a run found. `rows` is 0 where the contestant does not count, `refused` None where it refuses nothing."""

    rows: int
    refused: int | None


Run = Callable[[Path], Counted]


def tombola(folder: Path) -> Run:
    """The project: what `tombola check --out` does. Typed Parquet, rejected rows, duplicates, receipt and its page."""
    from tombola.local.file_check import check_file, retailer_of

    retailer = retailer_of("orders", None, None, "USD", folder)

    def run(file: Path) -> Counted:
        receipt = check_file(file, "orders", retailer, folder, lambda *_: None)
        return Counted(receipt.rows, receipt.rejected)

    return run


def polars_strings(folder: Path) -> Run:
    """Raw Polars: every column stays the text it is. Checks nothing."""
    import polars as pl

    def run(file: Path) -> Counted:
        pl.scan_csv(file, infer_schema=False).sink_parquet(folder / "raw.parquet", compression="zstd")
        return Counted(0, None)

    return run


def polars_typed(folder: Path) -> Run:
    """Raw Polars: types are guessed, times are read, and what does not fit becomes null without a word."""
    import polars as pl

    def run(file: Path) -> Counted:
        frame = pl.scan_csv(file, ignore_errors=True, try_parse_dates=True)
        frame.sink_parquet(folder / "raw.parquet", compression="zstd")
        return Counted(0, None)

    return run


def pydantic_rows(_folder: Path) -> Run:
    """The same model, row by row over `csv.DictReader`, its texts read by the same decoder. Writes nothing."""
    from pydantic import ValidationError

    from tombola.feeds.contracts import OrderLineRow
    from tombola.feeds.decoding import Decoder
    from tombola.retailers.model import Dialect

    def errors_of(records: Iterable[dict[str, object]]) -> int:
        judge, refused = OrderLineRow.model_validate, 0
        for fields in records:
            try:
                judge(fields)
            except ValidationError as error:
                error.errors(include_url=False)
                refused += 1
        return refused

    def run(file: Path) -> Counted:
        rows = refused = 0
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            decoder = Decoder(OrderLineRow, Dialect(), "USD", list(reader.fieldnames or ()), FUTURE)
            while block := [list(row.values()) for row in islice(reader, BLOCK)]:
                rows += len(block)
                refused += errors_of(decoder.decode(block))
        return Counted(rows, refused)

    return run


def dataframely(folder: Path) -> Run:
    """The same rules as a dataframely schema. The whole file is in memory; accepted and rejected rows are written."""
    import dataframely as dy
    import polars as pl

    from tombola.feeds.contracts import TOO_MUCH_DISCOUNT
    from tombola.feeds.fields import NO_CONTROL
    from tombola.money import EXPONENTS

    def text(*, nullable: bool = False, primary_key: bool = False) -> dy.String:
        return dy.String(
            nullable=nullable, primary_key=primary_key, min_length=1, max_length=200, regex=NO_CONTROL
        )  # fmt: skip

    def amount() -> dy.Decimal:
        return dy.Decimal(18, 2, nullable=False, min=0, max=10**10)

    class OrderLine(dy.Schema):
        order_id = text(primary_key=True)
        line_id = text(primary_key=True)
        shopper_id = text(nullable=True)
        store_id = text()
        ordered_at = dy.Datetime(nullable=False, min=datetime(1970, 1, 1), max=datetime(2100, 1, 1))  # noqa: DTZ001 (the column bears no zone)
        product_id = text()
        quantity = dy.Int64(nullable=False, min=0, max=10**9)
        value = amount()
        discount = amount()
        coupon = amount()
        currency = dy.String(nullable=False, check=lambda code: code.is_in(list(EXPONENTS)))

        @dy.rule()
        def discount_in_proportion(self) -> pl.Expr:
            value = pl.col("value")
            return (value <= 0) | (pl.col("discount") <= value * TOO_MUCH_DISCOUNT)

    def run(file: Path) -> Counted:
        read = pl.col("ordered_at").str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False)
        frame = pl.read_csv(file, infer_schema=False).with_columns(read)
        accepted, failed = OrderLine.filter(frame, cast=True)
        accepted.write_parquet(folder / "accepted.parquet", compression="zstd")
        failed.invalid().write_csv(folder / "rejected.csv")
        failed.counts()
        return Counted(frame.height, len(failed))

    return run


def frictionless(_folder: Path) -> Run:
    """The same types as a frictionless schema. Writes nothing."""
    from frictionless import Resource, Schema, system

    from tombola.money import EXPONENTS

    text = {"required": True, "minLength": 1, "maxLength": 200}
    number = {"type": "number", "constraints": {"required": True, "minimum": 0}}
    whole = {"type": "integer", "constraints": {"required": True, "minimum": 0, "maximum": 10**9}}
    fields = {
        **{name: {"type": "string", "constraints": text} for name in ("order_id", "line_id")},
        "shopper_id": {"type": "string"},
        "store_id": {"type": "string", "constraints": text},
        "ordered_at": {"type": "datetime", "format": "%Y-%m-%dT%H:%M:%S", "constraints": {"required": True}},
        "product_id": {"type": "string", "constraints": text},
        "quantity": whole,
        **dict.fromkeys(("value", "discount", "coupon"), number),
        "currency": {"type": "string", "constraints": {"required": True, "enum": sorted(EXPONENTS)}},
    }
    described = [{"name": name, **field} for name, field in fields.items()]
    schema = Schema.from_descriptor({"fields": described, "primaryKey": ["order_id", "line_id"]})

    def run(file: Path) -> Counted:
        with system.use_context(trusted=True):
            report = Resource(path=str(file), schema=schema).validate(limit_errors=MANY)
        task = report.tasks[0]
        return Counted(int(task.stats["rows"]), len({error.row_number for error in task.errors}))

    return run


def decompression(_folder: Path) -> Run:
    """Nothing but taking a gzip file apart."""

    def run(file: Path) -> Counted:
        with gzip.open(file, "rb") as stream:
            while stream.read(2**20):
                pass
        return Counted(0, None)

    return run


CONTESTANTS: dict[str, Callable[[Path], Run]] = {
    "tombola": tombola,
    "polars_strings": polars_strings,
    "polars_typed": polars_typed,
    "pydantic_rows": pydantic_rows,
    "dataframely": dataframely,
    "frictionless": frictionless,
    "decompression": decompression,
}


def main(name: str, file: str, small: str, folder: str) -> None:
    """Run one contestant once, and print what was measured."""
    run = CONTESTANTS[name](Path(folder))
    run(Path(small))
    began, spent = time.perf_counter(), time.process_time()
    counted = run(Path(file))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**20
    sys.stdout.write(
        json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mib": peak, **counted._asdict()})
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
