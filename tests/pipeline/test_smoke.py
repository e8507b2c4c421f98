"""The smoke test, against the whole system on this machine."""

import os
import subprocess
import sys
from pathlib import Path

from tests.demo.conftest import STRANGER, developing
from tests.pipeline.conftest import ROOT


def smoked(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the smoke test on a home folder."""
    command = [sys.executable, str(ROOT / "tools" / "smoke.py"), *options]
    environment = {**STRANGER, "TOMBOLA_HOME": str(home), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=200, env=environment)


def test_what_is_alive_is_smoked_and_prepared_as_often_as_one_likes(tmp_path: Path) -> None:
    home = tmp_path / "tombola-home"
    with developing(tmp_path) as port:
        base = ("--base", f"http://127.0.0.1:{port}")
        for options in ((*base, "--prepare"), (*base, "--prepare"), base):
            done = smoked(home, *options)
            assert done.returncode == 0, done.stderr
            told = [line.partition(" after ")[0] for line in done.stdout.splitlines()]
            assert told == ["3 public keys", "a receipt", "an order", "a play"]


def test_what_is_not_prepared_or_not_there_is_no_success(tmp_path: Path) -> None:
    with developing(tmp_path) as port:
        done = smoked(tmp_path / "tombola-home", "--base", f"http://127.0.0.1:{port}/nowhere")
        assert (done.returncode, "/nowhere/list-keys was answered 404" in done.stderr) == (1, True)
    done = smoked(tmp_path / "tombola-home", "--base", f"http://127.0.0.1:{port}")
    assert (done.returncode, "did not answer" in done.stderr) == (1, True)
