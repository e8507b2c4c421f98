"""Count and digest what is read of a file, while others look into it elsewhere."""

import hashlib
import io
from typing import BinaryIO

FINISHING_BYTES = 3 * 1024 * 1024


class Measured(io.RawIOBase):
    """A stream that counts and digests what is read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read `stream` from where it stands."""
        super().__init__()
        self._stream = stream
        self._digest = hashlib.sha256()
        self._begin = stream.tell() if stream.seekable() else None
        self._shared = self._finished = False
        self.size = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]  # the buffer is always ours
        """Read as `io.RawIOBase` says."""
        if self._shared and self._begin is not None:
            self._stream.seek(self._begin + self.size)
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def again(self) -> "Measured":
        """Return the same stream from where it stood at first. This one is read no further."""
        self._stream.seek(self._first())
        return Measured(self._stream)

    def aside(self) -> "Aside":
        """Return the whole file for reading here and there, which is neither counted nor digested."""
        begin = self._first()
        self._shared = True
        return Aside(self._stream, begin)

    def finish(self) -> str:
        """Read what is left and return the SHA-256 of everything, in hex."""
        while not self._finished and self.read(FINISHING_BYTES):
            pass
        self._finished = True  # whoever reads the stream again does not add to it
        return self._digest.hexdigest()

    def _first(self) -> int:
        if self._begin is None:
            msg = "a stream that cannot be read twice; expected one that can seek"
            raise OSError(msg)
        return self._begin


class Aside(io.RawIOBase):
    """A place of its own in a stream that is also read elsewhere, though never at the same moment."""

    def __init__(self, stream: BinaryIO, begin: int) -> None:
        """Count places from `begin`."""
        super().__init__()
        self._stream, self._begin, self._at = stream, begin, 0
        self.size = stream.seek(0, io.SEEK_END) - begin

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place. Raises `ValueError` for one before the beginning."""
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if at < 0:
            msg = f"place {at}; expected none before the beginning"
            raise ValueError(msg)
        self._at = at
        return at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]  # the buffer is always ours
        """Read as `io.RawIOBase` says."""
        self._stream.seek(self._begin + self._at)
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
