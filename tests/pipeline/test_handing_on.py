"""What builds hand on: caches to the next build, commits to the next environment."""

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from tests.pipeline.conftest import ROOT

from caches import archive_name, pack, unpack
from promote import command

COMMIT = "a" * 40


def test_an_archive_comes_back_as_it_was(tmp_path: Path) -> None:
    kept = tmp_path / "one" / ".cache" / "uv" / "wheel"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"wheel")
    pack(tmp_path / "one", tmp_path / "archive")
    unpack(tmp_path / "archive", tmp_path / "two")
    assert (tmp_path / "two" / ".cache" / "uv" / "wheel").read_bytes() == b"wheel"


def test_an_archive_puts_nothing_outside_of_the_checkout(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "archive", "w:gz") as stream:
        stream.addfile(tarfile.TarInfo("../outside"))
    with pytest.raises(subprocess.CalledProcessError):
        unpack(tmp_path / "archive", tmp_path / "two")
    assert not (tmp_path / "outside").exists()


def test_another_lock_is_another_archive(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    for name in ("uv.lock", "tools/delivery.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    before = archive_name(tmp_path)
    assert archive_name(tmp_path) == before
    (tmp_path / "tools" / "delivery.txt").write_text("other", encoding="utf-8")
    assert archive_name(tmp_path) != before


def test_a_commit_is_handed_to_the_next_trigger_if_there_is_one() -> None:
    assert command(COMMIT, "") == []
    assert command(COMMIT, "tombola-prod/europe-west1/deploy") == [
        "builds", "triggers", "run", "deploy", "--project=tombola-prod", "--region=europe-west1", f"--sha={COMMIT}"
    ]  # fmt: skip


@pytest.mark.parametrize(("commit", "to"), [("main", "a/b/c"), (COMMIT, "deploy"), (COMMIT, "a/b/c --async")])
def test_whatever_else_is_refused(commit: str, to: str) -> None:
    with pytest.raises(SystemExit, match="expected"):
        command(commit, to)
