"""What each function is made of: `python tools/sbom.py [--into build/sbom] [--extra NAME]`, with uv on the PATH.

One CycloneDX file per function, of the packages that its bundle installs. uv writes them from the same lock that the
bundles' requirements are written from, so no second tool has to find out what is installed.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from tombola.errors import Fault
from tombola.runtime.manifests import read_manifests

ROOT = Path(__file__).resolve().parents[1]


class NotWritten(Fault):
    """uv is missing, or said no."""

    code = "not-written"


def write(into: Path, extras: Iterable[str] = ()) -> list[Path]:
    """Write one file per function below `into`; return them. Raises `NotWritten`."""
    into.mkdir(parents=True, exist_ok=True)
    written = []
    for name, manifest in read_manifests(ROOT / "functions").items():
        bill = json.loads(_exported(tuple(sorted({*manifest.installs, *extras}))))
        file = into / f"{name}.cdx.json"
        file.write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")
        written.append(file)
    return written


@cache
def _exported(extras: tuple[str, ...]) -> str:
    if (uv := shutil.which("uv")) is None:
        msg = "uv is not on the PATH; expected it there: pip install uv"
        raise NotWritten(msg)
    chosen = [f"--extra={extra}" for extra in extras]
    words = [
        "export",
        "--quiet",
        "--frozen",
        "--no-default-groups",
        "--format=cyclonedx1.5",
        "--preview-features=sbom-export",
    ]
    done = subprocess.run([uv, *words, *chosen], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 (our own words)
    if done.returncode != 0:
        msg = f"uv export ended with {done.returncode}: {done.stderr.strip()[-2000:]}"
        raise NotWritten(msg)
    return done.stdout


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--into", type=Path, default=ROOT / "build" / "sbom", metavar="FOLDER")
    options.add_argument("--extra", action="append", default=[], metavar="NAME", help="for every function")
    return options.parse_args(words)


def main() -> int:
    """Write, and say how many."""
    given = parsed()
    try:
        written = write(given.into, given.extra)
    except Fault as fault:
        sys.stderr.write(f"{fault.message}\n")
        return 1
    sys.stdout.write(f"{len(written)} files in {given.into}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
