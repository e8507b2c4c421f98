"""What is published: just what is not there yet, built as Cloud Build wants it."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from tests.pipeline.conftest import ROOT
from tests.pipeline.google import VARIABLES, Google, served
from tests.pipeline.test_cloudbuild import schema_problems

from environments import read_environment
from publish import build_of, zipped

NAMES = ("list_keys", "play_game", "record_order")


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """Return a folder with three bundles and their manifest."""
    folder = tmp_path / "build"
    hashes = {}
    for name in NAMES:
        (folder / name).mkdir(parents=True)
        (folder / name / "main.py").write_text(f"# {name}\n", encoding="utf-8")
        hashes[name] = hashlib.sha256(name.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(hashes), encoding="utf-8")
    return folder


def run(script: str, google: Google, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a script against what stands in for Google."""
    with served(google) as address:
        environment = {**os.environ, **dict.fromkeys(VARIABLES, address)}
        command = [sys.executable, str(ROOT / "tools" / f"{script}.py"), *map(str, words)]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environment)


def test_only_what_has_no_image_of_its_content_is_built(build: Path) -> None:
    hashes = json.loads((build / "manifest.json").read_bytes())
    google = Google(images={f"play-game:{hashes['play_game']}", "record-order:of-another-content"})
    done = run("publish", google, "dev", "--build", build)
    assert (done.returncode, done.stdout) == (0, "published: list_keys, record_order\n"), done.stderr
    assert set(google.objects) == {
        f"{name.replace('_', '-')}/{hashes[name]}.zip" for name in ("list_keys", "record_order")
    }
    with zipfile.ZipFile(BytesIO(google.objects[f"list-keys/{hashes['list_keys']}.zip"])) as archive:
        assert archive.read("main.py") == b"# list_keys\n"
    again = run("publish", google, "dev", "--build", build)
    assert (again.returncode, again.stdout) == (0, "published: nothing is new\n"), again.stderr
    assert len(google.builds) == 2


def test_a_build_that_fails_is_named_and_the_next_try_takes_up_what_is_missing(build: Path) -> None:
    google = Google(failing={"play-game"})
    done = run("publish", google, "dev", "--build", build)
    assert (done.returncode, done.stderr) == (1, "play_game: no, see https://logs\n")
    google.failing.clear()
    assert run("publish", google, "dev", "--build", build).stdout == "published: play_game\n"


@pytest.mark.parametrize("package", ["bundle", "image"])
def test_a_build_is_as_cloud_build_wants_it(package: str, tmp_path: Path) -> None:
    wanted = build_of(read_environment("prod"), "play_game", "0" * 64, package)
    (tmp_path / "cloudbuild.json").write_text(json.dumps(wanted), encoding="utf-8")
    assert schema_problems(tmp_path / "cloudbuild.json") == ""
    assert wanted["images"] == [f"europe-west1-docker.pkg.dev/tombola-prod/functions/play-game:{'0' * 64}"]
    assert "play_game" in wanted["steps"][0]["args"][-1 if package == "bundle" else -2]


def test_the_same_files_are_the_same_bytes(build: Path) -> None:
    before = zipped(build / "list_keys")
    os.utime(build / "list_keys" / "main.py", (0, 10**9))
    assert zipped(build / "list_keys") == before
