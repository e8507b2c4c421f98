"""Objects on Cloud Storage: its JSON interface, every write guarded by the generation it expects.

Buckets are the logical names behind a prefix. They are expected to keep what is written over for a while (object
versioning, with a rule that deletes noncurrent generations): then who reads a generation reads on.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BufferedReader, BytesIO
from typing import Any, BinaryIO
from urllib.parse import quote

from tombola.adapters.google.http import Api
from tombola.adapters.google.reading import Generation
from tombola.adapters.google.signing import sign
from tombola.adapters.google.uploading import Upload, insert
from tombola.ports.errors import NotFound, PreconditionFailed, Refused, Unavailable
from tombola.ports.objects import ObjectInfo, ObjectRef, check_bucket, check_object_name

STORAGE = Api("https://storage.googleapis.com", "STORAGE_EMULATOR_HOST")
READ_BYTES = 256 * 1024
"""How much a reader takes from the stream at once."""
_FIELDS = "name,generation,size,timeCreated"


class GoogleObjects:
    """Buckets `<prefix><bucket>` of one project. Objects whose names the port refuses are not listed."""

    def __init__(self, project: str, bucket_prefix: str) -> None:
        """Name the buckets; nothing is asked of Cloud Storage yet."""
        self._project, self._prefix = project, bucket_prefix

    def stat(self, bucket: str, name: str) -> ObjectInfo:
        """Return the live generation's facts. Raises `NotFound`, `Refused` (bad name)."""
        path = self._path(bucket, name)
        return _info(bucket, STORAGE.told("GET", path, f"{bucket}/{name}", params={"fields": _FIELDS}))

    def open(self, ref: ObjectRef) -> BinaryIO:
        """Open exactly this generation, seekable, streamed. Raises `NotFound` when it is gone or superseded.

        A generation written over while it is read is read on where the bucket keeps it, or else `NotFound`. Who reads
        it from the beginning to the end has its checksum compared: the last read raises `Unavailable` if it differs.
        """
        path = self._path(ref.bucket, ref.name)
        try:
            return BufferedReader(Generation(STORAGE, path, ref), READ_BYTES)
        except NotFound:
            return self._nothing_of(ref)

    def create(self, bucket: str, name: str) -> Upload:
        """Write a new object, visible whole or not at all.

        Raises `PreconditionFailed`, at the end of the block at the latest, when the name exists.
        """
        self._path(bucket, name)
        return Upload(STORAGE, f"{self._prefix}{bucket}", bucket, name)

    def replace(self, bucket: str, name: str, data: bytes, *, if_generation: int | None = None) -> ObjectRef:
        """Write small bytes over whatever is there, or only over `if_generation` (0: only if absent).

        Raises `PreconditionFailed` when another generation is live. When an answer was lost on the way, that may be
        the one this call wrote: who reads again finds its own bytes.
        """
        self._path(bucket, name)
        try:
            generation = insert(STORAGE, f"{self._prefix}{bucket}", name, data, f"{bucket}/{name}", if_generation)
        except PreconditionFailed:
            live = self._live_generation(bucket, name)
            msg = f"{bucket}/{name}: generation {live} is live; expected {if_generation}"
            raise PreconditionFailed(msg) from None
        return ObjectRef(bucket, name, generation)

    def delete(self, ref: ObjectRef) -> None:
        """Delete this generation if it is the live one; deleting what is gone is no error."""
        path, only = self._path(ref.bucket, ref.name), {"ifGenerationMatch": ref.generation}
        try:
            STORAGE.ask("DELETE", path, f"{ref.bucket}/{ref.name}", params=only)
        except (NotFound, PreconditionFailed):
            return

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield live objects whose name starts with `prefix`, in order of name (code points)."""
        check_bucket(bucket)
        return self._listed(bucket, prefix)

    def signed_url(self, bucket: str, name: str, within: timedelta, *, method: str = "GET") -> str:
        """Return an address under which anybody may read (GET) or write (PUT) one object, for at most seven days.

        Signed (V4) by this process's service account: with its key file where there is one, else by IAM, which asks
        for the permission iam.serviceAccounts.signBlob on itself. Raises `Refused` for credentials that cannot sign.
        """
        self._path(bucket, name)
        return sign(f"{self._prefix}{bucket}", name, within, method)

    def _nothing_of(self, ref: ObjectRef) -> BinaryIO:
        """Return an empty generation's stream. Raises `NotFound` for one that is gone or superseded."""
        live = self.stat(ref.bucket, ref.name)
        if live.ref == ref and not live.size:
            return BytesIO()
        msg = f"{ref.bucket}/{ref.name}: generation {ref.generation} is superseded by {live.ref.generation}"
        raise NotFound(msg)

    def _live_generation(self, bucket: str, name: str) -> int:
        try:
            return self.stat(bucket, name).ref.generation
        except NotFound:
            return 0

    def _path(self, bucket: str, name: str) -> str:
        """Return where an object is asked for. Raises `Refused` for a bad name."""
        check_bucket(bucket)
        check_object_name(name)
        return f"/storage/v1/b/{self._prefix}{bucket}/o/{quote(name, safe='')}"

    def _listed(self, bucket: str, prefix: str) -> Iterator[ObjectInfo]:
        """Page through a bucket; no answer is held open while the caller works."""
        params = {"prefix": prefix, "fields": f"nextPageToken,items({_FIELDS})"}
        while True:
            path = f"/storage/v1/b/{self._prefix}{bucket}/o"
            try:
                page = STORAGE.told("GET", path, f"{bucket}/{prefix}*", params=params)
            except NotFound as error:  # a name that nothing begins with has an empty list: it is the bucket
                msg = f"{error} (the bucket is not there)"
                raise Unavailable(msg) from error
            yield from (_info(bucket, item) for item in page.get("items", ()) if _is_ours(item["name"]))
            if "nextPageToken" not in page:
                return
            params["pageToken"] = page["nextPageToken"]


def _is_ours(name: str) -> bool:
    try:
        check_object_name(name)
    except Refused:
        return False
    return True


def _info(bucket: str, told: dict[str, Any]) -> ObjectInfo:
    ref = ObjectRef(bucket, told["name"], int(told["generation"]))
    return ObjectInfo(ref, int(told["size"]), datetime.fromisoformat(told["timeCreated"]))
