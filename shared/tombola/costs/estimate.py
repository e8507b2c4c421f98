"""Estimate: the operations of a run, scaled to a day's volumes, and what a month of them costs line by line."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tombola.costs.operations import FunctionOperations, Operations
from tombola.costs.prices import Prices
from tombola.costs.volumes import BY_THE_CALL, DAY, KINDS_SENT, Assumptions, Times, daily_calls, times

MONTH = 30
"""Days."""
SMALLEST_MESSAGE = 1_000
"""Pub/Sub bills no message as less. Bytes. Source: https://cloud.google.com/pubsub/pricing"""
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Service:
    """How a function is deployed: GiB of memory beside one vCPU, and requests at a time."""

    memory_gib: Decimal
    concurrency: int


@dataclass(frozen=True, slots=True)
class Topic:
    """How often a message of a topic is delivered to functions, and how often it is stored in a table."""

    pushed: int
    stored: int


@dataclass(frozen=True, slots=True)
class Load:
    """One function in a day. `seconds` are those of one call, waiting included; `instances` of the busiest second."""

    function: str
    calls: Decimal
    peak_calls: Decimal
    seconds: Decimal
    instances: Decimal


@dataclass(frozen=True, slots=True)
class Daily:
    """What one day asks of the platform, in operations and bytes."""

    loads: tuple[Load, ...]
    documents: Mapping[str, tuple[Decimal, Decimal, Decimal, Decimal]]
    """By collection: read, written, deleted, bytes written."""
    messages: Mapping[str, tuple[Decimal, Decimal]]
    """By topic: published, bytes (none smaller than billed)."""
    objects: Mapping[str, tuple[Decimal, Decimal, Decimal]]
    """By bucket: read, written or listed, bytes written."""


def daily(assumed: Assumptions, run: Operations, services: Mapping[str, Service]) -> Daily:
    """Return what one day takes: the run's operations, as many times as each function's work is done."""
    calls = daily_calls(assumed, run)
    documents: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
    messages: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 2)
    objects: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    loads = []
    for name in calls:
        done, of_function = run.functions[name], times(name, assumed, run, calls)
        loads.append(_load(name, assumed, done, of_function, calls[name], services[name]))
        for collection, of in done.documents.items():
            by = of_function.calls if collection in BY_THE_CALL else of_function.pieces
            _add(documents[collection], by, of.read, of.written, of.deleted, of.bytes)
        for topic, sent in done.messages.items():
            by = of_function.calls if topic in BY_THE_CALL else of_function.pieces
            _add(messages[topic], by, sent.published, max(sent.bytes, sent.published * SMALLEST_MESSAGE))
        for bucket, moved in done.objects.items():
            _add(objects[bucket], of_function.calls, moved.read, moved.written + moved.listed, 0)
            _add(objects[bucket], of_function.pieces, 0, 0, moved.bytes_written)
    return Daily(
        loads=tuple(loads),
        documents={name: (each[0], each[1], each[2], each[3]) for name, each in sorted(documents.items())},
        messages={name: (each[0], each[1]) for name, each in sorted(messages.items())},
        objects={name: (each[0], each[1], each[2]) for name, each in sorted(objects.items())},
    )


def _load(
    name: str, assumed: Assumptions, done: FunctionOperations, of_function: Times, calls: Decimal, service: Service
) -> Load:
    """Waiting for Firestore and the others is added to the seconds that the run measured on one machine."""
    working = Decimal(str(done.seconds)) * of_function.pieces
    waiting = done.trips * assumed.trip_seconds * of_function.calls
    seconds = (working + waiting) / calls if calls else Decimal(0)
    peak = calls / DAY * (1 if name in SCHEDULED else assumed.peak)
    return Load(name, calls, peak, seconds, peak * seconds / service.concurrency)


def _add(sums: list[Decimal], by: Decimal, *numbers: int) -> None:
    for index, number in enumerate(numbers):
        sums[index] += by * number


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill. `units` of a month; `price` names the line of the price list."""

    what: str
    units: Decimal
    price: str
    cost: Decimal


def monthly(
    assumed: Assumptions, day: Daily, services: Mapping[str, Service], topics: Mapping[str, Topic], prices: Prices
) -> list[Line]:
    """Return a month's bill, line by line. Free tiers and discounts are left out."""
    units = _units(assumed, day, services, topics)
    return [Line(what, amount, price, prices.prices[price].of(amount)) for what, price, amount in units]


def _units(
    assumed: Assumptions, day: Daily, services: Mapping[str, Service], topics: Mapping[str, Topic]
) -> Iterator[tuple[str, str, Decimal]]:
    """Yield what is billed, the line of the price list, and the units of a month."""
    read, written, deleted, _ = (sum(each, Decimal(0)) for each in zip(*day.documents.values(), strict=True))
    yield "Firestore, documents read", "firestore_read", read * MONTH
    yield "Firestore, documents written", "firestore_write", written * MONTH
    yield "Firestore, documents deleted", "firestore_delete", deleted * MONTH
    kept = sum((of[3] for name, of in day.documents.items() if name in KEPT), Decimal(0))
    yield "Firestore, kept documents", "firestore_storage", kept * assumed.kept_days
    delivered = sum((size * (1 + topics[name].pushed) for name, (_, size) in day.messages.items()), Decimal(0))
    stored = sum((size * topics[name].stored for name, (_, size) in day.messages.items()), Decimal(0))
    yield "Pub/Sub, published and delivered", "pubsub_throughput", delivered * MONTH
    yield "Pub/Sub, stored in BigQuery", "pubsub_bigquery", stored * MONTH
    busy = {one.function: one.calls * one.seconds / services[one.function].concurrency for one in day.loads}
    calls = sum((one.calls for one in day.loads), Decimal(0))
    yield "Cloud Run, requests", "run_requests", calls * MONTH
    yield "Cloud Run, vCPU", "run_cpu", sum(busy.values(), Decimal(0)) * MONTH
    gib_seconds = sum((seconds * services[name].memory_gib for name, seconds in busy.items()), Decimal(0))
    yield "Cloud Run, memory", "run_memory", gib_seconds * MONTH
    looked, put, size = (sum((one[i] for one in day.objects.values()), Decimal(0)) for i in range(3))
    files = Decimal(assumed.retailers * assumed.files_per_retailer * KINDS_SENT)
    yield "Cloud Storage, objects written and listed", "storage_write", (put + files) * MONTH
    yield "Cloud Storage, objects read", "storage_read", looked * MONTH
    sent = Decimal(assumed.rows) * assumed.bytes_per_row
    yield "Cloud Storage, kept files", "storage_bytes", (size + sent) * assumed.kept_days
    yield "BigQuery, kept rows", "bigquery_storage", (sent + stored) * assumed.kept_days
    yield "BigQuery, scanned by a report a day per campaign", "bigquery_scan", stored * assumed.campaigns * MONTH
    yield "Cloud Logging", "logging", calls * assumed.log_bytes * MONTH
    public = sum((one.calls for one in day.loads if one.function in PUBLIC), Decimal(0))
    yield "Cloud Armor", "armor_requests", public * MONTH
    yield "Answers sent out", "egress", public * ANSWER_BYTES * MONTH
    yield "Cloud Scheduler", "scheduler_job", Decimal(sum(name in SCHEDULED for name in services))


KEPT = frozenset({"orders", "contributions", "entries", "plays", "claims", "postings", "payments"})
"""Collections that grow with every order. What is written of others replaces itself, or goes; so does some of these."""
PUBLIC = frozenset(
    {"receive_webhook", "check_out", "choose_offer", "play_game", "claim_prize", "enter_free", "record_payment"}
)
SCHEDULED = frozenset({"load_warehouse", "relay_outbox", "settle_plays", "seal_draws"})
ANSWER_BYTES = 1_500
