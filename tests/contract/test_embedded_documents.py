"""Documents on one machine: many processes, sudden death, erased bytes, broken files."""

import gc
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tombola.adapters.embedded.clock import ReplayClock, SystemClock
from tombola.adapters.embedded.documents import EmbeddedDocuments
from tombola.ports.documents import Create, Delete, DocumentKey, Replace
from tombola.ports.errors import Unavailable

OPEN = """
from tombola.adapters.embedded.clock import SystemClock
from tombola.adapters.embedded.documents import EmbeddedDocuments
from tombola.ports.documents import *
from tombola.ports.errors import PreconditionFailed
from tombola.ports.topics import Message
documents = EmbeddedDocuments(HOME, SystemClock())
"""
RACE = """
won = 0
for number in range(30):
    try:
        documents.commit([Create(DocumentKey("orders", (str(number),)), {})])
        won += 1
    except PreconditionFailed:
        pass
print(won)
"""
COMMIT_UNTIL_KILLED = """
number = 0
while True:
    keys = [DocumentKey("orders", (str(number), side)) for side in "ab"]
    event = OutboundEvent(f"e{number}", "order-recorded", Message(b"{}"))
    documents.commit([Create(key, {"b": bytes(20_000)}) for key in keys], [event])
    print(number, flush=True)
    number += 1
"""
KEY = DocumentKey("orders", ("raced",))


def test_of_many_processes_that_create_one_wins(tmp_path: Path) -> None:
    text = f"from pathlib import Path\nHOME = Path({str(tmp_path)!r})\n{OPEN}{RACE}"
    racers = [subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE) for _ in range(4)]
    assert sum(int(racer.communicate()[0]) for racer in racers) == 30


def test_a_killed_process_leaves_only_whole_commits_with_their_events(
    tmp_path: Path, kill_after: Callable[[str, int], list[str]]
) -> None:
    reported = len(kill_after(OPEN + COMMIT_UNTIL_KILLED, 40))
    documents = EmbeddedDocuments(tmp_path, SystemClock())
    keys = [[DocumentKey("orders", (str(n), side)) for side in "ab"] for n in range(reported + 2)]
    whole = [
        [found is not None for found in documents.get([*pair, DocumentKey("outbox", (f"e{number}",))])]
        for number, pair in enumerate(keys)
    ]
    assert all(each in ([True] * 3, [False] * 3) for each in whole)
    assert all(all(each) for each in whole[:reported]), "what was reported as committed is there"


def test_a_deleted_document_leaves_no_bytes_behind(tmp_path: Path) -> None:
    documents = EmbeddedDocuments(tmp_path, SystemClock())
    documents.commit([Create(KEY, {"who": "Ada Lovelace " * 10})])
    documents.commit([Delete(KEY, documents.get([KEY])[0].version)])
    del documents
    gc.collect()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(b"Lovelace" in path.read_bytes() for path in files)


def test_a_broken_file_is_an_outage_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "documents.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(Unavailable, match=r"documents\.sqlite: file is not a database"):
        EmbeddedDocuments(tmp_path, SystemClock())


def test_a_full_disk_is_an_outage_and_nothing_is_half_written(tmp_path: Path) -> None:
    documents = EmbeddedDocuments(tmp_path, SystemClock())
    documents.commit([Create(KEY, {"n": 1})])
    with documents._database.transaction() as connection:
        connection.execute("PRAGMA max_page_count = 20")
    big = [Create(DocumentKey("orders", (str(number),)), {"b": bytes(100_000)}) for number in range(5)]
    with pytest.raises(Unavailable, match="database or disk is full"):
        documents.commit(big)
    assert documents.get([big[0].key]) == [None]
    documents.commit([Create(DocumentKey("orders", ("small",)), {})])
    assert documents.get([KEY])[0] is not None


def test_documents_whose_time_is_over_are_gone_with_the_next_writes_to_their_collection(tmp_path: Path) -> None:
    clock = ReplayClock(datetime(2017, 6, 15, tzinfo=UTC))
    documents = EmbeddedDocuments(tmp_path, clock)

    def key(number: int) -> DocumentKey:
        return DocumentKey("idempotency", (str(number),))

    def put(number: int) -> None:
        documents.commit([Create(key(number), {"expires": clock.now() + timedelta(hours=24), "body": b"Ada Lovelace"})])

    for number in range(25):
        put(number)
    found = documents.get([key(24)])[0]
    documents.commit([Replace(key(24), {"expires": clock.now() + timedelta(hours=48)}, found.version)])
    clock.advance(timedelta(hours=24))
    documents.commit([Create(KEY, {})])
    assert all(documents.get([key(number) for number in range(25)])), "nobody wrote to the collection"
    put(25)
    put(26)
    left = [number for number in range(27) if documents.get([key(number)])[0]]
    assert left == [24, 25, 26]
    with documents._database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (3,)
