"""Watching: the inbox folder tells a topic of every new file, as a Cloud Storage notification would."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

import watchfiles

from tombola.errors import Malformed, Problem
from tombola.ports.errors import NotFound, PortError, Refused
from tombola.ports.objects import ObjectInfo, Objects, check_object_name
from tombola.ports.topics import Message, Topics
from tombola.runtime.dead_letters import SOURCE_TOPIC, letter
from tombola.runtime.logs import logger
from tombola.runtime.topology import DEAD_LETTERS, OBJECTS

BUCKET = "inbox"
QUIET_FOR = 1.0
"""Seconds a file must not have changed before it counts as written: copying is not atomic."""
LOOK_ANYWAY = 10.0
"""Seconds after which the folder is looked at even if the system reported no change: such reports get lost."""
_AT_ONCE = 100


@dataclass(slots=True)
class Scan:
    """What one look into the inbox found: files to notify of, what is no object, and what is still being written."""

    new: list[ObjectInfo] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    growing: int = 0


class Watcher:
    """Notifies once per (name, generation), with a memory that outlives the process.

    It publishes first and remembers then: killed in between it notifies twice, never not at all.
    """

    def __init__(self, home: Path, objects: Objects, topics: Topics, now: Callable[[], float] = time.time) -> None:
        """Watch the folder `home/inbox`; `now` tells seconds since 1970, as file times do."""
        self._folder = home / BUCKET
        self._folder.mkdir(parents=True, exist_ok=True)
        self._memory = Memory(home / "notified.sqlite")
        self._objects = objects
        self._topics = topics
        self._now = now

    def scan(self, quiet_for: float = 0.0) -> Scan:
        """Notify of every file that is new and has been quiet for so many seconds, and report what is no object.

        Raises `Unavailable` when the queue is; what was not notified then will be by the next scan.
        """
        found, known = Scan(), self._memory.pairs()
        for path in _files(self._folder):
            self._look_at(path, quiet_for, known, found)
        for chunk in _chunks(found.new):
            self._topics.publish(OBJECTS, [notification(info) for info in chunk])
            self._memory.remember([(info.ref.name, info.ref.generation) for info in chunk])
        for name, reason in found.refused.items():
            logger().warning("inbox file refused", code="bad-object-name")
            self._topics.publish(DEAD_LETTERS, [_refusal(name, reason)])
            self._memory.remember([(name, 0)])
        return found

    def watch(self, stop: threading.Event) -> None:
        """Scan now, at every change of the folder, and again while files are still being written, until `stop`."""
        look_again_at = 0.0
        for changes in watchfiles.watch(
            self._folder, watch_filter=None, debounce=400, step=50, stop_event=stop, rust_timeout=250,
            yield_on_timeout=True, raise_interrupt=False,
        ):  # fmt: skip
            if changes or time.monotonic() >= look_again_at:
                look_again_at = time.monotonic() + self._scan_and_survive()

    def _scan_and_survive(self) -> float:
        try:
            growing = self.scan(QUIET_FOR).growing
        except (PortError, OSError, sqlite3.Error):
            logger().exception("inbox scan failed")
            return QUIET_FOR
        return QUIET_FOR if growing else LOOK_ANYWAY

    def _look_at(self, path: Path, quiet_for: float, known: set[tuple[str, int]], found: Scan) -> None:
        name = path.relative_to(self._folder).as_posix()
        shown = name if name.isprintable() else repr(name)
        try:
            check_object_name(name)
            info = self._objects.stat(BUCKET, name)
            changed_at = path.stat().st_mtime
        except (NotFound, FileNotFoundError):  # gone meanwhile
            return
        except Refused as error:
            if (shown, 0) not in known:
                found.refused[shown] = str(error)
            return
        except (PortError, OSError) as error:  # this file's trouble is not the others'
            logger().warning("inbox file cannot be looked at", error=type(error).__name__)
            found.growing += 1
            return
        if (name, info.ref.generation) in known:
            return
        if 0 <= self._now() - changed_at < quiet_for:
            found.growing += 1
        else:
            found.new.append(info)


class Memory:
    """What was notified: a small table of (name, generation), on disk. Safe under threads and processes."""

    def __init__(self, file: Path) -> None:
        """Open or create the table."""
        self._file = file
        with closing(self._connect()) as connection, connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS notified (name TEXT, generation INTEGER, PRIMARY KEY (name, generation))"
                " WITHOUT ROWID"
            )

    def pairs(self) -> set[tuple[str, int]]:
        """Return everything that was remembered."""
        with closing(self._connect()) as connection:
            return set(connection.execute("SELECT name, generation FROM notified"))

    def remember(self, pairs: Sequence[tuple[str, int]]) -> None:
        """Remember all of these at once."""
        with closing(self._connect()) as connection, connection:
            connection.executemany("INSERT OR IGNORE INTO notified VALUES (?, ?)", pairs)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=30)


def notification(info: ObjectInfo) -> Message:
    """Return Cloud Storage's notification of a new object.

    Source: https://cloud.google.com/storage/docs/pubsub-notifications#format
    """
    at = info.updated_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    resource = {
        "kind": "storage#object",
        "id": f"{info.ref.bucket}/{info.ref.name}/{info.ref.generation}",
        "name": info.ref.name,
        "bucket": info.ref.bucket,
        "generation": str(info.ref.generation),
        "metageneration": "1",
        "contentType": "application/octet-stream",
        "timeCreated": at,
        "updated": at,
        "size": str(info.size),
    }
    attributes = {
        "notificationConfig": "projects/_/buckets/inbox/notificationConfigs/1",
        "eventType": "OBJECT_FINALIZE",
        "payloadFormat": "JSON_API_V1",
        "bucketId": info.ref.bucket,
        "objectId": info.ref.name,
        "objectGeneration": str(info.ref.generation),
        "eventTime": at,
    }
    return Message(json.dumps(resource, separators=(",", ":")).encode(), attributes)


def _refusal(name: str, reason: str) -> Message:
    found, _, expected = reason.rpartition("; expected ")
    fault = Malformed(reason, [Problem("name", found, expected)], code="bad-object-name")
    resource = {"bucket": BUCKET, "name": name[:2000]}
    return letter(fault, json.dumps(resource).encode(), {}, {"function": "watching", SOURCE_TOPIC: OBJECTS})


def _files(folder: Path) -> Iterator[Path]:
    """Yield what lies in a folder and below, in order of name, without what begins with a dot."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(parent, name)


def _chunks(infos: Sequence[ObjectInfo]) -> Iterator[Sequence[ObjectInfo]]:
    for start in range(0, len(infos), _AT_ONCE):
        yield infos[start : start + _AT_ONCE]
