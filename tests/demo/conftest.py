"""The demo as a user runs it: whole processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

HOUSEHOLDS = "10"
STRANGER = {name: value for name, value in os.environ.items() if not name.startswith("TOMBOLA_")}
"""The environment of somebody who set nothing, whatever other tests set meanwhile."""


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


@contextmanager
def developing(folder: Path, *options: str) -> Iterator[int]:
    """Run `tombola dev` in a folder on a free port until the block ends; an interrupt must end it well."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tombola", "dev", "--port", str(port), *options]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=STRANGER
    )
    try:
        until(lambda: get(port, "/") is not None)
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output


def get(port: int, path: str) -> str | None:
    """Return what is answered, or None when nobody does or the answer is no good one."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            text: str = answer.read().decode()
            return text
    except OSError:
        return None


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something to be so."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "did not happen in time"
        time.sleep(0.1)
