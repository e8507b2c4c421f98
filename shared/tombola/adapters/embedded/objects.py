"""Objects: plain files in a folder per bucket, so that a person can drop one in and read one with an editor.

A generation is the file's modification time in microseconds; where we write, it grows with every
write in the bucket. A file that a person copies in keeps the time the copying left on it.
"""

import io
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

from tombola.adapters.embedded.files import locked, sweep, temporary, translated
from tombola.ports.errors import NotFound, PortError, PreconditionFailed, Refused
from tombola.ports.objects import BUCKETS, ObjectInfo, ObjectRef, check_bucket, check_object_name

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
"""File systems go further than calendars."""
_DIGITS = 20

R = TypeVar("R")


class EmbeddedObjects:
    """Buckets `home/<bucket>`. Files whose names start with a dot are no objects; symbolic links are refused."""

    def __init__(self, home: Path) -> None:
        """Make the buckets under `home`."""
        self._home = home
        with translated(f"folder {home}"):
            for bucket in BUCKETS:
                (home / bucket).mkdir(parents=True, exist_ok=True)
            sweep(home)

    def stat(self, bucket: str, name: str) -> ObjectInfo:
        """Return the live generation's facts. Raises `NotFound`, `Refused` (bad name, symbolic link)."""
        path = self._path(bucket, name)
        with translated(f"{bucket}/{name}"):
            return _info(bucket, name, path.lstat())

    def open(self, ref: ObjectRef) -> BinaryIO:
        """Open exactly this generation, seekable, streamed. Raises `NotFound` when it is gone or superseded."""
        path = self._path(ref.bucket, ref.name)
        with translated(f"{ref.bucket}/{ref.name}"):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            live = _info(ref.bucket, ref.name, os.fstat(descriptor)).ref
            if live != ref:
                msg = f"{ref.bucket}/{ref.name}: generation {ref.generation} is superseded by {live.generation}"
                raise NotFound(msg)
        except PortError:
            os.close(descriptor)
            raise
        return io.BufferedReader(_Generation(descriptor, ref))

    def create(self, bucket: str, name: str) -> "Draft":
        """Write a new object, visible whole or not at all.

        Raises `PreconditionFailed`, at the end of the block at the latest, when the name exists.
        """
        path = self._path(bucket, name)
        if path.is_file():
            raise _exists(bucket, name)
        return Draft(self, bucket, name, temporary(self._home))

    def replace(self, bucket: str, name: str, data: bytes, *, if_generation: int | None = None) -> ObjectRef:
        """Write small bytes over whatever is there, or only over `if_generation` (0: only if absent).

        Raises `PreconditionFailed` when another generation is live.
        """
        path = self._path(bucket, name)
        draft = temporary(self._home)
        with translated(f"{bucket}/{name}"), _removed(draft):
            draft.write_bytes(data)
            with self._turn(bucket) as number:
                live = self._live_generation(bucket, name)
                if if_generation not in {None, live}:
                    msg = f"{bucket}/{name}: generation {live} is live; expected {if_generation}"
                    raise PreconditionFailed(msg)
                generation = number(live)
                _ready(draft, path, generation)
                draft.rename(path)
        return ObjectRef(bucket, name, generation)

    def delete(self, ref: ObjectRef) -> None:
        """Delete this generation if it is the live one; deleting what is gone is no error."""
        path = self._path(ref.bucket, ref.name)
        with translated(f"{ref.bucket}/{ref.name}"), self._turn(ref.bucket) as number:
            if self._live_generation(ref.bucket, ref.name) == ref.generation:
                number(ref.generation)  # whatever takes the name next is newer
                path.unlink()

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield live objects whose name starts with `prefix`, in order of name (code points)."""
        check_bucket(bucket)
        return self._walk(bucket, "", prefix)

    def publish(self, draft: Path, bucket: str, name: str) -> ObjectRef:
        """Make a finished draft the object of that name. Raises `PreconditionFailed` when the name exists."""
        path = self._path(bucket, name)
        with translated(f"{bucket}/{name}"), self._turn(bucket) as number:
            if self._live_generation(bucket, name):
                raise _exists(bucket, name)
            generation = number(0)
            _ready(draft, path, generation)
            try:
                os.link(draft, path)
            except FileExistsError:
                if path.is_dir():
                    msg = f"{bucket}/{name} is a folder already; expected a free name"
                    raise Refused(msg) from None
                raise _exists(bucket, name) from None
        return ObjectRef(bucket, name, generation)

    def _live_generation(self, bucket: str, name: str) -> int:
        try:
            return self.stat(bucket, name).ref.generation
        except NotFound:
            return 0

    def _path(self, bucket: str, name: str) -> Path:
        """Return where an object lies. Raises `Refused` for a bad name and for links on the way."""
        check_bucket(bucket)
        check_object_name(name)
        path = self._home / bucket
        for segment in name.split("/"):
            path /= segment
            if path.is_symlink():
                msg = f"{bucket}/{name} leads through a symbolic link; expected plain folders and files"
                raise Refused(msg)
        return path

    @contextmanager
    def _turn(self, bucket: str) -> Iterator[Callable[[int], int]]:
        """Hold the bucket; give what numbers a write: above a live generation, the clock and all before."""
        with locked(self._home / ".locks" / bucket) as lock:

            def number(live: int) -> int:
                last = int(os.pread(lock, _DIGITS, 0) or b"0")
                generation = max(time.time_ns() // 1000, last + 1, live + 1)
                os.pwrite(lock, b"%020d" % generation, 0)
                return generation

            yield number

    def _walk(self, bucket: str, folder: str, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects under a folder (`""`, or a name that ends in a slash)."""
        for name, entry in _entries(self._home / bucket, folder):
            if entry.is_dir(follow_symlinks=False):
                if name.startswith(prefix) or prefix.startswith(name):
                    yield from self._walk(bucket, name, prefix)
            elif name.startswith(prefix):
                with suppress(PortError, FileNotFoundError):
                    check_object_name(name)
                    yield _info(bucket, name, entry.stat(follow_symlinks=False))


class Draft:
    """An object being written: invisible until its `with` block ends without an error."""

    def __init__(self, objects: EmbeddedObjects, bucket: str, name: str, path: Path) -> None:
        """Write to `path` first."""
        self._objects, self._bucket, self._name, self._path = objects, bucket, name, path
        self._stream: BinaryIO
        self._ref: ObjectRef | None = None

    def write(self, data: bytes, /) -> int:
        """Append bytes."""
        with translated(f"{self._bucket}/{self._name}"):
            return self._stream.write(data)

    @property
    def ref(self) -> ObjectRef:
        """The object written. Only readable after the block has ended."""
        if self._ref is None:
            msg = f"{self._bucket}/{self._name} is not written yet"
            raise Refused(msg)
        return self._ref

    def __enter__(self) -> Self:
        """Start writing."""
        with translated(f"{self._bucket}/{self._name}"):
            self._stream = self._path.open("xb")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Publish what was written, or drop it after an error."""
        with _removed(self._path):
            with translated(f"{self._bucket}/{self._name}"):
                self._stream.close()
            if kind is None:
                self._ref = self._objects.publish(self._path, self._bucket, self._name)


class _Generation(io.FileIO):
    """One generation being read. A file that is written over in place meanwhile is no longer that generation."""

    def __init__(self, descriptor: int, ref: ObjectRef) -> None:
        super().__init__(descriptor, "rb")
        self._ref = ref

    def readinto(self, buffer: "bytearray | memoryview[int]") -> int | None:  # type: ignore[override]  # what comes in
        return self._still(super().readinto(buffer))

    def readall(self) -> bytes:
        return self._still(super().readall())

    def _still(self, read: R) -> R:
        live = _info(self._ref.bucket, self._ref.name, os.fstat(self.fileno())).ref
        if live != self._ref:
            msg = f"{self._ref.bucket}/{self._ref.name}: generation {self._ref.generation} was written over while read"
            raise NotFound(msg)
        return read


def _ready(draft: Path, path: Path, generation: int) -> None:
    """Date a draft by its generation and make the folder it goes to."""
    os.utime(draft, ns=(generation * 1000, generation * 1000))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        msg = f"{path.name}: a folder on its way is an object already"
        raise Refused(msg) from None


@contextmanager
def _removed(draft: Path) -> Iterator[None]:
    """Leave no draft behind, whatever happens."""
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _exists(bucket: str, name: str) -> PreconditionFailed:
    return PreconditionFailed(f"{bucket}/{name} exists already")


def _info(bucket: str, name: str, found: os.stat_result) -> ObjectInfo:
    if not stat.S_ISREG(found.st_mode):
        msg = f"{bucket}/{name} is no file"
        raise NotFound(msg)
    generation = min(max(found.st_mtime_ns // 1000, 1), _LAST)  # 0 means that there is no object
    updated_at = _EPOCH + timedelta(microseconds=generation)
    return ObjectInfo(ObjectRef(bucket, name, generation), found.st_size, updated_at)


def _entries(bucket: Path, folder: str) -> list[tuple[str, os.DirEntry[str]]]:
    """Return what lies in a folder, sorted as full names sort: a folder by its name with the slash."""
    try:
        with os.scandir(bucket / folder) as found:
            entries = [entry for entry in found if not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    named = [(f"{folder}{entry.name}{'/' * entry.is_dir(follow_symlinks=False)}", entry) for entry in entries]
    return sorted(named, key=lambda pair: pair[0])
