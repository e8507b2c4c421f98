"""An emulator is a process of its own: started on free ports, waited for, and stopped with all its children."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from tombola.errors import Fault

PATIENCE = 90
"""Seconds an emulator may take to answer: on a busy machine a Java process is slow to start."""
STOPPING = 10
HOME = "TOMBOLA_EMULATORS"
"""Names the environment that `tools/emulators.txt` was installed into."""


class Missing(Fault):
    """An emulator is not on this machine. Says how to get it."""

    code = "emulator-missing"
    status = 500


class NotStarted(Fault):
    """An emulator ended, or did not answer in time. Says what it wrote last."""

    code = "emulator-not-started"
    status = 500


@dataclass(frozen=True, slots=True)
class Running:
    """An emulator that answers. `environment` is what makes Google's own clients go there."""

    name: str
    address: str
    environment: Mapping[str, str] = field(default_factory=dict)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def sdk_platform(part: str, component: str) -> Path:
    """Return a part of the Google Cloud SDK's `platform` folder. Raises `Missing`."""
    gcloud = shutil.which("gcloud")
    if gcloud is not None:
        asked = [gcloud, "info", "--format=value(installation.sdk_root)"]
        root = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 (found on PATH)
        if root and (found := Path(root) / "platform" / part).exists():
            return found
    msg = f"{component} is not installed; get it with: gcloud components install {component}"
    raise Missing(msg)


def installed(program: str, within: str = "bin/{}") -> Path:
    """Return a program of the emulators' environment, else of the PATH. Raises `Missing`.

    `within` is where it lies in that environment, a pattern for `Path.glob`.
    """
    if home := os.environ.get(HOME):
        for found in Path(home).glob(within.format(program)):
            return found
    if found_on_path := shutil.which(program):
        return Path(found_on_path)
    msg = (
        f"{program} is neither in the environment that {HOME} names nor on the PATH; get it with: "
        "python -m venv emulators && emulators/bin/pip install -r tools/emulators.txt, and set "
        f"{HOME}=emulators"
    )
    raise Missing(msg)


def java() -> str:
    """Return the Java that Google's emulators run on. Raises `Missing`."""
    if found := shutil.which("java"):
        return found
    msg = "java is not on the PATH; Google's emulators need a Java runtime of version 11 or later"
    raise Missing(msg)


@contextmanager
def running(
    emulator: Running,
    command: Sequence[str | Path],
    *,
    ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Run `command` while the block runs; give `emulator` once `ready` says so. Raises `NotStarted`."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 (our own words and ports)
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})}, start_new_session=True,
        )  # fmt: skip
        try:
            give_up_at = time.monotonic() + PATIENCE
            while not ready():
                if process.poll() is not None or time.monotonic() > give_up_at:
                    said.seek(0)
                    last = said.read().decode(errors="replace")[-2000:]
                    msg = f"{emulator.name} does not answer at {emulator.address}; it wrote last: {last}"
                    raise NotStarted(msg)
                time.sleep(0.1)
            yield emulator
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the process and its children to end; make them after a while."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOPPING)
            return


def listening(port: int) -> bool:
    """Tell whether somebody accepts connections on a port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def answers(url: str) -> bool:
    """Tell whether an emulator answers this question with yes."""
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310 (our own emulator)
            return bool(answer.status == 200)  # noqa: PLR2004 (as HTTP has it)
    except (OSError, HTTPException):
        return False
