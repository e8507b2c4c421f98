"""Keys: one file per version, readable by its owner alone."""

import os
from contextlib import suppress
from pathlib import Path

from tombola.adapters.embedded.files import translated
from tombola.ports.errors import PreconditionFailed
from tombola.ports.keys import Key, check_key_material, check_key_name


class EmbeddedKeys:
    """Key files `home/keys/<name>/<version>`. A version is written once and never changed."""

    def __init__(self, home: Path) -> None:
        """Keep the keys under `home/keys`, a folder that only its owner may enter."""
        self._folder = home / "keys"
        with translated(f"key folder {self._folder}"):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)

    def get(self, name: str, version: int | None = None) -> Key:
        """Return one version, the latest by default. Raises `NotFound`, and `Refused` for a bad name."""
        wanted = version if version is not None else max(self.versions(name), default=0)
        with translated(f"version {wanted or 1} of key {name!r}"):
            return Key(name, wanted, (self._folder / name / str(wanted)).read_bytes())

    def versions(self, name: str) -> list[int]:
        """Return the versions there are, ascending; empty when the name is unknown."""
        check_key_name(name)
        try:
            return sorted(int(entry.name) for entry in (self._folder / name).iterdir() if entry.name.isdecimal())
        except FileNotFoundError:
            return []

    def create(self, name: str, material: bytes) -> Key:
        """Store version 1 of a new name. Raises `PreconditionFailed` when the name exists already."""
        check_key_name(name)
        if not self._write_once(name, 1, material):
            msg = f"key {name!r} exists already"
            raise PreconditionFailed(msg)
        return Key(name, 1, material)

    def rotate(self, name: str, material: bytes) -> Key:
        """Store the next version of an existing name. Raises `NotFound` when there is none."""
        latest = self.get(name).version
        while not self._write_once(name, latest + 1, material):
            latest += 1
        return Key(name, latest + 1, material)

    def _write_once(self, name: str, version: int, material: bytes) -> bool:
        """Write one version whole; tell False when somebody else has."""
        check_key_material(name, material)
        folder = self._folder / name
        draft = self._folder / f".{os.getpid()}-{os.urandom(8).hex()}"
        with translated(f"key {name!r}"):
            folder.mkdir(mode=0o700, exist_ok=True)
            try:
                _write_private(draft, material)
                os.link(draft, folder / str(version))
            except FileExistsError:
                return False
            finally:
                with suppress(FileNotFoundError):
                    draft.unlink()
        return True


def _write_private(path: Path, material: bytes) -> None:
    """Write a file of mode 0600 and flush it: a key must outlast even a power cut."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(material)
        stream.flush()
        os.fsync(stream.fileno())
