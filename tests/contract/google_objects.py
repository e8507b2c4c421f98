"""Cloud Storage's stand-in for the contract of objects: one process for all tests, buckets of its own for each."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tombola.adapters.google.objects import GoogleObjects
from tombola.local.emulators.running import Running
from tombola.local.emulators.storage import create_bucket, storage
from tombola.ports.objects import BUCKETS

PROJECT = "demo-contract"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def buckets_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that holds all buckets."""
    return tmp_path_factory.mktemp("buckets")


@pytest.fixture(scope="session")
def storage_emulator(buckets_root: Path) -> Iterator[Running]:
    """Run Cloud Storage's stand-in."""
    with storage(PROJECT, root=buckets_root) as emulator:
        yield emulator


@pytest.fixture
def google_objects(storage_emulator: Running, monkeypatch: pytest.MonkeyPatch) -> GoogleObjects:
    """Return objects in buckets of their own."""
    for name, value in storage_emulator.environment.items():
        monkeypatch.setenv(name, value)
    prefix = f"test-{next(_numbers)}-"
    for bucket in BUCKETS:
        create_bucket(storage_emulator, PROJECT, f"{prefix}{bucket}")
    return GoogleObjects(PROJECT, prefix)
