"""Bundles hold what a function needs and nothing else; the same sources give the same bytes."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.bundles.conftest import Bundler
from tests.bundles.serving import ROOT

from tombola.runtime.manifests import read_manifests

WHEEL = "tombola-0.1.0-py3-none-any.whl"
PINNED = re.compile(r"(\S+==\S+|\./\S+\.whl)( ; [^\\]+?)?( --hash=sha256:[0-9a-f]{64})+")


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_holds_the_function_its_requirements_and_the_wheel(bundles: Path) -> None:
    functions = read_manifests(ROOT / "functions")
    assert {path.name for path in bundles.iterdir()} == {*functions, "manifest.json"}
    for name in functions:
        assert {path.name for path in (bundles / name).iterdir()} == {"main.py", "requirements.txt", WHEEL}
        assert (bundles / name / "main.py").read_bytes() == (ROOT / "functions" / name / "main.py").read_bytes()


def test_every_requirement_is_pinned_and_hashed(bundles: Path) -> None:
    for folder in (path for path in bundles.iterdir() if path.is_dir()):
        text = (folder / "requirements.txt").read_text(encoding="utf-8")
        wanted = [re.sub(r"\s*\\\n\s*", " ", one) for one in re.split(r"\n(?=\S)", text.strip())]
        assert [one for one in wanted if not PINNED.fullmatch(one)] == []
        assert any(one.startswith("functions-framework==") for one in wanted)
        assert wanted[-1] == f"./{WHEEL} --hash=sha256:{hashlib.sha256((folder / WHEEL).read_bytes()).hexdigest()}"


def test_the_same_sources_give_the_same_bytes(checkout: Path, bundler: Bundler, bundles: Path) -> None:
    done = bundler(checkout)
    assert (done.returncode, done.stdout) == (
        0,
        f"{len(list(bundles.iterdir())) - 1} bundles in {checkout / 'build'}\n",
    )
    assert contents(checkout / "build") == contents(bundles)


def test_a_changed_function_changes_its_own_bundle_alone(checkout: Path, bundler: Bundler, bundles: Path) -> None:
    main = checkout / "functions" / "list_keys" / "main.py"
    main.write_text(main.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    done = bundler(checkout, "--changed-since", bundles / "manifest.json")
    assert (done.returncode, done.stdout) == (0, "list_keys\n"), done.stderr


def test_a_function_that_is_an_image_has_the_dockerfile_in_its_bundle(checkout: Path, bundler: Bundler) -> None:
    manifest = checkout / "functions" / "list_keys" / "function.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8") + "package: image\n", encoding="utf-8")
    assert bundler(checkout).returncode == 0
    with_dockerfile = [path.parent.name for path in (checkout / "build").glob("*/Dockerfile")]
    assert with_dockerfile == ["list_keys"]
    (checkout / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    assert bundler(checkout, "--changed-since", checkout / "build" / "manifest.json").stdout == "list_keys\n"


def test_a_changed_library_changes_every_bundle(checkout: Path, bundler: Bundler, bundles: Path) -> None:
    module = checkout / "shared" / "tombola" / "money.py"
    module.write_text(module.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    done = bundler(checkout, "--changed-since", bundles / "manifest.json")
    assert done.stdout.splitlines() == sorted(read_manifests(ROOT / "functions")), done.stderr


def test_a_function_that_is_gone_is_not_staged_any_more(checkout: Path, bundler: Bundler, bundles: Path) -> None:
    shutil.copytree(bundles, checkout / "build")
    (checkout / "functions" / "list_keys").rename(checkout / "functions" / "show_keys")
    main = checkout / "functions" / "show_keys" / "main.py"
    main.write_text(main.read_text(encoding="utf-8").replace("def list_keys", "def show_keys"), encoding="utf-8")
    done = bundler(checkout, "--changed-since", bundles / "manifest.json")
    assert (done.returncode, done.stdout) == (0, "show_keys\n"), done.stderr
    assert not (checkout / "build" / "list_keys").exists()


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"../outside": "0"}'])
def test_hashes_that_are_none_are_refused(checkout: Path, bundler: Bundler, text: str) -> None:
    (checkout / "before.json").write_text(text, encoding="utf-8")
    done = bundler(checkout, "--changed-since", checkout / "before.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "before.json: found something else; expected a JSON object of a hash per function" in done.stderr


@pytest.mark.parametrize("name", [".env", "secret.json", "scratch.py"])
def test_what_git_does_not_know_comes_into_no_wheel(checkout: Path, bundler: Bundler, name: str) -> None:
    for words in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *words], cwd=checkout, check=True)
    (checkout / "shared" / "tombola" / name).write_text("secret", encoding="utf-8")
    done = bundler(checkout)
    assert (done.returncode, f"unseen: shared/tombola/{name};" in done.stderr) == (1, True), done.stderr
    assert not (checkout / "build").exists()


def test_a_link_comes_into_no_wheel(checkout: Path, bundler: Bundler) -> None:
    (checkout / "shared" / "tombola" / "notes.md").symlink_to("/etc/hostname")
    done = bundler(checkout)
    assert (done.returncode, "unseen: shared/tombola/notes.md;" in done.stderr) == (1, True), done.stderr


def test_a_function_is_not_bundled_with_an_extra_nobody_knows(checkout: Path, bundler: Bundler) -> None:
    done = bundler(checkout, "--extra", "no-such-extra")
    assert done.returncode == 1
    assert "no-such-extra" in done.stderr
    assert not (checkout / "build" / "manifest.json").exists()
