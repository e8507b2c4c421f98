"""500 files of 300 retailers in one minute, and live webhooks meanwhile: does the queue drain, and who waits?

`python tests/bench/flood.py [--files 500] [--retailers 300] [--rows 40]` runs the local runner as `tombola dev` does.
It sends webhooks to an idle system first, then the same while the files are taken in, and prints both as a table:
until the webhook is answered, and until its order is recorded.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from tombola.feeds.receipts import Receipt
from tombola.local.laptop import Laptop, assemble
from tombola.orders.signatures import sign
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey
from tombola.runtime import logs, wiring
from tombola.runtime.settings import Settings

FUNCTIONS = Path(__file__).parents[2] / "functions"
MEMORY = Path("/dev/shm")  # noqa: S108 (a private folder is made in it)
HEADER = "order_id,line_id,store_id,ordered_at,product_id,quantity,value"
LINES_PER_ORDER = 4
IDLE_WEBHOOKS = 100
PAUSE = 0.1
"""Seconds between two webhooks."""
LOST = 300.0


def key_of(kind: str, retailer: str) -> bytes:
    """Return a key for this run."""
    return f"{kind}-{retailer}, 32 bytes or more of it".encode()


def prepared(home: Path, retailers: int) -> Laptop:
    """Return a laptop that knows so many retailers."""
    logs.configure(level="critical")
    ports = wiring.build(Settings(home=home, functions=FUNCTIONS))
    ports.keys.create("receipt-signing", bytes(range(32)))
    for number in range(retailers):
        name = f"shop-{number}"
        config = {"retailer": name, "name": name, "country": "FR", "currency": "EUR", "feeds": {"orders": {}}}
        ports.objects.replace("config", f"retailers/{name}.yaml", yaml.safe_dump(config).encode())
        for kind in ("webhook", "pseudonym"):
            ports.keys.create(f"{kind}-{name}", key_of(kind, name))
    return assemble(home, ports, FUNCTIONS)


def put_files(ports: Ports, files: int, retailers: int, rows: int) -> None:
    """Put the files into the inbox."""
    for number in range(files):
        lines = [
            f"{number}-{row // LINES_PER_ORDER},{row % LINES_PER_ORDER},s,2017-06-01,p{row},1,2.50"
            for row in range(rows)
        ]
        name = f"shop-{number % retailers}/orders/{number}.csv"
        ports.objects.replace("inbox", name, "\n".join([HEADER, *lines]).encode())


@dataclass
class Shoppers:
    """Webhooks, one after the other, and how many seconds each took."""

    laptop: Laptop
    retailers: int
    answered: list[float] = field(default_factory=list)
    recorded: list[float] = field(default_factory=list)
    sent: int = 0

    def send(self) -> None:
        """Send one and wait until its order is recorded."""
        retailer, order_id = f"shop-{self.sent % self.retailers}", f"live-{self.sent}"
        self.sent += 1
        now = self.laptop.ports.clock.now()
        order = {
            "type": "order.stated",
            "order_id": order_id,
            "scope": "whole",
            "stated_at": now.isoformat(),
            "store_id": "s",
            "ordered_at": now.isoformat(),
            "currency": "EUR",
            "lines": [{"line_id": "1", "product_id": "p", "quantity": 1, "value": "1.00"}],
        }
        body = json.dumps(order).encode()
        headers = [
            ("Content-Type", "application/json"),
            *sign(key_of("webhook", retailer), order_id, now, body).items(),
        ]
        started = time.perf_counter()
        reply = self.laptop.host.call("receive_webhook", body, path=f"/{retailer}", headers=headers)
        assert reply.accepted, reply.body
        self.answered.append(time.perf_counter() - started)
        while self.laptop.ports.documents.get([DocumentKey("orders", (retailer, order_id))]) == [None]:
            if time.perf_counter() - started > LOST:
                msg = f"{order_id} is not recorded after {LOST:.0f} s"
                raise TimeoutError(msg)
            time.sleep(0.002)
        self.recorded.append(time.perf_counter() - started)

    def send_while(self, wanted: Callable[[], bool]) -> None:
        """Send some for as long as somebody wants them."""
        while wanted():
            self.send()
            time.sleep(PAUSE)


def waits(laptop: Laptop) -> bool:
    """Tell whether anything is left to deliver, to functions."""
    counts = {route: one for route, one in laptop.queue.counts().items() if not route.startswith(("store-", "dead-"))}
    return any(one.ready + one.in_flight + one.waiting for one in counts.values())


def wrong_receipts(ports: Ports, files: int, rows: int) -> int:
    """Return how many receipts are missing or do not say that all rows were accepted."""
    right = set()
    for info in ports.objects.list("receipts"):
        if info.ref.name.endswith("/receipt.json"):
            with ports.objects.open(info.ref) as stream:
                receipt = Receipt.model_validate_json(stream.read())
            if (receipt.rows, receipt.accepted, receipt.verdict) == (rows, rows, "accepted"):
                right.add(receipt.object)
    return files - len(right)


def line(name: str, seconds: list[float]) -> tuple[str, ...]:
    """Return a row of the table, in milliseconds."""
    ordered = sorted(seconds)
    places = (len(ordered) // 2, len(ordered) * 99 // 100, len(ordered) - 1)
    return (name, f"{len(ordered)}", *(f"{ordered[place] * 1000:.0f}" for place in places))


def main() -> None:
    """Run both, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("files", 500), ("retailers", 300), ("rows", 40)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        laptop = prepared(Path(folder), options.retailers)
        laptop.host.load()
        stop = threading.Event()
        running = threading.Thread(target=laptop.runner.run, args=(stop,))
        running.start()
        try:
            report(laptop, options.files, options.retailers, options.rows)
        finally:
            stop.set()
            running.join()


def report(laptop: Laptop, files: int, retailers: int, rows: int) -> None:
    """Measure, and say what came of it."""
    idle, busy = Shoppers(laptop, retailers), Shoppers(laptop, retailers, sent=IDLE_WEBHOOKS)
    idle.send_while(lambda: idle.sent < IDLE_WEBHOOKS)
    put_files(laptop.ports, files, retailers, rows)
    started = time.perf_counter()
    laptop.watcher.scan()
    busy.send_while(lambda: waits(laptop))
    took = timedelta(seconds=round(time.perf_counter() - started))
    table = Table("milliseconds", "webhooks", "p50", "p99", "max")
    for name, shoppers in (("idle", idle), ("flood", busy)):
        table.add_row(*line(f"answered, {name}", shoppers.answered))
        table.add_row(*line(f"recorded, {name}", shoppers.recorded))
    console = Console(width=100, file=sys.stdout)
    console.print(table)
    wrong, dead = wrong_receipts(laptop.ports, files, rows), laptop.queue.counts()["dead-letters"].ready
    console.print(f"{files} files of {retailers} retailers, {rows} rows each, drained in {took}")
    console.print(f"{wrong} receipts missing or wrong, {dead} dead letters")


if __name__ == "__main__":
    main()
