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
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from tombola.errors import Malformed, Problem
from tombola.ports.documents import COLLECTIONS
from tombola.runtime.faults import problems_of
from tombola.runtime.schedules import check_schedule
from tombola.runtime.topology import BUCKETS, NOTIFYING_BUCKETS, TABLES, TOPICS, Retry

MANIFEST, DEFAULTS, SCHEMA, TABLE = "function.yaml", "defaults.yaml", "function.schema.json", "README.md"
NAME = re.compile(r"[a-z]+(_[a-z]+)*")
Lane = Literal["live", "bulk"]


def _one_of(what: str, known: object) -> AfterValidator:
    names = sorted(map(str, known))  # type: ignore[call-overload]  # any collection of names

    def check(value: str) -> str:
        if value not in names:
            msg = f"{what} {value!r}; expected one of {', '.join(names)}"
            raise ValueError(msg)
        return value

    return AfterValidator(check)


Topic = Annotated[str, _one_of("topic", TOPICS), Field(json_schema_extra={"enum": sorted(TOPICS)})]
Collection = Annotated[str, _one_of("collection", COLLECTIONS), Field(json_schema_extra={"enum": sorted(COLLECTIONS)})]
Bucket = Annotated[str, _one_of("bucket", BUCKETS), Field(json_schema_extra={"enum": sorted(BUCKETS)})]
Notifying = Annotated[
    str, _one_of("bucket", NOTIFYING_BUCKETS), Field(json_schema_extra={"enum": sorted(NOTIFYING_BUCKETS)})
]
Table = Annotated[str, _one_of("table", TABLES), Field(json_schema_extra={"enum": sorted(TABLES)})]
KeyPattern = Annotated[str, Field(pattern=r"^[a-z0-9*-]{1,200}$")]
Extra = Literal["feeds", "reports", "signing", "warehouse"]
Memory = Annotated[str, Field(pattern=r"^(256|512)Mi$|^(1|2|4|8|16)Gi$")]
Timeout = Annotated[int, Field(ge=1, le=3600)]
Concurrency = Annotated[int, Field(ge=1, le=1000)]
MaxAttempts = Annotated[int, Field(ge=5, le=100)]


class Rules(BaseModel):
    """Base of every part of a manifest: frozen, and a field nobody knows is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TopicTrigger(Rules):
    """Called once per message of a topic, on every lane named, each with its own subscription and service."""

    topic: Topic
    lanes: tuple[Lane, ...] = ("live",)

    @model_validator(mode="after")
    def _on_lanes_there_are(self) -> "TopicTrigger":
        known = TOPICS[self.topic].lanes
        if not self.lanes or len(set(self.lanes)) < len(self.lanes) or not set(self.lanes) <= set(known):
            msg = f"lanes {list(self.lanes)}; expected one or more, each once, of {', '.join(known)}"
            raise ValueError(msg)
        return self


class BucketTrigger(Rules):
    """Called once per new object of a bucket."""

    bucket: Notifying


class HttpTrigger(Rules):
    """Called by HTTP with this method; `public` needs no identity of the platform."""

    http: Literal["GET", "POST"]
    public: bool = False


class ScheduleTrigger(Rules):
    """Called by a clock: five fields of cron, in UTC."""

    schedule: Annotated[str, AfterValidator(check_schedule)]


_TRIGGERS = ("topic", "bucket", "http", "schedule")


def _kind(value: object) -> str:
    names = value if isinstance(value, Mapping) else dir(value)
    stated = [name for name in _TRIGGERS if name in names]
    return stated[0] if len(stated) == 1 else "undecided"


Trigger = Annotated[
    Annotated[TopicTrigger, Tag("topic")]
    | Annotated[BucketTrigger, Tag("bucket")]
    | Annotated[HttpTrigger, Tag("http")]
    | Annotated[ScheduleTrigger, Tag("schedule")],
    Discriminator(
        _kind,
        custom_error_type="one_trigger",
        custom_error_message=f"Expected exactly one trigger of {', '.join(_TRIGGERS)}",
    ),
]


class Resources(Rules):
    """What is read, or written: document collections, buckets, warehouse tables."""

    documents: tuple[Collection, ...] = ()
    objects: tuple[Bucket, ...] = ()
    warehouse: tuple[Table, ...] = ()


class Declared(Rules):
    """What every manifest says."""

    summary: Annotated[str, Field(min_length=1, max_length=200)]
    trigger: Trigger
    publishes: tuple[Topic, ...] = ()
    reads: Resources = Resources()
    writes: Resources = Resources()
    secrets: tuple[KeyPattern, ...] = ()
    extras: tuple[Extra, ...] = ()


class FunctionFile(Declared):
    """A `function.yaml`. What it does not say of memory, time and retries, `defaults.yaml` says."""

    memory: Memory | None = None
    timeout: Timeout | None = None
    concurrency: Concurrency | None = None
    max_attempts: MaxAttempts | None = None


class Defaults(Rules):
    """A `defaults.yaml`. Times in seconds; retention in days."""

    memory: Memory
    timeout: Timeout
    concurrency: Concurrency
    max_attempts: MaxAttempts
    ack_deadline: Annotated[int, Field(ge=10, le=600)]
    minimum_backoff: Annotated[int, Field(ge=0, le=600)]
    maximum_backoff: Annotated[int, Field(ge=0, le=600)]
    retention_days: Annotated[int, Field(ge=1, le=31)]


class Manifest(Declared):
    """A function: what its file says, with the defaults filled in. `name` is folder and entry point alike."""

    name: str
    folder: Path
    sizing: Defaults

    @property
    def service(self) -> str:
        """Name of the deployed service, and first segment of its path on a laptop."""
        return self.name.replace("_", "-")

    @property
    def listens_to(self) -> tuple[str, tuple[str, ...]] | None:
        """Logical topic and lanes it is called on; None for HTTP functions and schedules."""
        match self.trigger:
            case TopicTrigger(topic=topic, lanes=lanes):
                return topic, lanes
            case BucketTrigger(bucket=bucket):
                return NOTIFYING_BUCKETS[bucket], ("live",)
        return None

    @property
    def retry(self) -> Retry:
        """How its subscriptions insist."""
        sizing = self.sizing
        return Retry(sizing.ack_deadline, sizing.minimum_backoff, sizing.maximum_backoff, sizing.max_attempts)


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
        problems += [Problem(f"{where}: {one.where}", one.found, one.expected) for one in problems_of(error)]
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
    expected = _DECORATORS[type(declared.trigger)] if declared else None
    yield from _problems_of_main(path / "main.py", path.name, expected)
    samples = sorted((path / "events").glob("*.json"))
    if declared and isinstance(declared.trigger, TopicTrigger | BucketTrigger) and not samples:
        yield Problem(f"{path.name}/events", "no sample event", "at least one *.json as the platform sends it")
    for sample in samples:
        try:
            json.loads(sample.read_bytes())
        except ValueError:
            yield Problem(f"{path.name}/events/{sample.name}", "no JSON", "a request body as the platform sends it")


def _problems_of_main(main: Path, name: str, decorator: str | None) -> Iterator[Problem]:
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
    elif decorator and decorator not in (stated := _decorators(found[0])):
        yield Problem(
            where, f"{name} decorated with {', '.join(stated) or 'nothing'}", f"@{decorator}, as its trigger says"
        )


def _decorators(function: ast.FunctionDef) -> list[str]:
    calls = (node.func if isinstance(node, ast.Call) else node for node in function.decorator_list)
    return [node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "") for node in calls]


def schema_text() -> str:
    """Return the JSON Schema of `function.yaml`, as it lies in the folder of functions."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **FunctionFile.model_json_schema()}
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def table_text(manifests: Mapping[str, Manifest]) -> str:
    """Return `functions/README.md`: one row per function."""
    head = [
        "# Functions",
        "",
        "One folder per deployed function. Made from the manifests by `python -m tombola.runtime.manifests --write`.",
        "",
        "| function | trigger | reads | writes | publishes | what it does |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(_row(manifest) for manifest in manifests.values()), ""])


def _row(manifest: Manifest) -> str:
    cells = (
        f"[`{manifest.name}`]({manifest.name}/main.py)",
        _trigger_words(manifest.trigger),
        _resource_words(manifest.reads),
        _resource_words(manifest.writes),
        ", ".join(f"`{topic}`" for topic in manifest.publishes),
        manifest.summary,
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _trigger_words(trigger: TopicTrigger | BucketTrigger | HttpTrigger | ScheduleTrigger) -> str:
    match trigger:
        case TopicTrigger(topic=topic, lanes=lanes):
            return f"topic `{topic}`" + (f" ({', '.join(lanes)})" if lanes != ("live",) else "")
        case BucketTrigger(bucket=bucket):
            return f"new object in `{bucket}`"
        case HttpTrigger(http=method, public=public):
            return f"HTTP {method}{', public' if public else ''}"
        case ScheduleTrigger(schedule=schedule):
            return f"schedule `{schedule}`"


def _resource_words(resources: Resources) -> str:
    kinds = (("documents", resources.documents), ("objects", resources.objects), ("warehouse", resources.warehouse))
    return "; ".join(f"{kind} {', '.join(f'`{name}`' for name in names)}" for kind, names in kinds if names)


def main(arguments: list[str]) -> int:
    """Check the manifests of a folder (`--write [FOLDER]` also writes what is made from them); return the exit code."""
    from tombola.runtime.wiring import functions_folder  # noqa: PLC0415 (only when run as a program)

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
