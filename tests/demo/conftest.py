"""The demo as a user runs it: whole processes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HOUSEHOLDS = "10"
Run = Callable[[Path], dict[str, Any]]


def command(home: Path) -> list[str]:
    return [sys.executable, "-m", "tombola", "demo", "--json", "--home", str(home), "--households", HOUSEHOLDS]


def start(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(command(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)


def totals(home: Path) -> dict[str, Any]:
    """Run the demo to its end, which must be a good one, and return its totals without the home's own path."""
    done = subprocess.run(command(home), check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert Path(found.pop("report")).is_file()
    return found


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A home in which the year was lived once, and what it came to."""
    home = tmp_path_factory.mktemp("undisturbed")
    return home, totals(home)
