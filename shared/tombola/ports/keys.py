"""Keys: secrets by name and version."""

import re
from dataclasses import dataclass, field
from typing import Protocol

from tombola.ports.errors import Refused

MAX_MATERIAL_BYTES = 65_536
"""Secret Manager holds no more in one version."""
_NAME = re.compile(r"[a-z0-9-]{1,200}")


@dataclass(frozen=True, slots=True)
class Key:
    """One version of one secret. `material` never shows in a repr, so never in a log."""

    name: str
    version: int
    material: bytes = field(repr=False)


class Keys(Protocol):
    """Secret Manager, or files of mode 0600. Names are `[a-z0-9-]{1,200}`."""

    def get(self, name: str, version: int | None = None) -> Key:
        """Return one version, the latest by default. Raises `NotFound`, and `Refused` for a bad name."""
        ...

    def versions(self, name: str) -> list[int]:
        """Return the versions there are, ascending; empty when the name is unknown."""
        ...

    def create(self, name: str, material: bytes) -> Key:
        """Store version 1 of a new name. Raises `PreconditionFailed` when the name exists already."""
        ...

    def rotate(self, name: str, material: bytes) -> Key:
        """Store the next version of an existing name. Raises `NotFound` when there is none."""
        ...


def check_key_name(name: str) -> None:
    """Refuse a name that a file system or Secret Manager cannot hold. Raises `Refused`."""
    if not _NAME.fullmatch(name):
        msg = f"key name {name[:80]!r}; expected 1 to 200 of a-z, 0-9 and -"
        raise Refused(msg)


def check_key_material(name: str, material: bytes) -> None:
    """Refuse an empty or oversized secret, without showing it. Raises `Refused`."""
    if not 1 <= len(material) <= MAX_MATERIAL_BYTES:
        msg = f"key {name!r} of {len(material)} bytes; expected 1 to {MAX_MATERIAL_BYTES}"
        raise Refused(msg)
