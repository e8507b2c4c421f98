"""Secret Manager for the contract of keys: a server of our own, for Google has no emulator of it."""

from collections.abc import Iterator

import pytest

from tombola.adapters.google.keys import SECRETS, GoogleKeys


@pytest.fixture
def secret_manager_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Run the server; give what it holds."""
    from tests.contract.secret_manager import secret_manager  # noqa: PLC0415 (Google's types are not everywhere)

    with secret_manager() as (address, secrets):
        monkeypatch.setenv(SECRETS.emulator, address)
        yield secrets


@pytest.fixture
def google_keys(secret_manager_server: object) -> GoogleKeys:
    """Return keys of which there are none yet."""
    assert secret_manager_server
    return GoogleKeys("demo-contract", "tombola-")
