"""A new function of every kind passes ruff and mypy as it is: run by the lint, which has both."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tombola.local.new_function import new_function

ROOT = Path(__file__).parents[2]
KINDS = {
    "ring_topic": "topic:order-recorded",
    "ring_bucket": "bucket:inbox",
    "ring_http": "http",
    "ring_schedule": "schedule:*/5 * * * *",
}


def make(folder: Path) -> None:
    """Make one function of every kind in a copy of the functions there are."""
    shutil.copytree(ROOT / "functions", folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name, on in KINDS.items():
        new_function(folder, name, on)


def check(house: Path) -> int:
    """Lint the new functions by the house's own rules; return the exit code."""
    shutil.copy(ROOT / "pyproject.toml", house)
    (house / "shared").symlink_to(ROOT / "shared")
    make(house / "functions")
    made = [f"functions/{name}" for name in KINDS]
    modules = house / "modules"
    modules.mkdir()
    for name in KINDS:
        shutil.copy(house / "functions" / name / "main.py", modules / f"{name}.py")
    types = ["mypy", f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={ROOT / '.mypy_cache'}"]
    runs = [
        (["ruff", "format", "--check", *made], house),
        (["ruff", "check", *made], house),
        ([*types, *map(str, sorted(modules.glob("*.py")))], ROOT),
    ]
    return max(subprocess.run(command, cwd=place, check=False).returncode for command, place in runs)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        sys.exit(check(Path(place)))
