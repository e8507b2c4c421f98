"""Keys: written once, never shown."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tombola.adapters.embedded.keys import EmbeddedKeys
from tombola.ports.errors import NotFound, PreconditionFailed, Refused
from tombola.ports.keys import MAX_MATERIAL_BYTES, Key, Keys

Race = Callable[[int, Callable[[int], object]], list[object]]


@pytest.fixture
def keys(request: pytest.FixtureRequest, adapters: str, tmp_path: Path) -> Keys:
    if adapters == "embedded":
        return EmbeddedKeys(tmp_path)
    made: Keys = request.getfixturevalue("google_keys")
    return made


def test_a_key_comes_back_as_it_was_created(keys: Keys) -> None:
    assert keys.create("webhook-shop", b"\x00\xff") == Key("webhook-shop", 1, b"\x00\xff")
    assert keys.get("webhook-shop") == keys.get("webhook-shop", 1) == Key("webhook-shop", 1, b"\x00\xff")
    assert keys.versions("webhook-shop") == [1]


def test_a_name_is_created_once(keys: Keys) -> None:
    keys.create("seed", b"first")
    with pytest.raises(PreconditionFailed, match="key 'seed' exists already"):
        keys.create("seed", b"second")
    assert keys.get("seed").material == b"first"


def test_a_rotated_key_keeps_its_old_versions(keys: Keys) -> None:
    keys.create("seed", b"v1")
    for number in range(2, 12):
        assert keys.rotate("seed", f"v{number}".encode()).version == number
    assert keys.versions("seed") == list(range(1, 12))
    assert keys.get("seed").material == b"v11"
    assert keys.get("seed", 2).material == b"v2"


def test_what_does_not_exist_is_not_found(keys: Keys) -> None:
    assert keys.versions("seed") == []
    for ask in (lambda: keys.get("seed"), lambda: keys.get("seed", 1), lambda: keys.rotate("seed", b"x")):
        with pytest.raises(NotFound, match="version 1 of key 'seed'"):
            ask()
    keys.create("seed", b"v1")
    with pytest.raises(NotFound, match="version 2 of key 'seed'"):
        keys.get("seed", 2)


@pytest.mark.parametrize("name", ["", "A", "a/b", "..", "a.b", "a b", "é", "a\n", "x" * 201])
def test_a_bad_name_is_refused_everywhere(keys: Keys, name: str) -> None:
    for ask in (lambda: keys.get(name), lambda: keys.versions(name), lambda: keys.create(name, b"x")):
        with pytest.raises(Refused, match="expected 1 to 200 of a-z, 0-9 and -"):
            ask()


@pytest.mark.parametrize("material", [b"", bytes(MAX_MATERIAL_BYTES + 1)])
def test_empty_and_oversized_secrets_are_refused(keys: Keys, material: bytes) -> None:
    with pytest.raises(Refused, match="expected 1 to 65536"):
        keys.create("seed", material)
    assert keys.versions("seed") == []


def test_no_repr_and_no_error_shows_a_secret(keys: Keys) -> None:
    assert "hunter2" not in repr(keys.create("seed", b"hunter2"))
    with pytest.raises(PreconditionFailed) as refused:
        keys.create("seed", b"hunter2")
    assert "hunter2" not in str(refused.value)


def test_of_sixteen_who_create_one_wins(keys: Keys, race: Race) -> None:
    outcomes = race(16, lambda number: keys.create("seed", b"%d" % number))
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Key)]
    assert keys.get("seed") == winner
    assert sum(isinstance(outcome, PreconditionFailed) for outcome in outcomes) == 15


def test_everybody_who_rotates_gets_a_version_of_their_own(keys: Keys, race: Race) -> None:
    keys.create("seed", b"v1")
    outcomes = race(8, lambda number: keys.rotate("seed", b"%d" % number))
    made = [outcome for outcome in outcomes if isinstance(outcome, Key)]
    assert sorted(key.version for key in made) == list(range(2, 10))
    assert all(keys.get("seed", key.version) == key for key in made)
