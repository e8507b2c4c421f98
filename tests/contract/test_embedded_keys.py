"""Key files of one machine: nobody but their owner reads them."""

import os
import stat
from pathlib import Path

import pytest

from tombola.adapters.embedded.keys import EmbeddedKeys
from tombola.ports.errors import Unavailable


def test_only_the_owner_can_read_key_files(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        EmbeddedKeys(tmp_path).create("seed", b"secret")
    finally:
        os.umask(before)
    modes = {str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"keys": 0o700, "keys/seed": 0o700, "keys/seed/1": 0o600}


def test_a_key_folder_open_to_all_is_closed(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir(mode=0o777)
    EmbeddedKeys(tmp_path)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_a_home_that_cannot_hold_keys_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file", encoding="utf-8")
    with pytest.raises(Unavailable, match="File exists"):
        EmbeddedKeys(tmp_path)
