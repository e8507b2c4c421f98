"""Objects on Cloud Storage: on a bad line, when pieces are taken in parts, and by a signed address."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.contract.bad_line import CHANGED, CUT, LOST, UNAVAILABLE, BadLine, bad_line
from tests.contract.resumable import Uploads, resumable

from tombola.adapters.google.objects import GoogleObjects
from tombola.adapters.google.uploading import PIECE
from tombola.local.emulators.running import Running, free_port
from tombola.ports.errors import PreconditionFailed, Refused, Unavailable
from tombola.ports.objects import ObjectRef

SOME_MIB = bytes(range(256)) * (3 * 4096)
Race = Callable[[int, Callable[[int], object]], list[object]]


@pytest.fixture
def line(
    storage_emulator: Running, google_objects: GoogleObjects, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BadLine]:
    """Put a bad line between the adapter and what stands in for Cloud Storage."""
    assert google_objects  # its buckets are made on a good one
    with bad_line(storage_emulator.address.removeprefix("http://")) as made:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", made.address)
        yield made


def test_a_bad_moment_is_waited_out(google_objects: GoogleObjects, line: BadLine) -> None:
    ref = google_objects.replace("config", "a", b"1")
    line.troubles.extend([UNAVAILABLE, UNAVAILABLE])
    assert google_objects.stat("config", "a").ref == ref
    line.troubles.extend([LOST])
    assert google_objects.stat("config", "a").ref == ref


def test_a_service_that_is_gone_is_unavailable(google_objects: GoogleObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match="config/a"):
        google_objects.stat("config", "a")


def test_a_download_that_breaks_off_is_taken_up_where_it_broke(google_objects: GoogleObjects, line: BadLine) -> None:
    ref = google_objects.replace("inbox", "a", SOME_MIB)
    line.requests.clear()
    line.troubles.extend([CUT, CUT])
    with google_objects.open(ref) as stream:
        assert stream.read() == SOME_MIB
    assert line.requests[:2] == ["GET bytes=0-262143", "GET bytes=131072-1179647"]


def test_a_download_that_breaks_off_again_and_again_is_unavailable(
    google_objects: GoogleObjects, line: BadLine
) -> None:
    ref = google_objects.replace("inbox", "a", b"1")  # of which half is nothing
    line.troubles.extend([CUT] * 5)
    with google_objects.open(ref) as stream, pytest.raises(Unavailable, match="broke off 5 times at byte 0"):
        stream.read()


def test_bytes_that_changed_on_the_way_are_not_taken_for_the_object(
    google_objects: GoogleObjects, line: BadLine
) -> None:
    ref = google_objects.replace("inbox", "a", SOME_MIB)
    line.troubles.append(CHANGED)
    with (
        google_objects.open(ref) as stream,
        pytest.raises(Unavailable, match="inbox/a: what arrived is not what is kept"),
    ):
        stream.read()


def test_a_write_whose_answer_was_lost_has_happened_and_says_that_the_name_exists(
    google_objects: GoogleObjects, line: BadLine
) -> None:
    line.troubles.append(LOST)
    with pytest.raises(PreconditionFailed), google_objects.create("inbox", "a") as writer:
        writer.write(b"mine")
    with google_objects.open(google_objects.stat("inbox", "a").ref) as stream:
        assert stream.read() == b"mine"


@pytest.mark.parametrize("taken", [1.0, 0.4], ids=["whole", "in parts"])
def test_pieces_are_sent_until_all_of_them_are_taken(monkeypatch: pytest.MonkeyPatch, taken: float) -> None:
    uploads, data = Uploads(taken=taken), SOME_MIB * 6
    with resumable(uploads):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", uploads.address)
        with GoogleObjects("p", "p-").create("inbox", "a") as writer:
            for start in range(0, len(data), 1_000_000):
                writer.write(data[start : start + 1_000_000])
        assert writer.ref == ObjectRef("inbox", "a", 7)
    assert (uploads.finished, bytes(uploads.kept)) == (True, data)
    assert uploads.answers.count(308) >= len(data) // PIECE


def test_an_upload_into_a_name_that_was_taken_meanwhile_fails_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = Uploads(exists=True)
    with resumable(uploads):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", uploads.address)
        with (
            pytest.raises(PreconditionFailed, match="inbox/a exists already"),
            GoogleObjects("p", "p-").create("inbox", "a") as writer,
        ):
            writer.write(SOME_MIB * 3)
    assert not uploads.finished


def test_an_upload_whose_writer_fails_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = Uploads()
    with resumable(uploads):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", uploads.address)
        with suppress(ZeroDivisionError), GoogleObjects("p", "p-").create("inbox", "a") as writer:
            writer.write(SOME_MIB * 3)
            raise ZeroDivisionError
    assert (uploads.finished, uploads.cancelled) == (False, True)


def test_a_bucket_that_is_not_there_is_an_outage_to_who_writes(google_objects: GoogleObjects) -> None:
    assert google_objects  # so that the emulator is asked
    with pytest.raises(Unavailable, match="the bucket"):
        GoogleObjects("p", "nobodys-").replace("inbox", "a", b"1")
    with pytest.raises(Unavailable, match="the bucket"), GoogleObjects("p", "nobodys-").create("inbox", "a") as writer:
        writer.write(SOME_MIB * 3)


def test_sixteen_threads_share_one_adapter(google_objects: GoogleObjects, race: Race) -> None:
    def work(number: int) -> bytes:
        data = bytes([number]) * 300_000
        ref = google_objects.replace("staging", f"a/{number}", data)
        with google_objects.open(ref) as stream:
            return stream.read()

    assert race(16, work) == [bytes([number]) * 300_000 for number in range(16)]


SIGN = """
import os
os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(HOME / "key.json")
os.environ.pop("STORAGE_EMULATOR_HOST", None)
from datetime import timedelta
from tombola.adapters.google.objects import GoogleObjects
objects = GoogleObjects("p", "p-")
print(objects.signed_url("reports", "a/b ü.html", timedelta(minutes=5), method="%s"))
"""


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_signed_address_is_signed_as_cloud_storage_asks(
    tmp_path: Path, run: Callable[[str], str], method: str
) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"type": "service_account", "project_id": "p", "private_key_id": "1", "private_key": pem,
               "client_email": "signer@p.iam.gserviceaccount.com", "client_id": "1",
               "token_uri": "https://oauth2.googleapis.com/token"}  # fmt: skip
    (tmp_path / "key.json").write_text(json.dumps(account), encoding="utf-8")
    address = urlsplit(run(SIGN % method).strip())
    query = {name: text[0] for name, text in parse_qs(address.query).items()}
    signature = bytes.fromhex(query.pop("X-Goog-Signature"))
    assert (address.netloc, address.path) == ("storage.googleapis.com", "/p-reports/a/b%20%C3%BC.html")
    assert (query["X-Goog-Algorithm"], query["X-Goog-Expires"]) == ("GOOG4-RSA-SHA256", "300")
    canonical = "\n".join([
        method, address.path, urlencode(sorted(query.items()), quote_via=quote, safe=""),
        "host:storage.googleapis.com", "", "host", "UNSIGNED-PAYLOAD",
    ])  # fmt: skip
    digest = Hash(SHA256())
    digest.update(canonical.encode())
    scope = query["X-Goog-Credential"].partition("/")[2]
    signed = "\n".join(["GOOG4-RSA-SHA256", query["X-Goog-Date"], scope, digest.finalize().hex()])
    key.public_key().verify(signature, signed.encode(), padding.PKCS1v15(), SHA256())


USER = """
import json, os
(HOME / "user.json").write_text(json.dumps(
    {"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}))
os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(HOME / "user.json")
from datetime import timedelta
from tombola.adapters.google.objects import GoogleObjects
from tombola.ports.errors import Refused
try:
    GoogleObjects("p", "p-").signed_url("reports", "a", timedelta(minutes=5))
except Refused as refused:
    print(refused)
"""


def test_who_is_no_service_account_cannot_sign(run: Callable[[str], str]) -> None:
    assert "expected the credentials of a service account" in run(USER)


def test_a_bad_name_is_not_signed() -> None:
    with pytest.raises(Refused):
        GoogleObjects("p", "p-").signed_url("reports", "../a", timedelta(minutes=5))
