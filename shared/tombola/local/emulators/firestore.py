"""Google's Firestore emulator. It keeps any number of projects apart, asks for no composite index, expires nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from tombola.local.emulators.running import Running, free_port, java, listening, running, sdk_platform

JAR = "cloud-firestore-emulator/cloud-firestore-emulator.jar"
MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"


@contextmanager
def firestore() -> Iterator[Running]:
    """Run an empty Firestore, in memory, while the block runs. Raises `Missing` and `NotStarted`."""
    jar, port = sdk_platform(JAR, "cloud-firestore-emulator"), free_port()
    address = f"127.0.0.1:{port}"
    emulator = Running("Firestore emulator", address, {"FIRESTORE_EMULATOR_HOST": address})
    # As its own start script does: its words are known in English only, and the jar names no main class.
    virtual_machine = (java(), "-Xmx1g", "-Duser.language=en", "-cp", jar)
    command = (*virtual_machine, MAIN, "--host", "127.0.0.1", "--port", str(port))
    with running(emulator, command, ready=lambda: listening(port)) as answering:
        yield answering
