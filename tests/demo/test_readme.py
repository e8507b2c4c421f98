"""The README's own lines, as printed."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

README = Path(__file__).parents[2] / "README.md"


def blocks() -> list[str]:
    """The shell blocks of the section that needs a running system, without the one that starts it."""
    section = README.read_text().split("## Try it")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[1:]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """`tombola dev` in an empty folder, on a free port."""
    folder = tmp_path_factory.mktemp("readme")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tombola", "dev", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        _until(lambda: _get(port, "/") is not None)
        yield folder, port
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output


def test_every_line_of_the_readme_does_what_it_says(running: tuple[Path, int]) -> None:
    folder, port = running
    keys, file, webhook, forged = (_shell(block, folder, port) for block in blocks())
    assert json.loads(keys)["keys"][0]["crv"] == "Ed25519"
    assert file == ""
    assert webhook.startswith("HTTP/1.1 20")
    problem = json.loads(forged)
    assert problem["status"] == 401
    assert problem["problems"][0]["expected"]

    receipts = folder / "tombola-home" / "receipts"
    _until(lambda: any(receipts.rglob("receipt.json")))
    receipt = json.loads(next(receipts.rglob("receipt.json")).read_text())
    assert (receipt["rows"], receipt["accepted"], receipt["rejected"], receipt["duplicates"]) == (2, 1, 1, 0)
    assert receipt["errors"][0]["examples"][0]["line"] == 3


def test_the_console_is_there_and_says_what_is_going_on(running: tuple[Path, int]) -> None:
    _, port = running
    page = _get(port, "/")
    assert page is not None
    assert "<html" in page
    state: dict[str, Any] = json.loads(_get(port, "/console/state") or "null")
    assert state


def _shell(block: str, folder: Path, port: int) -> str:
    """Run a block as printed; only the port and the environment's own path are this test's."""
    script = block.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    script = script.replace(".nox/dev/bin/tombola", f"'{sys.executable}' -m tombola")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _get(port: int, path: str) -> str | None:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            text: str = answer.read().decode()
            return text
    except OSError:
        return None


def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "did not happen in time"
        time.sleep(0.1)
