"""The README's own lines, as printed."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import STRANGER, developing, get, until

README = Path(__file__).parents[2] / "README.md"


def blocks() -> list[str]:
    """The shell blocks of the section that needs a running system, without the one that starts it."""
    section = README.read_text().split("## Try it")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[1:]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """`tombola dev` in an empty folder, on a free port."""
    folder = tmp_path_factory.mktemp("readme")
    with developing(folder) as port:
        yield folder, port


def test_every_line_of_the_readme_does_what_it_says(running: tuple[Path, int]) -> None:
    folder, port = running
    keys, file, check, dialect, webhook, forged = (_shell(block, folder, port) for block in blocks())
    assert json.loads(keys)["keys"][0]["crv"] == "Ed25519"
    assert file == ""
    assert "Of 20 rows, 19 accepted, 1 rejected" in check
    assert "delimiter: ','" in dialect
    assert webhook.startswith("HTTP/1.1 20")
    problem = json.loads(forged)
    assert problem["status"] == 401
    assert problem["problems"][0]["expected"]

    receipts = folder / "tombola-home" / "receipts"
    until(lambda: any(receipts.rglob("receipt.json")))
    receipt = json.loads(next(receipts.rglob("receipt.json")).read_text())
    assert (receipt["rows"], receipt["accepted"], receipt["rejected"], receipt["duplicates"]) == (20, 19, 1, 0)
    assert receipt["verdict"] == "partial"
    assert receipt["errors"][0]["examples"][0]["line"] == 21


def test_the_console_is_there_and_says_what_is_going_on(running: tuple[Path, int]) -> None:
    _, port = running
    page = get(port, "/")
    assert page is not None
    assert "<html" in page
    state: dict[str, Any] = json.loads(get(port, "/console/state") or "null")
    assert state


def _shell(block: str, folder: Path, port: int) -> str:
    """Run a block as printed; only the port and the environment's own path are this test's."""
    script = block.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    script = script.replace(".nox/dev/bin/tombola", f"'{sys.executable}' -m tombola")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=STRANGER,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
