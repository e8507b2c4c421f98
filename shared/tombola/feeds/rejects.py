"""Write rejected records as they came, so that they can be mended and sent alone."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Writable(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes, /) -> int:
        """Append bytes."""
        ...


class Sink(io.RawIOBase):
    """What libraries want of a file, over something that can only be written to."""

    def __init__(self, target: Writable) -> None:
        """Write to `target`, which stays open."""
        super().__init__()
        self._target = target

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 (any buffer)
        """Write as `io.RawIOBase` says."""
        self._target.write(bytes(data))
        return len(data)


class RejectsWriter(Protocol):
    """Writes records in the form they were sent in."""

    def write(self, rows: Sequence[Any]) -> None:
        """Append records."""
        ...

    def close(self) -> None:
        """Complete the file; its target stays open."""
        ...


class RejectsForm(Protocol):
    """How a file was sent: its rejected records go into a file of the same form."""

    @property
    def extension(self) -> str:
        """What a file of this form is called by, if the sender's name does not say: without the dot."""
        ...

    def writer(self, target: Writable) -> RejectsWriter:
        """Begin such a file."""
        ...


@dataclass(frozen=True, slots=True)
class TextForm:
    """Lines of text: `preamble` (mark and header) stands before the first, `line_end` after one that lacks its end."""

    preamble: bytes
    line_end: bytes
    extension: str = "csv"

    def writer(self, target: Writable) -> RejectsWriter:
        """Write the preamble."""
        target.write(self.preamble)
        return _TextWriter(target, self.line_end)


class _TextWriter:
    def __init__(self, target: Writable, line_end: bytes) -> None:
        self._target = target
        self._line_end = line_end
        self._ends = (line_end, line_end.replace(b"\n", b"\r"))
        self._last = line_end

    def write(self, rows: Sequence[bytes]) -> None:
        if rows and not self._last.endswith(self._ends):
            self._target.write(self._line_end)  # the file's last line had no end, and others follow it here
        self._target.write(b"".join(rows))
        self._last = rows[-1] if rows else self._last

    def close(self) -> None:
        """Nothing waits."""
