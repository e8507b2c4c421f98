"""How the embedded adapters write files: whole or not at all, whoever is killed when.

Nothing is flushed to the disk platter (no fsync): these adapters promise to survive a killed
process, not a power cut.
"""

import fcntl
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tombola.ports.errors import NotFound, PortError, Refused, Unavailable

FORGOTTEN_AFTER_SECONDS = 24 * 3600.0
"""A temporary file this old belongs to a process that was killed."""


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold a lock among threads and processes; give the lock file's descriptor, to keep a number in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def temporary(home: Path) -> Path:
    """Return a new name in `home/.tmp`: on the same file system as what it will become, and out of sight."""
    folder = home / ".tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / uuid.uuid4().hex


def sweep(home: Path) -> None:
    """Remove temporary files that killed processes left behind."""
    before = time.time() - FORGOTTEN_AFTER_SECONDS
    for path in (home / ".tmp").glob("*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                path.unlink()


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what the operating system says into what the ports say, naming what was being done."""
    try:
        yield
    except OSError as error:
        msg = f"{what}: {error.strerror or error}"
        raise _MEANING.get(type(error), Unavailable)(msg) from error


_MEANING: Mapping[type[OSError], type[PortError]] = {
    FileNotFoundError: NotFound,
    NotADirectoryError: NotFound,
    IsADirectoryError: Refused,
}
