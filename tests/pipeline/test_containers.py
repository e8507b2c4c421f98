"""Containers: nobody's root, of a base that is pinned, with nothing in them that is secret."""

import json
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
from tests.demo.conftest import get, until
from tests.pipeline.conftest import ROOT

IGNORED = re.compile(r"\s*(#.*)?")


def instructions(file: Path) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile with their words, lines that go on as one."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not IGNORED.fullmatch(line)]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in joined]


def test_a_function_is_not_run_by_root_and_starts_as_the_platform_starts_it() -> None:
    told = instructions(ROOT / "Dockerfile")
    assert [words for name, words in told if name == "USER"] == ["10001"]
    assert told.index(("USER", "10001")) > max(n for n, (name, _) in enumerate(told) if name in {"RUN", "COPY"})
    assert told[-1] == ("CMD", '["functions-framework", "--source=main.py"]')
    variables = dict(one.split("=", 1) for name, words in told if name == "ENV" for one in words.split())
    assert variables["FUNCTION_TARGET"] == "${FUNCTION}"
    assert variables["FUNCTION_SIGNATURE_TYPE"] == "http"


def test_a_function_gets_its_bundle_and_nothing_else() -> None:
    copied = [words for name, words in instructions(ROOT / "Dockerfile") if name in {"COPY", "ADD"}]
    assert copied == ["requirements.txt *.whl ./", "main.py ./"]
    (install,) = [words for name, words in instructions(ROOT / "Dockerfile") if "pip install" in words]
    assert "--require-hashes" in install


@pytest.mark.parametrize("name", ["Dockerfile", "infra/builder/Dockerfile"])
def test_the_base_is_slim_and_pinned_and_no_secret_is_asked_for(name: str) -> None:
    told = instructions(ROOT / name)
    *_, base = [words for kind, words in told if kind == "FROM"]
    assert re.fullmatch(r"python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}", base)
    asked = [words for kind, words in told if kind in {"ARG", "ENV"}]
    assert not re.search(r"(?i)secret|token|password|key", " ".join(asked))


def test_its_command_and_variables_start_a_function(tmp_path: Path) -> None:
    told = instructions(ROOT / "Dockerfile")
    variables = dict(one.split("=", 1) for name, words in told if name == "ENV" for one in words.split())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    given = {**variables, "FUNCTION_TARGET": "list_keys", "PORT": port, "TOMBOLA_HOME": str(tmp_path)}
    process = subprocess.Popen(
        json.loads(told[-1][1]), cwd=ROOT / "functions" / "list_keys", env={**os.environ, **given},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: get(int(port), "/") == '{"keys":[]}')
    finally:
        process.terminate()
        process.wait()
