"""Every bundle alone in an environment of its own, on emulators, sent what the platform sends."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.bundles.emulated import Cloud, emulated
from tests.bundles.serving import ROOT, Service, installed, served
from tests.bundles.shapes import MESSAGES, PLATFORM, Request, sent
from tests.bundles.stories import STORIES

from tombola.runtime.manifests import HttpTrigger, Manifest, read_manifests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.bundles.conftest import Bundler

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
    """Install a bundle alone, and serve it, from a copy: Python writes beside what it imports."""
    bundle = shutil.copytree(bundles / name, folder / "bundle")
    program = installed(bundle, folder / "venv")
    with served(program, bundle / "main.py", name, environment, folder / "log") as service:
        yield service


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_bundle_alone_does_its_work(name: str, bundles: Path, cloud: Cloud, tmp_path: Path) -> None:
    manifest = FUNCTIONS[name]
    warehouse = bool(manifest.reads.warehouse or manifest.writes.warehouse)
    world, environment = cloud.project(name, warehouse=warehouse)
    with deployed(bundles, name, environment, tmp_path) as service:
        for number in range(1 if manifest.listens_to is None else len(MESSAGES)):
            story = STORIES[name](world, number)
            reply = service.send(sent(next(story), environment["TOMBOLA_BUCKET_PREFIX"], number))
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
        reply = service.send(Request(sample.read_bytes(), PLATFORM, path="/corner-shop"))
        if isinstance(manifest.trigger, HttpTrigger):
            told: dict[str, Any] = reply.json
            assert (reply.status, told["type"]) == REFUSED[manifest.name], told
        else:
            assert reply.status == 204, service.log()


UNSIGNED, UNPLAYED = (401, "urn:tombola:problem:unsigned"), (404, "urn:tombola:problem:unknown-token")
REFUSED = {
    "check_out": UNSIGNED, "choose_offer": UNSIGNED, "enter_free": UNSIGNED, "receive_webhook": UNSIGNED,
    "record_payment": UNSIGNED, "claim_prize": UNPLAYED, "play_game": UNPLAYED,
    "export_report": (404, "urn:tombola:problem:unknown-campaign"),
}  # fmt: skip
"""Samples of requests are not signed by this shop, nor were their tokens issued here."""


def test_a_bundle_that_lacks_what_its_function_imports_does_not_start(
    checkout: Path, bundler: Bundler, tmp_path: Path
) -> None:
    manifest = checkout / "functions" / "list_keys" / "function.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("extras: [signing]", ""), encoding="utf-8")
    assert bundler(checkout).returncode == 0
    bundle = checkout / "build" / "list_keys"
    program = installed(bundle, tmp_path / "venv")
    with (
        pytest.raises(AssertionError, match="ModuleNotFoundError"),
        served(program, bundle / "main.py", "list_keys", {}, tmp_path / "log"),
    ):
        pass


def test_every_function_has_half_as_much_memory_again_as_it_was_seen_to_need() -> None:
    """The intake of files is measured elsewhere too, with 20 million rows: the larger of the two counts."""
    seen = {name: one["peak_mib"] for name, one in _figures("cold")["functions"].items()}
    seen["validate_feed"] = max(seen["validate_feed"], _figures("feeds")["peak_mib_20m"])
    assert seen.keys() == FUNCTIONS.keys()
    short = {name: mib for name, mib in seen.items() if _mib(FUNCTIONS[name].sizing.memory) < 1.5 * mib}
    assert short == {}


def _figures(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "docs" / "bench" / f"{name}.json").read_bytes())
    return found


def _mib(memory: str) -> int:
    return int(memory[:-2]) * {"Mi": 1, "Gi": 1024}[memory[-2:]]
