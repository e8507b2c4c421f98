"""One suite per port, run on one set of adapters: `--adapters embedded` (the default) or `--adapters google`.

On Google's adapters it meets the emulators, started here, and leaves out what `deviations.py` names. Also how contract
tests run other processes, and kill them.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.contract.deviations import DEVIATIONS
from tests.contract.google_documents import google_documents
from tests.contract.google_keys import google_keys, secret_manager_server
from tests.contract.google_objects import buckets_root, google_objects, storage_emulator
from tests.contract.google_topics import google_topics, pubsub_emulator, pubsub_project
from tests.contract.google_warehouse import bigquery_emulator, google_warehouse

__all__ = [
    "bigquery_emulator", "buckets_root", "google_documents", "google_keys", "google_objects", "google_topics",
    "google_warehouse", "pubsub_emulator", "pubsub_project", "secret_manager_server", "storage_emulator",
]  # fmt: skip

Racers = Callable[[int, Callable[[int], object]], list[object]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On Google's adapters leave out what no emulator can show."""
    if config.getoption("--adapters") == "embedded":
        return
    names = {id(item): f"{item.path.name}::{item.name.partition('[')[0]}" for item in items}
    files = {item.path.name for item in items}
    if gone := [test for test in DEVIATIONS if test.partition("::")[0] in files and test not in names.values()]:
        msg = f"deviations name tests that are no more: {', '.join(gone)}"
        raise pytest.UsageError(msg)
    left = [item for item in items if names[id(item)] not in DEVIATIONS]
    config.hook.pytest_deselected(items=[item for item in items if names[id(item)] in DEVIATIONS])
    items[:] = left


@pytest.fixture(scope="session")
def adapters(request: pytest.FixtureRequest) -> str:
    """Name the set of adapters that is held to its promises."""
    chosen: str = request.config.getoption("--adapters")
    return chosen


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], str]:
    """Return a runner of Python text in a process of its own, with `HOME` defined; gives its output."""

    def runner(text: str) -> str:
        done = subprocess.run(_command(tmp_path, text), capture_output=True, text=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return runner


@pytest.fixture
def kill_after(tmp_path: Path) -> Callable[[str, int], list[str]]:
    """Return a runner that kills (SIGKILL) the process once it has written so many lines; gives all lines."""

    def runner(text: str, lines: int) -> list[str]:
        with subprocess.Popen(_command(tmp_path, text), stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
            assert process.stdout is not None
            seen = [process.stdout.readline().strip() for _ in range(lines)]
            process.send_signal(signal.SIGKILL)
            seen += [line.strip() for line in process.stdout if line.endswith("\n")]
        assert process.returncode == -signal.SIGKILL
        return seen

    return runner


@pytest.fixture
def race() -> Racers:
    """Return a runner of one function in many threads that start together; an error is its outcome."""

    def runner(racers: int, act: Callable[[int], object]) -> list[object]:
        outcomes: list[object] = [None] * racers
        start = threading.Barrier(racers)

        def racer(number: int) -> None:
            start.wait()
            try:
                outcomes[number] = act(number)
            except Exception as error:  # noqa: BLE001 (the test looks at it)
                outcomes[number] = error

        threads = [threading.Thread(target=racer, args=(number,)) for number in range(racers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes

    return runner


def _command(home: Path, text: str) -> list[str]:
    return [sys.executable, "-c", f"from pathlib import Path\nHOME = Path({str(home)!r})\n{text}"]
