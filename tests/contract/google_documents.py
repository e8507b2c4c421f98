"""Firestore's emulator for the contract of documents: one process for all tests, a project of its own for each."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from tombola.adapters.google.documents import GoogleDocuments
from tombola.local.emulators.firestore import firestore
from tombola.ports.clock import Clock

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def google_documents() -> Iterator[Callable[[Clock], GoogleDocuments]]:
    """Return a maker of empty documents."""
    with firestore() as emulator, pytest.MonkeyPatch.context() as environment:
        for name, value in emulator.environment.items():
            environment.setenv(name, value)
        yield lambda clock: GoogleDocuments(f"demo-{next(_numbers)}", clock)
