"""Objects: named bytes in buckets, with generations."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from tombola.ports.errors import Refused

BUCKETS = ("inbox", "staging", "receipts", "rejects", "config", "reports", "audit")
"""The logical names of all buckets. What is kept for another time lies in another bucket: expiry is a bucket's."""
MAX_NAME_BYTES = 1024
MAX_SEGMENT_BYTES = 255
"""Cloud Storage has no such limit; file systems do, and no retailer needs longer segments."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """One generation of one object. `generation` grows with every write of the name."""

    bucket: str
    name: str
    generation: int


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of an object without reading it. `size` in bytes, `updated_at` UTC."""

    ref: ObjectRef
    size: int
    updated_at: datetime


class ObjectWriter(Protocol):
    """A stream into an object that does not exist before its `with` block ends without an error."""

    def write(self, data: bytes, /) -> int:
        """Append bytes."""
        ...

    @property
    def ref(self) -> ObjectRef:
        """The object written. Only readable after the block has ended."""
        ...


class Objects(Protocol):
    """Cloud Storage, or files. Buckets are logical names, those of `BUCKETS`."""

    def stat(self, bucket: str, name: str) -> ObjectInfo:
        """Return the live generation's facts. Raises `NotFound`, `Refused` (bad name)."""
        ...

    def open(self, ref: ObjectRef) -> BinaryIO:
        """Open exactly this generation, seekable, streamed. Raises `NotFound` when it is gone or superseded."""
        ...

    def create(self, bucket: str, name: str) -> AbstractContextManager[ObjectWriter]:
        """Write a new object, visible whole or not at all.

        Raises `PreconditionFailed`, at the end of the block at the latest, when the name exists.
        """
        ...

    def replace(self, bucket: str, name: str, data: bytes, *, if_generation: int | None = None) -> ObjectRef:
        """Write small bytes over whatever is there, or only over `if_generation` (0: only if absent).

        Raises `PreconditionFailed` when another generation is live.
        """
        ...

    def delete(self, ref: ObjectRef) -> None:
        """Delete this generation if it is the live one; deleting what is gone is no error."""
        ...

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield live objects whose name starts with `prefix`, in order of name (code points)."""
        ...


def check_object_name(name: str) -> None:
    """Refuse names that Cloud Storage or a file system cannot hold, or that climb out of a folder.

    Raises `Refused` saying what was found and what was expected.
    """
    size = len(name.encode("utf-8", "surrogatepass"))
    shown = name if size <= MAX_SEGMENT_BYTES else f"{name[:80]}…"
    if not 1 <= size <= MAX_NAME_BYTES:
        msg = f"object name of {size} bytes ({shown!r}); expected 1 to {MAX_NAME_BYTES}"
        raise Refused(msg)
    if _CONTROL.search(name) or not name.isprintable():
        msg = f"object name {shown!r} holds a control or unprintable character; expected printable text"
        raise Refused(msg)
    for segment in name.split("/"):
        if not segment or segment.startswith(".") or "\\" in segment:
            msg = (
                f"object name {shown!r} has the segment {segment!r}; expected names joined by single slashes, "
                "none starting with a dot"
            )
            raise Refused(msg)
        if (size := len(segment.encode())) > MAX_SEGMENT_BYTES:
            msg = f"object name {shown!r} has a segment of {size} bytes; expected at most {MAX_SEGMENT_BYTES}"
            raise Refused(msg)


def check_bucket(bucket: str) -> None:
    """Refuse a bucket that nobody declared. Raises `Refused`."""
    if bucket not in BUCKETS:
        msg = f"unknown bucket {bucket[:80]!r}; expected one of {', '.join(BUCKETS)}"
        raise Refused(msg)
