"""Every bundle alone in an environment of its own, on emulators, sent what the platform sends."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.bundles.emulated import Cloud, emulated
from tests.bundles.serving import ROOT, Reply, Service, served
from tests.bundles.shapes import MESSAGES, OBJECTS, PLATFORM, Request
from tests.bundles.stories import STORIES

from tombola.events import Event
from tombola.ports.objects import ObjectRef
from tombola.runtime.manifests import HttpTrigger, Manifest, read_manifests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FUNCTIONS = read_manifests(ROOT / "functions")
GONE = {"superseded", "staged-file-gone"}
"""Why sample events of files are put aside: the files they name are not here."""


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Run the emulators."""
    with emulated(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@contextmanager
def deployed(bundles: Path, name: str, environment: Mapping[str, str], folder: Path) -> Iterator[Service]:
    """Install a bundle alone, and serve it."""
    python = install(bundles / name / "requirements.txt", folder / "venv")
    program = python.parent / "functions-framework"
    with served(program, bundles / name / "main.py", name, environment, folder / "log") as service:
        yield service


def install(requirements: Path, folder: Path) -> Path:
    """Install requirements, and nothing else, where nothing is; return the interpreter."""
    python = folder / "bin" / "python"
    for command in (
        ["uv", "venv", "--quiet", "--python", sys.executable, str(folder)],
        ["uv", "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", requirements.name],
    ):
        done = subprocess.run(command, cwd=requirements.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return python


def requests_of(told: Request | Event | ObjectRef, prefix: str, number: int) -> Request:
    """Return what is told in the shape whose turn it is."""
    if isinstance(told, Event):
        return MESSAGES[number % len(MESSAGES)](told.outbound().message, number)
    if isinstance(told, ObjectRef):
        physical = ObjectRef(f"{prefix}{told.bucket}", told.name, told.generation)
        return OBJECTS[number % len(OBJECTS)](physical, number)
    return told


def asked(service: Service, request: Request) -> Reply:
    """Send a request; return the answer."""
    return service.ask(request.body, request.headers, method=request.method, path=request.path)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_bundle_alone_does_its_work(name: str, bundles: Path, cloud: Cloud, tmp_path: Path) -> None:
    manifest = FUNCTIONS[name]
    warehouse = bool(manifest.reads.warehouse or manifest.writes.warehouse)
    world, environment = cloud.project(name, warehouse=warehouse)
    with deployed(bundles, name, environment, tmp_path) as service:
        for number in range(len(MESSAGES)):
            story = STORIES[name](world, number)
            request = requests_of(next(story), environment["TOMBOLA_BUCKET_PREFIX"], number)
            reply = asked(service, request)
            with pytest.raises(StopIteration):
                story.send(reply)
        assert world.heard("dead-letters") == [], service.log()
        understands_its_samples(manifest, service)
        letters = {letter.attributes["reason"] for letter in world.heard("dead-letters")}
        assert letters <= GONE, service.log()
        assert {line["severity"] for line in service.log()} <= {"INFO", "WARNING"}, service.log()


def understands_its_samples(manifest: Manifest, service: Service) -> None:
    """Hold that a function answers its own samples with yes, or with a refusal that says why."""
    for sample in sorted((manifest.folder / "events").glob("*.json")):
        reply = service.ask(sample.read_bytes(), PLATFORM, path="/corner-shop")
        if isinstance(manifest.trigger, HttpTrigger):
            told: dict[str, Any] = reply.json
            assert (reply.status, told["type"]) == REFUSED[manifest.name], told
        else:
            assert reply.status == 204, service.log()


UNSIGNED, UNREADABLE = (401, "urn:tombola:problem:unsigned"), (401, "urn:tombola:problem:bad-token")
REFUSED = {
    "check_out": UNSIGNED, "choose_offer": UNSIGNED, "enter_free": UNSIGNED, "receive_webhook": UNSIGNED,
    "record_payment": UNSIGNED, "claim_prize": UNREADABLE, "play_game": UNREADABLE,
    "export_report": (404, "urn:tombola:problem:unknown-campaign"),
}  # fmt: skip
"""Samples of requests are not signed by this shop, nor their tokens by these keys."""
