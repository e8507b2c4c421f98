"""Keys: secrets by name and version."""

from dataclasses import dataclass, field
from typing import Protocol


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
