"""Google's Pub/Sub emulator. It keeps any number of projects apart, enforces no filter, and signs no push."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tombola.local.emulators.running import Running, answers, free_port, java, running, sdk_platform

JARS = "pubsub-emulator/lib"


@contextmanager
def pubsub(project: str) -> Iterator[Running]:
    """Run an empty Pub/Sub, in memory, while the block runs. Raises `Missing` and `NotStarted`."""
    jar = next(sdk_platform(JARS, "pubsub-emulator").glob("cloud-pubsub-emulator-*-all.jar"))
    port = free_port()
    address = f"127.0.0.1:{port}"
    emulator = Running("Pub/Sub emulator", address, {"PUBSUB_EMULATOR_HOST": address})
    command: list[str | Path] = [java(), "-Xmx1g", "-jar", jar, "--host=127.0.0.1", f"--port={port}"]
    topics = f"http://{address}/v1/projects/{project}/topics"
    with running(emulator, command, ready=lambda: answers(topics)) as answering:
        yield answering
