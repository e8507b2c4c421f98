"""A function in a process of its own, started as the platform starts it, and asked over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tombola.local.emulators.running import free_port, listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.bundles.shapes import Request

ROOT = Path(__file__).resolve().parents[2]
WANTED = ("-r", "requirements.txt")
PATIENCE = 60
"""Seconds a function may take to listen, on a machine that others use too."""
ANSWER = 300
"""Seconds for an answer: the emulator of BigQuery takes its time over a report."""
OURS = ("TOMBOLA_", "GOOGLE_", "PYTHON", "K_SERVICE", "VIRTUAL_ENV", "COVERAGE", "COV_")
"""What a deployed function would not find in its environment, unless it is told so."""


@dataclass(frozen=True)
class Reply:
    """What a function answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:  # noqa: ANN401 (whatever was answered)
        return json.loads(self.body)


@dataclass(frozen=True)
class Service:
    """A function that listens."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    said: Path

    def send(self, request: Request) -> Reply:
        """Send one request over a connection of its own; return the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER)
        headers = {"Content-Type": "application/json", **request.headers}
        try:
            connection.request(request.method, request.path, request.body, headers)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def kill(self) -> None:
        """Take the process away, and those that it started, as a machine that dies does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def log(self) -> list[dict[str, Any]]:
        """Return the lines that the function logged so far."""
        return self.lines(self.said)

    @staticmethod
    def lines(said: Path) -> list[dict[str, Any]]:
        """Return the lines of a log that are whole."""
        text = said.read_text() if said.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]


def installed(bundle: Path, folder: Path) -> Path:
    """Install what a bundle requires, and nothing else, where nothing is; return its `functions-framework`."""
    python = folder / "bin" / "python"
    for command in (
        ["uv", "venv", "--quiet", "--python", sys.executable, str(folder)],
        ["uv", "pip", "install", "--quiet", "--python", str(python), "--require-hashes", *WANTED],
    ):
        done = subprocess.run(command, cwd=bundle, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder / "bin" / "functions-framework"


@contextmanager
def served(
    program: Path, main: Path, name: str, environment: Mapping[str, str], said: Path, port: int | None = None
) -> Iterator[Service]:
    """Serve a function with `functions-framework` (`program`) while the block runs, in this environment alone."""
    port = port or free_port()
    command = [
        program, "--source", main, "--target", name, "--signature-type", "http", "--host", "127.0.0.1",
        "--port", str(port),
    ]  # fmt: skip
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    with said.open("ab") as log:
        process = subprocess.Popen(
            [str(word) for word in command], cwd=main.parent, env={**clean, **environment}, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    service = Service(name, port, process, said)
    try:
        give_up_at = time.monotonic() + PATIENCE
        while not listening(port):
            assert process.poll() is None, f"{name} ended with {process.returncode}: {said.read_text()[-3000:]}"
            assert time.monotonic() < give_up_at, f"{name} does not listen: {said.read_text()[-3000:]}"
            time.sleep(0.02)
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
