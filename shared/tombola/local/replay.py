"""Replayed time: a clock that is moved, and a bookmark of how far it was."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, runtime_checkable


@runtime_checkable
class MovableClock(Protocol):
    """A clock that a replay moves."""

    def now(self) -> datetime:
        """Return the present instant."""
        ...

    def set(self, instant: datetime) -> None:
        """Move forward to an instant."""
        ...


class Bookmark:
    """The instant a replay has come to, in a file of one line of fixed width.

    It is written in place by a single call, thousands of times a run: a kill leaves the line before or
    the line after.
    """

    def __init__(self, file: Path) -> None:
        """Open the file, made if need be."""
        file.touch()
        self._stream = file.open("r+b", buffering=0)

    def read(self, default: datetime) -> datetime:
        """Return the instant last written, or `default` when there is none."""
        self._stream.seek(0)
        text = self._stream.read().decode()
        return datetime.fromisoformat(text) if text else default

    def write(self, instant: datetime) -> None:
        """Remember an aware instant."""
        self._stream.seek(0)
        self._stream.write(instant.astimezone(UTC).isoformat(timespec="microseconds").encode())

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
