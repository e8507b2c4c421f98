"""Manifests: `functions/<name>/function.yaml`, all that is said about a function, said once.

The local runner, the infrastructure, the bundler and the table of functions read them from here.
`python -m tombola.runtime.manifests --write` writes what is made from them: the JSON Schema for
editors and the table in `functions/README.md`.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tombola.errors import Malformed, Problem
from tombola.problems import in_file, problems_of
from tombola.runtime.faults import Misconfigured
from tombola.runtime.manifest_model import (
    BucketTrigger,
    Declared,
    Defaults,
    FunctionFile,
    HttpTrigger,
    Manifest,
    Rules,
    ScheduleTrigger,
    TopicTrigger,
)
from tombola.runtime.manifest_table import schema_text, table_text

__all__ = [
    "BucketTrigger",
    "HttpTrigger",
    "Manifest",
    "ScheduleTrigger",
    "TopicTrigger",
    "functions_folder",
    "read_manifests",
    "schema_text",
    "table_text",
]

MANIFEST, DEFAULTS, SCHEMA, TABLE = "function.yaml", "defaults.yaml", "function.schema.json", "README.md"
KEYS = "idempotency"
"""The collection of keys, and the argument of `on_http` that asks for it."""
NAME = re.compile(r"[a-z]+(_[a-z]+)*")


def functions_folder() -> Path:
    """Return the folder of functions of this checkout. Raises `Misconfigured` when there is none."""
    folder = Path(__file__).resolve().parents[3] / "functions"
    if not folder.is_dir():
        msg = "TOMBOLA_FUNCTIONS: no folder of functions beside the installed code; expected the path of one"
        raise Misconfigured(msg)
    return folder


def read_manifests(folder: Path) -> dict[str, Manifest]:
    """Return every function of a folder by its name, in order.

    Raises `Malformed` (`malformed-manifests`) naming every problem of every file at once.
    """
    problems: list[Problem] = []
    defaults = _validated(Defaults, folder / DEFAULTS, DEFAULTS, problems)
    manifests: dict[str, Manifest] = {}
    for path in sorted(child for child in folder.iterdir() if child.is_dir() and child.name[0] not in "._"):
        declared = _validated(FunctionFile, path / MANIFEST, f"{path.name}/{MANIFEST}", problems)
        problems += _problems_of_folder(path, declared)
        if defaults is not None and declared is not None:
            manifests[path.name] = _manifest(path, declared, defaults)
    if problems:
        lines = [f"{one.where}: found {one.found}; expected {one.expected}" for one in problems]
        msg = "\n  ".join([f"{len(problems)} problems in the manifests of {folder.name}/", *lines])
        raise Malformed(msg, problems, code="malformed-manifests")
    return manifests


def _manifest(path: Path, declared: FunctionFile, defaults: Defaults) -> Manifest:
    said = {name: getattr(declared, name) for name in Declared.model_fields}
    overrides = {name: getattr(declared, name) for name in FunctionFile.model_fields if name not in said}
    sizing = defaults.model_copy(update={name: value for name, value in overrides.items() if value is not None})
    return Manifest(name=path.name, folder=path, sizing=sizing, **said)


@dataclass(frozen=True, slots=True)
class _File:
    """A YAML file as read, or why it could not be."""

    content: object = None
    problem: Problem | None = None


def _read(path: Path, where: str) -> _File:
    try:
        return _File(yaml.safe_load(path.read_bytes()))
    except FileNotFoundError:
        return _File(problem=Problem(where, "no such file", "a YAML file"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        return _File(problem=Problem(where, f"no YAML{place}", "a YAML file"))


def _validated(model: type[Any], path: Path, where: str, problems: list[Problem]) -> Any:  # noqa: ANN401 (the model's instance)
    file = _read(path, where)
    if file.problem is not None:
        problems.append(file.problem)
        return None
    try:
        return model.model_validate(file.content)
    except ValidationError as error:
        problems += problems_of(error, model, where=lambda path: ": ".join(filter(None, (where, in_file(path)))))
        return None


_DECORATORS: Mapping[type[Rules], str] = {
    TopicTrigger: "on_event",
    BucketTrigger: "on_object",
    HttpTrigger: "on_http",
    ScheduleTrigger: "on_schedule",
}


def _problems_of_folder(path: Path, declared: FunctionFile | None) -> Iterator[Problem]:
    """Yield what is wrong beside the manifest: the folder's name, `main.py`, the sample events."""
    if not NAME.fullmatch(path.name):
        yield Problem(path.name, "this folder name", "a verb phrase in lower case, words joined by underscores")
    yield from _problems_of_main(path / "main.py", path.name, declared)
    samples = sorted((path / "events").glob("*.json"))
    if declared and isinstance(declared.trigger, TopicTrigger | BucketTrigger) and not samples:
        yield Problem(f"{path.name}/events", "no sample event", "at least one *.json as the platform sends it")
    for sample in samples:
        try:
            json.loads(sample.read_bytes())
        except ValueError:
            yield Problem(f"{path.name}/events/{sample.name}", "no JSON", "a request body as the platform sends it")


def _problems_of_main(main: Path, name: str, declared: FunctionFile | None) -> Iterator[Problem]:
    where = f"{name}/main.py"
    if not main.is_file():
        yield Problem(where, "no such file", f"a module that defines {name}")
        return
    try:
        module = ast.parse(main.read_bytes())
    except (SyntaxError, ValueError):
        yield Problem(where, "no Python", f"a module that defines {name}")
        return
    found = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name]
    if not found:
        yield Problem(where, "no such function", f"a function {name}")
    elif declared:
        yield from _problems_of_decorators(found[0], declared, where)


def _problems_of_decorators(function: ast.FunctionDef, declared: FunctionFile, where: str) -> Iterator[Problem]:
    stated, expected = _decorators(function), _DECORATORS[type(declared.trigger)]
    if expected not in stated:
        found = f"{function.name} decorated with {', '.join(stated) or 'nothing'}"
        yield Problem(where, found, f"@{expected}, as its trigger says")
    asked = {word.arg for node in function.decorator_list if isinstance(node, ast.Call) for word in node.keywords}
    if "idempotency" in asked and not {KEYS} <= {*declared.reads.documents} & {*declared.writes.documents}:
        expected = f"documents [{KEYS}] under reads and under writes, where keys and answers are kept"
        yield Problem(f"{function.name}/{MANIFEST}", "a function that takes idempotency keys", expected)


def _decorators(function: ast.FunctionDef) -> list[str]:
    calls = (node.func if isinstance(node, ast.Call) else node for node in function.decorator_list)
    return [node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "") for node in calls]


def main(arguments: list[str]) -> int:
    """Check the manifests of a folder (`--write [FOLDER]` also writes what is made from them); return the exit code."""
    folders = [Path(argument) for argument in arguments if argument != "--write"]
    folder = folders[0] if folders else functions_folder()
    if "--write" in arguments:
        (folder / SCHEMA).write_text(schema_text(), encoding="utf-8")
    try:
        manifests = read_manifests(folder)
    except Malformed as fault:
        sys.stderr.write(f"{fault.message}\n")
        return 1
    if "--write" in arguments:
        (folder / TABLE).write_text(table_text(manifests), encoding="utf-8")
    sys.stdout.write(f"{len(manifests)} functions\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
