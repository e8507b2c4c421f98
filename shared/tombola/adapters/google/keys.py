"""Keys: Secret Manager, a secret per name and its own versions.

By its REST interface: five small calls, for which Google's client would cost a cold start a third of a second.
"""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tombola.adapters.google.http import Api
from tombola.ports.errors import NotFound, PreconditionFailed, Unavailable
from tombola.ports.keys import Key, check_key_material, check_key_name

SECRETS = Api("https://secretmanager.googleapis.com", "SECRET_MANAGER_EMULATOR_HOST")
"""Google has no emulator of it, and no such variable: this one is ours."""
LATEST_SECONDS = 300
"""So long a process may not see a rotation."""
VERSION_SECONDS = 3600
"""So long a version that was disabled may still be read: what it holds never changes."""
HALF_MADE = timedelta(minutes=1)
"""A secret this old without a version was left by a call that died; a younger one may be getting its first now."""
_PAGE = 1_000


class GoogleKeys:
    """The secrets `<prefix><name>` of one project. What was read is kept in memory for minutes."""

    def __init__(self, project: str, prefix: str, *, elapsed: Callable[[], float] = time.monotonic) -> None:
        """Name the secrets; nothing is asked of Secret Manager yet. `elapsed` counts seconds."""
        self._project, self._prefix, self._elapsed = project, prefix, elapsed
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, int | None], tuple[float, Key]] = {}

    def get(self, name: str, version: int | None = None) -> Key:
        """Return one version, the latest by default. Raises `NotFound`, and `Refused` for a bad name.

        The latest may be five minutes old, and Secret Manager itself may take minutes to show it to all.
        """
        check_key_name(name)
        with self._lock:
            until, key = self._kept.get((name, version), (0.0, None))
        if key is not None and self._elapsed() < until:
            return key
        found = self._access(name, "latest" if version is None else str(version))
        return self._keep(found or self._newest(name, version), latest=version is None)

    def versions(self, name: str) -> list[int]:
        """Return the versions that are enabled, ascending; empty when the name is unknown."""
        check_key_name(name)
        return sorted(_number(version) for version in self._listed(name, "state:ENABLED"))

    def create(self, name: str, material: bytes) -> Key:
        """Store version 1 of a new name. Raises `PreconditionFailed` when the name exists already.

        Secret Manager numbers versions by itself: whoever has version 1 has created the key.
        """
        check_key_name(name)
        check_key_material(name, material)
        if not self._made(name) and not self._is_half_made(name):
            raise _exists(name)
        key = self._add(name, material)
        if key.version != 1:
            self._ask("POST", f"/{self._prefix}{name}/versions/{key.version}:destroy", f"key {name!r}", json={})
            raise _exists(name)
        return self._keep(key, latest=True)

    def rotate(self, name: str, material: bytes) -> Key:
        """Store the next version of an existing name. Raises `NotFound` when there is none."""
        check_key_name(name)
        check_key_material(name, material)
        return self._keep(self._add(name, material), latest=True)

    def _keep(self, key: Key, *, latest: bool) -> Key:
        now = self._elapsed()
        with self._lock:
            self._kept[key.name, key.version] = (now + VERSION_SECONDS, key)
            if latest:
                self._kept[key.name, None] = (now + LATEST_SECONDS, key)
        return key

    def _access(self, name: str, version: str) -> Key | None:
        """Return a version, None when it is disabled or destroyed. Raises `NotFound`."""
        try:
            found = self._ask("GET", f"/{self._prefix}{name}/versions/{version}:access", f"key {name!r}")
        except PreconditionFailed:
            return None
        except NotFound:
            raise _absent(name, 1 if version == "latest" else version) from None
        material = base64.b64decode(found["payload"]["data"])
        if int(found["payload"].get("dataCrc32c", _checksum(material))) != _checksum(material):
            msg = f"key {name!r} came damaged: its checksum differs"
            raise Unavailable(msg)
        return Key(name, _number(found), material)

    def _newest(self, name: str, version: int | None) -> Key:
        """Return the newest enabled version where the latest of all is not. Raises `NotFound`."""
        enabled = self.versions(name) if version is None else []
        found = self._access(name, str(enabled[-1])) if enabled else None
        if found is None:
            raise _absent(name, version or 1)
        return found

    def _made(self, name: str) -> bool:
        """Make a secret without a version; tell False when there is one."""
        anywhere: dict[str, Any] = {"replication": {"automatic": {}}}
        try:
            self._ask("POST", "", f"key {name!r}", params={"secretId": f"{self._prefix}{name}"}, json=anywhere)
        except PreconditionFailed:
            return False
        return True

    def _is_half_made(self, name: str) -> bool:
        if next(self._listed(name, ""), None) is not None:
            return False
        made_at = datetime.fromisoformat(self._ask("GET", f"/{self._prefix}{name}", f"key {name!r}")["createTime"])
        return datetime.now(UTC) - made_at > HALF_MADE

    def _add(self, name: str, material: bytes) -> Key:
        payload = {"data": base64.b64encode(material).decode(), "dataCrc32c": str(_checksum(material))}
        path = f"/{self._prefix}{name}:addVersion"
        try:
            return Key(name, _number(self._ask("POST", path, f"key {name!r}", json={"payload": payload})), material)
        except NotFound:
            raise _absent(name, 1) from None

    def _listed(self, name: str, states: str) -> Iterator[dict[str, Any]]:
        """Yield what is known of the versions, page by page; nothing when the name is unknown."""
        asked: dict[str, str | int] = {"filter": states, "pageSize": _PAGE}
        while True:
            try:
                page = self._ask("GET", f"/{self._prefix}{name}/versions", f"key {name!r}", params=asked)
            except NotFound:
                return
            yield from page.get("versions", ())
            if not (token := page.get("nextPageToken")):
                return
            asked["pageToken"] = token

    def _ask(self, method: str, path: str, asked: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 (those of requests)
        return SECRETS.told(method, f"/v1/projects/{self._project}/secrets{path}", asked, **options)


def _number(version: dict[str, Any]) -> int:
    """Return a version's number: its name ends in `/versions/3`."""
    return int(version["name"].rpartition("/")[2])


def _checksum(material: bytes) -> int:
    import google_crc32c  # noqa: PLC0415 (importing this module costs a cold start nothing)

    checksum: int = google_crc32c.value(material)
    return checksum


def _absent(name: str, version: object) -> NotFound:
    return NotFound(f"version {version} of key {name!r} does not exist, or is not enabled")


def _exists(name: str) -> PreconditionFailed:
    return PreconditionFailed(f"key {name!r} exists already")
