"""The pipeline: as Cloud Build wants it, naming only what exists, and each step takes the words that it is given."""

import importlib
import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.pipeline.conftest import ROOT

import pipeline

CHECKER = [os.environ.get("CHECK_JSONSCHEMA", "check-jsonschema"), "--builtin-schema", "vendor.cloudbuild"]
FILLED = {
    "_ENVIRONMENT": "dev",
    "_WATCH_SECONDS": "60",
    "_NEXT": "tombola-prod/europe-west1/deploy",
    "COMMIT_SHA": "a" * 40,
}
"""What stands for substitutions."""


def script_words() -> list[tuple[str, list[str]]]:
    """Return every script of a step and the words that it is given, without substitutions."""
    found = []
    for _, step in pipeline.steps(ROOT):
        words = [re.sub(r"\$\{?(\w+)\}?", lambda name: FILLED.get(name[1], "made-up"), word) for word in step["args"]]
        if step["entrypoint"] == "python":
            found.append((Path(words[0]).stem, words[1:]))
        elif words[1] == "deliver":
            found.append((words[3], words[4:]))
        elif words[1] in {"bundle", "sbom"}:
            found.append((words[1], words[3:]))
    return found


def schema_problems(*files: Path) -> str:
    """Return what the schema of Cloud Build has against files, nothing if it has nothing."""
    done = subprocess.run([*CHECKER, *map(str, files)], check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def change(folder: Path, do: Callable[[dict[str, object]], None], name: str = "cloudbuild.yaml") -> None:
    """Change a build of a copy."""
    file = folder / name
    build = yaml.safe_load(file.read_text(encoding="utf-8"))
    do(build)
    file.write_text(yaml.safe_dump(build), encoding="utf-8")


def test_the_pipeline_is_as_cloud_build_wants_it(damaged: Path) -> None:
    assert schema_problems(*(ROOT / name for name in pipeline.FILES)) == ""
    change(damaged, lambda build: build["steps"][0].update(args="one word"))
    assert "steps[0].args" in schema_problems(damaged / "cloudbuild.yaml")


def test_the_pipeline_names_only_what_exists() -> None:
    assert pipeline.problems(ROOT) == []


@pytest.mark.parametrize(
    ("do", "problem"),
    [
        (lambda build: build["steps"][1].update(args=["-s", "lints"]), "step lint: nox session 'lints' does not exist"),
        (lambda build: build["steps"][0].update(args=["tools/none.py"]), "tools/none.py does not exist"),
        (lambda build: build["steps"][0].update(args=["../else.py"]), "../else.py does not exist"),
        (lambda build: build["steps"][0].update(entrypoint="bash", args=["-c", "true"]), "expected nox -s SESSION"),
        (lambda build: build["steps"][0].update(script="true"), "script: expected none but"),
        (lambda build: build["steps"][0].update(waitFor=["lint"]), "waits for 'lint', which is no earlier step"),
        (lambda build: build["steps"][1].update(id="restore-caches"), "another step has this id"),
        (lambda build: build.update(serviceAccount="everybody"), "serviceAccount: unknown"),
        (lambda build: build.pop("timeout"), "timeout: missing"),
        (lambda build: build["substitutions"].pop("_NEXT"), "$_NEXT is used and not declared"),
        (lambda build: build["substitutions"].update(_MORE=""), "$_MORE is declared and not used"),
    ],
)
def test_what_is_wrong_is_named(damaged: Path, do: Callable[[dict[str, object]], None], problem: str) -> None:
    change(damaged, do)
    assert problem in "\n".join(pipeline.problems(damaged))


def test_a_step_of_a_deployment_needs_its_script(damaged: Path) -> None:
    (damaged / "tools" / "rollout.py").unlink()
    told = pipeline.problems(damaged)
    assert {one.partition(": tools/")[0] for one in told} == {
        "cloudbuild.deploy.yaml: step note-revisions", "cloudbuild.deploy.yaml: step watch"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("script", "words"), script_words(), ids=lambda one: one if isinstance(one, str) else " ".join(one)
)
def test_a_script_takes_the_words_of_its_step(script: str, words: list[str]) -> None:
    assert importlib.import_module(script).parsed(words)


def told_commands() -> list[tuple[str, list[str]]]:
    """Return the commands of ours that docs/deploy.md tells, by the script they run."""
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    told = [shlex.split(line, comments=True) for line in blocks.splitlines() if line.startswith(("python ", "nox "))]
    found = [(Path(words[1]).stem, words[2:]) for words in told if words[0] == "python"]
    found += [(words[4], words[5:]) for words in told if words[:3] == ["nox", "-s", "deliver"]]
    return found + [(words[2], words[4:]) for words in told if words[:3] == ["nox", "-s", "bundle"]]


@pytest.mark.parametrize(
    ("script", "words"), told_commands(), ids=lambda one: one if isinstance(one, str) else " ".join(one)
)
def test_the_commands_that_the_docs_tell_are_taken(script: str, words: list[str]) -> None:
    assert importlib.import_module(script).parsed(words)


def test_the_docs_tell_how_everything_is_deployed() -> None:
    assert {"deploy", "publish", "smoke", "bundle"} <= {script for script, _ in told_commands()}


def test_bundles_are_checked_and_deployed_with_the_same_words() -> None:
    words = [words for script, words in script_words() if script in {"bundle", "sbom"}]
    assert len(words) == 3
    assert len({json.dumps(one) for one in words}) == 1
