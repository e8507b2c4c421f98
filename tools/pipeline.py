"""Look over the pipeline: what the schema of Cloud Build cannot know, since it does not know this checkout.

`python tools/pipeline.py [FOLDER]` reads `cloudbuild*.yaml` of a checkout and names every problem at once: keys that
are not ours to use, steps that are more than one command, nox sessions and scripts that do not exist, steps that wait
for nobody, and substitutions that are used and not declared, or declared and not used.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

FILES = ("cloudbuild.yaml", "cloudbuild.deploy.yaml")
KEYS = {"steps", "artifacts", "substitutions", "options", "timeout"}
"""Without `serviceAccount`, which the trigger names, and without `images`, which tools/publish.py builds one by one."""
STEP_KEYS = {"id", "name", "entrypoint", "args", "waitFor"}
"""No `script`, and no `env` or `secretEnv`: a step is one command that anybody can run by hand."""
GIVEN = {"PROJECT_ID", "COMMIT_SHA"}
"""Substitutions that Cloud Build itself makes, of those that we use."""
SUBSTITUTION = re.compile(r"\$\{?(\w+)\}?")


def problems(folder: Path) -> list[str]:
    """Return what is wrong with the pipeline of a checkout, each with its file and step."""
    sessions = nox_sessions(folder / "noxfile.py")
    return [
        f"{name}: {problem}"
        for name in FILES
        for problem in _problems(yaml.safe_load((folder / name).read_text(encoding="utf-8")), folder, sessions)
    ]


def nox_sessions(noxfile: Path) -> set[str]:
    """Return the names of the sessions of a noxfile, which is read and not run."""
    functions = [
        node for node in ast.parse(noxfile.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
    ]
    return {one.name for one in functions if any("nox.session" in ast.unparse(mark) for mark in one.decorator_list)}


def steps(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every step of the pipeline with its file."""
    for name in FILES:
        for step in yaml.safe_load((folder / name).read_text(encoding="utf-8"))["steps"]:
            yield name, step


def _problems(build: Mapping[str, Any], folder: Path, sessions: set[str]) -> Iterator[str]:
    for key in sorted(build.keys() ^ KEYS):
        yield f"{key}: {'unknown' if key in build else 'missing'}; expected exactly {', '.join(sorted(KEYS))}"
    earlier: set[str] = set()
    for step in build.get("steps", []):
        told = step.get("id", "a step without an id")
        for problem in [*_of_keys(step), *_of_command(step, folder, sessions), *_of_waiting(step, earlier)]:
            yield f"step {told}: {problem}"
        earlier.add(told)
    yield from _of_substitutions(build)


def _of_keys(step: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(step.keys() - STEP_KEYS):
        yield f"{key}: expected none but {', '.join(sorted(STEP_KEYS))}"
    if "id" not in step:
        yield "expected an id"


def _of_command(step: Mapping[str, Any], folder: Path, sessions: set[str]) -> Iterator[str]:
    match step.get("entrypoint"), step.get("args", []):
        case "nox", ["-s", session, *_]:
            if session not in sessions:
                yield f"nox session {session!r} does not exist; there are {', '.join(sorted(sessions))}"
            if session == "deliver":
                yield from _of_script(f"tools/{(step['args'] + ['', ''])[3]}.py", folder)
        case "python", [script, *_]:
            yield from _of_script(script, folder)
        case entrypoint, args:
            yield f"{entrypoint} {args}; expected nox -s SESSION, or python tools/SCRIPT.py"


def _of_script(script: str, folder: Path) -> Iterator[str]:
    if not re.fullmatch(r"tools/\w+\.py", script) or not (folder / script).is_file():
        yield f"{script} does not exist; expected a script of tools/"


def _of_waiting(step: Mapping[str, Any], earlier: set[str]) -> Iterator[str]:
    if step.get("id") in earlier:
        yield "another step has this id"
    for awaited in step.get("waitFor", []):
        if awaited not in earlier:
            yield f"waits for {awaited!r}, which is no earlier step"


def _of_substitutions(build: Mapping[str, Any]) -> Iterator[str]:
    declared = build.get("substitutions", {})
    used = set(SUBSTITUTION.findall(yaml.safe_dump(dict(build))))
    for name in sorted(used - declared.keys() - GIVEN):
        yield f"${name} is used and not declared"
    for name in sorted(declared.keys() - used):
        yield f"${name} is declared and not used"


def main() -> int:
    """Say what is wrong; return whether anything is."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1]
    found = problems(folder)
    sys.stderr.write("".join(f"{problem}\n" for problem in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
