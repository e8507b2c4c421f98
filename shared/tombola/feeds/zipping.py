"""Look into a zip file: is it a workbook, and if not, does it hold exactly one file?"""

import io
import struct
import zipfile
from typing import IO

from tombola.feeds.measuring import Aside
from tombola.feeds.unusable import Unusable

_WORKBOOK = "xl/workbook.xml"
_LARGEST_DIRECTORY = 1024 * 1024
"""Bytes; a directory is read into memory, and one of many members is refused anyway."""
_END, _END_SIZE, _LONGEST_NOTE = b"PK\x05\x06", 22, 65_535
_FAR_END, _POINTER_SIZE = b"PK\x06\x06", 20
_FULL = 0xFFFFFFFF
_ENCRYPTED = 0x1


def is_workbook(file: Aside) -> bool:
    """Tell whether a zip is a workbook of a spreadsheet program. One that is no zip at all is none."""
    try:
        return _WORKBOOK in _directory(file).namelist()
    except Unusable:
        return False


def only_member(file: Aside) -> tuple[IO[bytes], int]:
    """Open the one file in a zip; return it and its packed size. Raises `Unusable`."""
    directory = _directory(file)
    members = directory.infolist()
    if len(members) != 1:
        message = f"the zip holds {len(members)} members; expected exactly one file"
        raise Unusable(message, code="packing-refused")
    (member,) = members
    if member.is_dir() or any(mark in member.filename for mark in ("/", "\\", "..", ":")):
        message = f"the zip holds {member.filename[:80]!r}; expected a file without a path"
        raise Unusable(message, code="packing-refused")
    if member.flag_bits & _ENCRYPTED or member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        message = "the zip is encrypted, or packed in a way of its own; expected it stored or deflated"
        raise Unusable(message, code="packing-refused")
    try:
        return directory.open(member), member.compress_size
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        message = f"the zip is damaged: {error}"
        raise Unusable(message, code="packing-broken") from error


def _directory(file: Aside) -> zipfile.ZipFile:
    """Raises `Unusable` for what is no zip, and for a directory that nobody should read into memory."""
    size = _directory_size(file)
    if size is None:
        message = "the zip is cut off: its directory is missing"
        raise Unusable(message, code="packing-broken")
    if size > _LARGEST_DIRECTORY:
        message = "the zip holds more members than anybody should look at; expected exactly one file"
        raise Unusable(message, code="packing-refused")
    try:
        return zipfile.ZipFile(io.BufferedReader(file))
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, struct.error) as error:
        message = f"the zip is damaged: {error}"
        raise Unusable(message, code="packing-broken") from error


def _directory_size(file: Aside) -> int | None:
    """Return how many bytes the directory has, as the file's end says; None without an end."""
    begin = max(file.size - _END_SIZE - _LONGEST_NOTE - _POINTER_SIZE, 0)
    file.seek(begin)
    reader = io.BufferedReader(file)
    tail = reader.read()
    reader.detach()  # or it would close the file with itself
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + _END_SIZE:
        return None
    size = int.from_bytes(tail[end + 12 : end + 16], "little")
    if size != _FULL:
        return size
    place = int.from_bytes(tail[max(end - _POINTER_SIZE, 0) + 8 :][:8], "little")
    if place > file.size:
        return None
    file.seek(place)
    record = file.read(56) or b""
    return int.from_bytes(record[40:48], "little") if record.startswith(_FAR_END) else None
