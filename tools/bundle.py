"""Stage every function as it is deployed: `build/<function>/` holds main.py, requirements.txt and the wheel.

Where the manifest says `package: image`, it holds our Dockerfile too: then that is what the image comes of.

`python tools/bundle.py [--into build] [--extra NAME] [--changed-since FILE]`, in a checkout, with uv on the PATH.
The requirements are those of uv.lock for just the extras that the function's manifest comes to, every file with its
hash, the wheel's too: builders keep installed dependencies by the text of requirements.txt, so that a new wheel under
an old text would never be installed. The same sources give the same bytes. `build/manifest.json` holds a hash per
function; `--changed-since` prints the functions whose hash is another than in such a file of before.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from tombola.errors import Fault
from tombola.runtime.manifests import NAME, Manifest, read_manifests

ROOT = Path(__file__).resolve().parents[1]
HASHES = "manifest.json"
NEW_YEAR_2020 = "1577836800"
"""What the wheel says of when its files were made: always the same."""


class NotBundled(Fault):
    """Something that a bundle is made with is missing, or said no. Says what."""

    code = "not-bundled"


def bundle(into: Path, extras: Iterable[str] = ()) -> dict[str, str]:
    """Stage every function below `into`, with `extras` beside its own; return a hash per function.

    Whatever was staged there before and is no function any more is taken away. Raises `NotBundled`, and `Malformed`
    for manifests that are not as they must be.
    """
    _check_sources()
    manifests = read_manifests(ROOT / "functions")
    into.mkdir(parents=True, exist_ok=True)
    for gone in read_hashes(into / HASHES).keys() - manifests.keys():
        shutil.rmtree(into / gone, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        wheel = _wheel(Path(folder))
        hashes = {name: _stage(one, wheel, into / name, tuple(extras)) for name, one in manifests.items()}
    (into / HASHES).write_text(json.dumps(hashes, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return hashes


def read_hashes(path: Path) -> dict[str, str]:
    """Return the hash per function of a `manifest.json`; nothing where there is none. Raises `NotBundled`."""
    if not path.exists():
        return {}
    try:
        hashes = json.loads(path.read_bytes())
    except ValueError:
        hashes = None
    if not isinstance(hashes, dict) or not all(NAME.fullmatch(name) for name in hashes):
        msg = f"{path}: found something else; expected a JSON object of a hash per function"
        raise NotBundled(msg)
    return {name: str(value) for name, value in hashes.items()}


def changed(now: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    """Return the functions that are new or other than before, in order of name."""
    return sorted(name for name, value in now.items() if before.get(name) != value)


def _check_sources() -> None:
    """Refuse what git does not know, and links: a wheel takes all that lies in the package, keys and notes too.

    Where there is no repository there is nothing to ask, as in an unpacked archive of one.
    """
    package = ROOT / "shared" / "tombola"
    found = [path for path in package.rglob("*") if path.is_symlink()]
    if (ROOT / ".git").exists():
        listing = ("git", "ls-files", "-z", "--others", "--exclude-standard", "--", str(package))
        found += [ROOT / name for name in _said(*listing).split("\0") if name]
    if found:
        names = ", ".join(str(path.relative_to(ROOT)) for path in sorted(found)[:10])
        msg = (
            f"{len(found)} files would come into the wheel unseen: {names}; expected files that git knows, and no links"
        )
        raise NotBundled(msg)


def _stage(manifest: Manifest, wheel: Path, folder: Path, extras: tuple[str, ...]) -> str:
    """Write one bundle; return the hash of the names and contents of its files."""
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    pinned = _requirements(tuple(sorted({*manifest.installs, *extras})))
    files = {
        "main.py": (manifest.folder / "main.py").read_bytes(),
        "requirements.txt": f"{pinned}./{wheel.name} \\\n    --hash=sha256:{_digest(wheel.read_bytes())}\n".encode(),
        wheel.name: wheel.read_bytes(),
    }
    if manifest.package == "image":
        files["Dockerfile"] = (ROOT / "Dockerfile").read_bytes()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return _digest("".join(f"{_digest(files[name])}  {name}\n" for name in sorted(files)).encode())


def _wheel(folder: Path) -> Path:
    _uv("build", "--wheel", "--quiet", "--out-dir", str(folder))
    (wheel,) = folder.glob("*.whl")
    return wheel


@cache
def _requirements(extras: tuple[str, ...]) -> str:
    chosen = [f"--extra={extra}" for extra in extras]
    plain = ("--no-emit-project", "--no-header", "--no-annotate")
    return _uv("export", "--quiet", "--frozen", "--no-default-groups", *plain, *chosen)


def _uv(*words: str) -> str:
    return _said("uv", *words)


def _said(program: str, *words: str) -> str:
    """Return what a program prints. Raises `NotBundled` when it is not there, or says no."""
    if (found := shutil.which(program)) is None:
        msg = f"{program} is not on the PATH; expected it there" + (": pip install uv" if program == "uv" else "")
        raise NotBundled(msg)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": NEW_YEAR_2020}
    done = subprocess.run([found, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 (our own words)
    if done.returncode != 0:
        msg = f"{program} {words[0]} ended with {done.returncode}: {done.stderr.strip()[-2000:]}"
        raise NotBundled(msg)
    return done.stdout


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--into", type=Path, default=ROOT / "build", metavar="FOLDER")
    options.add_argument("--extra", action="append", default=[], metavar="NAME", help="for every function")
    options.add_argument("--changed-since", type=Path, metavar="FILE", help="a manifest.json of before")
    return options.parse_args(words)


def main() -> int:
    """Stage, and say what was staged, or what has changed."""
    given = parsed()
    try:
        before = read_hashes(given.changed_since) if given.changed_since else None
        hashes = bundle(given.into, given.extra)
    except Fault as fault:
        sys.stderr.write(f"{fault.message}\n")
        return 1
    said = [f"{len(hashes)} bundles in {given.into}"] if before is None else changed(hashes, before)
    sys.stdout.write("".join(f"{line}\n" for line in said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
