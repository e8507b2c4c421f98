"""Several processes on one home want the same few tokens and moments, and some of them are killed.

The same crowd is let loose on documents that drop every precondition (read, check, write): it must be
caught, or the checks here would show nothing. Run as a program, this file is one process of the crowd.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tombola.adapters.embedded.clock import ReplayClock
from tombola.adapters.embedded.documents import EmbeddedDocuments
from tombola.adapters.embedded.keys import EmbeddedKeys
from tombola.adapters.embedded.objects import EmbeddedObjects
from tombola.adapters.embedded.topics import EmbeddedTopics
from tombola.campaigns.usecases import commit_campaign, launch_campaign
from tombola.draws.usecases import play_game
from tombola.errors import Fault, Gone
from tombola.games.answers import PlayRequest
from tombola.games.events import PlayChanged
from tombola.games.plays import Play
from tombola.games.tokens import SIGNING_KEY, Signer, sign_token
from tombola.games.usecases import issue_tokens
from tombola.orders.facts import Header, Line, OrderStatement
from tombola.orders.usecases import record_order
from tombola.ports import Ports
from tombola.ports.documents import Delete, DocumentKey, Documents, Where, created_or_replaced
from tombola.ports.errors import PreconditionFailed
from tombola.ports.memo import Memo
from tombola.runtime import outbox
from tombola.runtime.races import decide_again
from tombola.settling.usecases import reconcile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tombola.ports.documents import OutboundEvent, Snapshot, Write
    from tombola.ports.topics import Message, Topics

FILE = Path(__file__).parents[1] / "campaigns" / "files" / "wheel.yaml"
NOW = datetime(2017, 6, 21, 23, 59, tzinfo=UTC)
"""A minute before the window closes: every moment is due."""
ORDERED_AT = datetime(2017, 6, 20, 12, tzinfo=UTC)
ORDERS, SHOPPERS, PROCESSES = 24, 8, 4
PER_CAMPAIGN, PER_SHOPPER, MOMENTS = 8, 2, 5
PER_STORE, PER_DAY, STORES, DAYS = 5, 4, 2, 3
"""Slots of stores and days are opened by whoever needs one first: here by several at once."""
CANCELLED = range(0, ORDERS, 5)
CAMPAIGN = ("spring-wheel", 1)


@dataclass
class Paused:
    """Documents and topics that pause before they write, as a network does: there races are lost, there kills hit.

    The first token and the first win of every process wait until all processes have decided on theirs: so some
    races happen on every machine, however fast, and not by luck.
    """

    documents: Documents
    topics: Topics
    meeting: Path

    def get(self, keys: Sequence[DocumentKey]) -> list[Snapshot | None]:
        return self.documents.get(keys)

    def query(self, collection: str, where: Sequence[Where], **more: Any) -> Iterator[Snapshot]:  # noqa: ANN401 (passed on)
        return self.documents.query(collection, where, **more)

    def commit(self, writes: Sequence[Write], events: Sequence[OutboundEvent] = ()) -> None:
        for what in {write.key.collection for write in writes} & {"slots", "claims"}:
            self._meet(what)
        time.sleep(0.003)
        self._commit(writes, events)

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        time.sleep(0.003)
        self.topics.publish(topic, messages)

    def _commit(self, writes: Sequence[Write], events: Sequence[OutboundEvent]) -> None:
        self.documents.commit(writes, events)

    def _meet(self, what: str) -> None:
        self.meeting.mkdir(exist_ok=True)
        (self.meeting / f"{what}-{os.getpid()}").touch()
        deadline = time.monotonic() + 30
        while len(list(self.meeting.glob(f"{what}-*"))) < PROCESSES:
            assert time.monotonic() < deadline, "the other processes never came"
            time.sleep(0.002)


class Naive(Paused):
    """Writes over whatever is there, all or nothing: what was decided on may have changed, and nobody looks."""

    def _commit(self, writes: Sequence[Write], events: Sequence[OutboundEvent]) -> None:
        if any(isinstance(write, Delete) for write in writes):  # the outbox's own, which nothing is decided on
            self.documents.commit(writes, events)
            return
        done = False
        while not done:
            there = self.documents.get([write.key for write in writes])
            over = [created_or_replaced(old, new.key, new.fields) for old, new in zip(there, writes, strict=True)]
            with suppress(PreconditionFailed):
                self.documents.commit(over, events)
                done = True


KINDS = {"guarded": Paused, "naive": Naive}


def opened(home: Path, kind: str) -> Ports:
    """Return a home as a new process sees it."""
    clock, topics = ReplayClock(NOW), EmbeddedTopics(home, NOW.timestamp)
    paused = KINDS[kind](EmbeddedDocuments(home, clock), topics, home / "meeting")
    return Ports(
        objects=EmbeddedObjects(home), topics=paused, documents=outbox.PublishingDocuments(paused, paused),
        warehouse=None, keys=EmbeddedKeys(home), clock=clock, memo=Memo(),
    )  # fmt: skip


def happens(ports: Ports, number: int) -> None:
    """Let one order be made and handled, its token be played, and every fifth order be cancelled after that."""
    stated(ports, number, minute=1)
    for play in plays_of(ports, number):
        played(ports, play)
    if number in CANCELLED:
        stated(ports, number, minute=2, cancelled_at=ORDERED_AT)


def played(ports: Ports, play: Play) -> None:
    token = sign_token(Signer(1, bytes(32)), play.token_id, CAMPAIGN[0], play.expires_at)
    with suppress(Gone):
        decide_again(lambda: play_game(ports, PlayRequest(token=token)))


def stated(ports: Ports, number: int, minute: int, **more: Any) -> None:  # noqa: ANN401 (any field)
    made_at = ORDERED_AT - timedelta(days=number % DAYS)
    header = Header(shopper=f"s-{number % SHOPPERS}", store_id=f"{number % STORES}", ordered_at=made_at, currency="USD")
    statement = OrderStatement(
        retailer="corner-shop", order_id=f"o-{number}", door="webhook", scope="whole", header=header,
        stated_at=ORDERED_AT + timedelta(minutes=minute),
        lines=(Line(line_id="1", product_id="milk", quantity=2, value_minor=1000 + number),), **more,
    )  # fmt: skip
    order = decide_again(lambda: record_order(ports, statement, lane="live"))
    assert order is not None
    decide_again(lambda: issue_tokens(ports, order, lane="live"))


def plays_of(ports: Ports, number: int) -> list[Play]:
    entries = ports.documents.query("entries", [Where("order", "==", f"corner-shop/o-{number}")])
    found = ports.documents.get([DocumentKey("plays", (str(entry.fields["token_id"]),)) for entry in entries])
    return [Play.model_validate(snapshot.fields) for snapshot in found if snapshot is not None]


def every_play(ports: Ports) -> list[Play]:
    found = ports.documents.query("plays", [Where("campaign", "==", "spring-wheel/v1")])
    return [Play.model_validate(snapshot.fields) for snapshot in found]


@pytest.fixture
def home(ports: Ports, tmp_path: Path) -> Path:
    """Launch a campaign with few tokens and fewer moments."""
    rules = {
        **yaml.safe_load(FILE.read_text(encoding="utf-8")),
        "window": {"opens": "2017-06-15T00:00:00", "closes": "2017-06-22T00:00:00", "time_zone": "UTC"},
        "reveal_by": "2017-09-30T00:00:00Z",
        "criteria": {"all": [{"minimum_quantity": 2}]},
        "control": {"share": "0", "mode": "invitation"},
        "limits": {
            "per_shopper": PER_SHOPPER,
            "per_campaign": PER_CAMPAIGN,
            "per_store": PER_STORE,
            "per_day": PER_DAY,
        },
        "prizes": [{"name": "basket", "kind": "basket_value", "cap": "50.00", "moments": MOMENTS}],
    }
    ports.keys.create(SIGNING_KEY, bytes(32))
    commit_campaign(ports, yaml.safe_dump(rules), id_key=bytes(range(32)), seed=bytes(32))
    launch_campaign(ports, "spring-wheel", "a witness")
    return tmp_path / "home"


def crowd(home: Path, kind: str) -> list[str]:
    """Start the processes, kill two in the middle of their work, and let two others take their place.

    Returns a sentence for every process that did not come to its end by itself, the killed ones aside.
    """
    with ExitStack() as stack:
        processes = [stack.enter_context(started(home, kind, seed)) for seed in range(PROCESSES)]
        for process, after in zip(processes[:2], (3, 7), strict=True):
            assert process.stdout is not None
            for _ in range(after):
                process.stdout.readline()
            process.kill()
        spared = [*processes[2:], *(stack.enter_context(started(home, kind, seed)) for seed in (4, 5))]
        said = [process.communicate(timeout=60)[0] for process in spared]
    return [f"process {number} failed" for number, text in enumerate(said) if not text.endswith("done\n")]


@contextmanager
def started(home: Path, kind: str, seed: int) -> Iterator[subprocess.Popen[str]]:
    """Start one process of the crowd; whatever happens here, it does not outlive the test."""
    command = [sys.executable, __file__, str(home), kind, str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wrong(ports: Ports) -> list[str]:
    """Return a sentence for whatever does not add up, once everything is redelivered and the outbox is relayed."""
    found = [sentence for number in range(ORDERS) for sentence in redelivered(ports, number)]
    outbox.relay(ports, older_than=timedelta(seconds=-1))
    plays = every_play(ports)
    standing = [play for play in plays if play.state != "revoked"]
    moments = Counter(play.draw.moment for play in plays if play.won and play.draw)
    cancelled = [play for number in CANCELLED for play in plays_of(ports, number)]
    checks = {
        f"{len(standing)} tokens": len(standing) <= PER_CAMPAIGN,
        f"wins by moment {dict(moments)}": len(moments) <= MOMENTS and set(moments.values()) <= {1},
        "a cancelled order that can still win": not any(play.state == "open" for play in cancelled),
        "money for a cancelled order": not any(play.prize.held("reserved") for play in cancelled),
        "a play whose last state nobody was told": told(ports) == {play.token_id: play.revision for play in plays},
    }
    found += [what for what, right in checks.items() if not right]
    return [*found, *reconcile(ports, *CAMPAIGN).problems]


def redelivered(ports: Ports, number: int) -> Iterator[str]:
    try:
        happens(ports, number)
    except Fault as fault:
        yield f"order {number}: {fault.code}"


def told(ports: Ports) -> dict[str, int]:
    """Return the latest revision published of every play."""
    assert isinstance(ports.topics, Paused)
    topics = ports.topics.topics
    assert isinstance(topics, EmbeddedTopics)
    events = [PlayChanged.model_validate_json(kept.data) for kept in topics.recent("play-changed", 1_000_000)]
    return {event.token_id: event.revision for event in sorted(events, key=lambda event: event.revision)}


def test_a_crowd_of_processes_some_killed_never_passes_a_limit_and_the_books_add_up(home: Path) -> None:
    assert crowd(home, "guarded") == []
    ports = opened(home, "guarded")
    assert wrong(ports) == []
    books = reconcile(ports, *CAMPAIGN)
    assert books.wins == books.claims == MOMENTS
    assert books.accounts_balances == books.accounts_postings == books.accounts_plays


def test_the_same_crowd_catches_who_reads_checks_and_writes(home: Path) -> None:
    crowd(home, "naive")
    found = wrong(opened(home, "guarded"))
    assert [sentence for sentence in found if sentence.startswith("wins by moment")]
    assert len(found) > 1


def main(home: str, kind: str, seed: str) -> None:
    """Be one process of the crowd: first an order that is its own, then every order in a sequence of its own."""
    ports = opened(Path(home), kind)
    numbers = list(range(ORDERS))
    random.Random(seed).shuffle(numbers)  # noqa: S311 (a reproducible sequence, no secret)
    for number in (int(seed), *numbers):
        happens(ports, number)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
