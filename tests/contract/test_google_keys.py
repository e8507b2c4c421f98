"""Keys on Secret Manager: what is kept in memory, what is disabled, and what a call that died leaves behind."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceRestTransport
from tests.contract.secret_manager import Secrets

from tombola.adapters.google.keys import LATEST_SECONDS, SECRETS, VERSION_SECONDS, GoogleKeys
from tombola.ports import errors

PROJECT = "projects/demo-contract"
SEED = f"{PROJECT}/secrets/tombola-seed"


class Watch:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def client(secret_manager_server: Secrets) -> SecretManagerServiceClient:
    """Return Google's own client."""
    assert not secret_manager_server.secrets
    host = SECRETS.base.removeprefix("http://")
    return SecretManagerServiceClient(
        transport=SecretManagerServiceRestTransport(host=host, url_scheme="http", credentials=AnonymousCredentials())
    )


@pytest.fixture
def process(client: SecretManagerServiceClient, watch: Watch) -> Callable[[], GoogleKeys]:
    """Return what makes keys as another process would have them: with nothing in memory."""
    assert client
    return lambda: GoogleKeys("demo-contract", "tombola-", elapsed=watch)


def test_the_server_of_these_tests_serves_googles_own_client(client: SecretManagerServiceClient) -> None:
    secret: dict[str, Any] = {
        "parent": PROJECT,
        "secret_id": "tombola-seed",
        "secret": {"replication": {"automatic": {}}},
    }
    with pytest.raises(NotFound):
        client.access_secret_version(name=f"{SEED}/versions/latest")
    client.create_secret(request=secret)
    with pytest.raises(Conflict):
        client.create_secret(request=secret)
    for material in (b"v1", b"v2", b"v3"):
        client.add_secret_version(parent=SEED, payload={"data": material})
    client.disable_secret_version(name=f"{SEED}/versions/2")
    with pytest.raises(BadRequest):
        client.access_secret_version(name=f"{SEED}/versions/2")
    assert client.access_secret_version(name=f"{SEED}/versions/latest").payload.data == b"v3"
    listed = client.list_secret_versions(request={"parent": SEED, "filter": "state:ENABLED", "page_size": 1})
    assert [version.name for version in listed] == [f"{SEED}/versions/3", f"{SEED}/versions/1"]


def test_a_rotation_elsewhere_is_seen_within_minutes(process: Callable[[], GoogleKeys], watch: Watch) -> None:
    here, elsewhere = process(), process()
    here.create("seed", b"v1")
    elsewhere.rotate("seed", b"v2")
    watch.now = LATEST_SECONDS - 1
    assert here.get("seed").version == 1
    watch.now = LATEST_SECONDS
    assert here.get("seed").version == 2


def test_what_was_read_is_not_asked_for_again(
    process: Callable[[], GoogleKeys], secret_manager_server: Secrets, watch: Watch
) -> None:
    process().create("seed", b"v1")
    keys = process()
    before = len(secret_manager_server.asked)
    for _ in range(5):
        keys.get("seed")
        keys.get("seed", 1)
    assert len(secret_manager_server.asked) == before + 1
    watch.now = VERSION_SECONDS
    keys.get("seed", 1)
    assert len(secret_manager_server.asked) == before + 2


def test_a_disabled_version_is_none_of_the_versions(
    process: Callable[[], GoogleKeys], client: SecretManagerServiceClient
) -> None:
    process().create("seed", b"v1")
    process().rotate("seed", b"v2")
    client.disable_secret_version(name=f"{SEED}/versions/2")
    assert process().versions("seed") == [1]
    assert process().get("seed").material == b"v1"
    with pytest.raises(errors.NotFound, match="version 2 of key 'seed'"):
        process().get("seed", 2)
    client.disable_secret_version(name=f"{SEED}/versions/1")
    assert process().versions("seed") == []
    with pytest.raises(errors.NotFound, match="not enabled"):
        process().get("seed")


def test_versions_of_many_pages_are_all_told(process: Callable[[], GoogleKeys], secret_manager_server: Secrets) -> None:
    keys = process()
    keys.create("seed", b"v1")
    (first,) = secret_manager_server.versions[SEED]
    for number in range(2, 1_206):
        version = type(first)(first)
        version.name = f"{SEED}/versions/{number}"
        secret_manager_server.versions[SEED].append(version)
    assert keys.versions("seed") == list(range(1, 1_206))


def test_a_secret_that_a_dead_call_left_empty_is_created_once_it_is_old(
    process: Callable[[], GoogleKeys], client: SecretManagerServiceClient, secret_manager_server: Secrets
) -> None:
    client.create_secret(parent=PROJECT, secret_id="tombola-seed", secret={"replication": {"automatic": {}}})
    with pytest.raises(errors.PreconditionFailed, match="key 'seed' exists already"):
        process().create("seed", b"young")
    assert process().versions("seed") == []
    secret_manager_server.secrets[SEED].create_time = datetime.now(UTC) - timedelta(hours=1)
    assert process().create("seed", b"v1").version == 1
    with pytest.raises(errors.PreconditionFailed, match="key 'seed' exists already"):
        process().create("seed", b"second")
    assert process().versions("seed") == [1]
