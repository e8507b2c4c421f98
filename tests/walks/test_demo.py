"""The demo's year on emulators of Google Cloud comes to what it comes to on one machine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def test_the_demo_on_emulators_comes_to_the_same_totals(tmp_path: Path) -> None:
    assert _totals(tmp_path / "cloud", "--on", "emulators") == _totals(tmp_path / "machine")


def _totals(home: Path, *options: str) -> dict[str, Any]:
    tombola = str(Path(sys.executable).parent / "tombola")
    command = [tombola, "demo", "--households", "10", "--json", "--home", str(home), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert Path(told.pop("report")).is_file()
    return told
