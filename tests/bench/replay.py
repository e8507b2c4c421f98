"""How long it takes to replay a year of recorded orders through a campaign.

`python tests/bench/replay.py [--households N] [--runs 3]` puts the year of The Complete Journey into a warehouse as
recorded orders, then calls `tombola replay` on it, each time in a process of its own, and prints the middle run.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from tombola.events import derived_id
from tombola.local.journey import RETAILER, Journey
from tombola.orders.events import OrderRecorded
from tombola.orders.facts import Header, Line, Order
from tombola.runtime import wiring

EXAMPLES = Path(__file__).parents[2] / "shared" / "tombola" / "local" / "examples"
CAMPAIGN = EXAMPLES / "autumn-snacks.yaml"
MEMORY_DISK = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
EVENTS_AT_ONCE = 5_000
GOAL_SECONDS = 30


def main() -> None:
    """Fill a warehouse, replay, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--households", type=int, help="fewer than all 2,469")
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=MEMORY_DISK if MEMORY_DISK.is_dir() else None) as folder:
        home = Path(folder) / "home"
        orders, lines = _fill(home, Journey(given.households))
        runs = [_run(home) for _ in range(given.runs)]
    seconds, cpu, peak = (median(figures) for figures in zip(*(run[:3] for run in runs), strict=True))
    answer = runs[0][3]
    say = Console(highlight=False).print
    machine = f"{os.cpu_count()} cores {platform.machine()}, load {os.getloadavg()[0]:.1f}"
    say(f"{machine}, Python {platform.python_version()}")
    say(f"{orders:,} orders, {lines:,} lines")
    say(f"{seconds:.1f} s (middle of {given.runs}), {cpu:.1f} s of CPU, {peak:,} MiB")
    say(f"{answer['qualified_orders']:,} orders would have qualified, {sum(answer['earned']['by_tier']):,} tokens")
    say(f"goal: under {GOAL_SECONDS} s; {'met' if seconds < GOAL_SECONDS else 'NOT met'}")


def _fill(home: Path, journey: Journey) -> tuple[int, int]:
    """Put a year of orders and the catalogue into a fresh home; return how many orders and lines."""
    os.environ["TOMBOLA_HOME"] = str(home)
    home.mkdir()
    ports = wiring.ports()
    ports.objects.replace("config", f"retailers/{RETAILER.retailer}.yaml", RETAILER.model_dump_json().encode())
    orders = lines = 0
    for number, events in enumerate(_batches(journey)):
        ports.warehouse.append("order_recorded", f"batch-{number}", events)
        orders += len(events)
        lines += sum(event["body"].count('"line_id"') for event in events)
    _stage_products(ports, journey)
    return orders, lines


def _batches(journey: Journey) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for month in journey.months:
        for lines in journey.orders(month):
            batch.append(_event(lines))
            if len(batch) == EVENTS_AT_ONCE:
                yield batch
                batch = []
    yield batch


def _event(lines: list[dict[str, Any]]) -> dict[str, Any]:
    first = lines[0]
    order = Order(
        retailer=RETAILER.retailer,
        order_id=str(first["basket_id"]),
        revision=1,
        authoritative=True,
        header=Header(
            shopper=f"household-{first['household_id']}",
            store_id=str(first["store_id"]),
            ordered_at=first["at"],
            currency="USD",
        ),
        lines=tuple(
            Line(
                line_id=str(line["product_id"]),
                product_id=str(line["product_id"]),
                quantity=line["quantity"],
                value_minor=round(line["sales_value"] * 100),
                discount_minor=round(line["retail_disc"] * 100),
                coupon_minor=round(line["coupon_disc"] * 100),
            )
            for line in lines
        ),
    )
    event = OrderRecorded(event_id=derived_id("bench", order.order_id), order=order)
    body = event.outbound().message.data.decode()
    return {
        "event_id": event.event_id,
        "published_at": datetime(2018, 1, 1, tzinfo=UTC),
        "type": event.TYPE,
        "body": body,
    }


def _stage_products(ports: Any, journey: Journey) -> None:  # noqa: ANN401 (the ports of the home)
    """Load the catalogue as the warehouse keeps it."""
    from io import BytesIO  # noqa: PLC0415

    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    from tombola.feeds.tables import TABLES  # noqa: PLC0415

    rows = [
        {
            "retailer": RETAILER.retailer, "product_id": str(row["product_id"]), "name": row["product_type"],
            "brand": row["brand"], "category": row["product_category"], "department": row["department"],
            "size": row["package_size"], "stated_at": datetime(2017, 1, 1, tzinfo=UTC), "source_line": number,
        }
        for number, row in enumerate(journey.products.iter_rows(named=True))
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=TABLES["feed_products"])
    buffer = BytesIO()
    pq.write_table(table, buffer)
    ref = ports.objects.replace("staging", "bench/products.parquet", buffer.getvalue())
    ports.warehouse.load("feed_products", [ref])


def _run(home: Path) -> tuple[float, float, int, dict[str, Any]]:
    """Replay once; return seconds, seconds of CPU, the peak in MiB of all runs so far, and the answer."""
    command = [sys.executable, "-m", "tombola", "replay", "--campaign", str(CAMPAIGN), "--from", "2017-01-01"]
    command += ["--to", "2017-12-31", "--home", str(home), "--json"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, after.ru_maxrss // 1024, json.loads(done.stdout)


if __name__ == "__main__":
    main()
