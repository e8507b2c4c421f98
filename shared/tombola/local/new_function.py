"""A new function's folder: manifest, code, a sample event and a test, from templates; every check passes as it is."""

import importlib
import json
import keyword
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import jinja2
from pydantic import ValidationError

import tombola
from tombola import runtime
from tombola.errors import Conflict, Malformed, Problem
from tombola.events import Event, topic_name
from tombola.ports.objects import ObjectRef
from tombola.problems import problems_of
from tombola.runtime.manifest_model import FunctionFile
from tombola.runtime.manifests import MANIFEST, NAME, SCHEMA, TABLE, read_manifests, schema_text, table_text
from tombola.runtime.testing import body_of, push
from tombola.runtime.topology import NOTIFYING_BUCKETS, TOPICS

TEMPLATES = Path(__file__).parent / "templates" / "new_function"
MAX_NAME = 49
"""Cloud Run's services have no longer names."""
TRIGGERS = "topic:NAME, bucket:NAME, http or schedule:CRON"
Facts = Mapping[str, str]


def new_function(functions: Path, name: str, on: str) -> list[Path]:
    """Make the folder of a function and what is made from all manifests; return what was written.

    `on` is one of `TRIGGERS`. Raises `Malformed` for a bad name or trigger, and when the other manifests are broken;
    `Conflict` when the function exists.
    """
    _check_name(name)
    if (functions / name).exists():
        msg = f"there is a function {name} already"
        raise Conflict(msg, [Problem("NAME", str(functions / name), "a new name")])
    read_manifests(functions)
    files = files_of(name, on)
    for path, content in files.items():
        (functions / name / path).parent.mkdir(parents=True, exist_ok=True)
        (functions / name / path).write_text(content, encoding="utf-8")
    (functions / SCHEMA).write_text(schema_text(), encoding="utf-8")
    (functions / TABLE).write_text(table_text(read_manifests(functions)), encoding="utf-8")
    return [functions / name / path for path in files]


def files_of(name: str, on: str) -> dict[str, str]:
    """Return the files of a function by their paths in its folder. Raises `Malformed` for a bad trigger."""
    kind, _, what = on.partition(":")
    if kind not in _KINDS or bool(what) != (kind != "http"):
        raise _bad_trigger(on, TRIGGERS)
    facts, sample, content = _KINDS[kind](what, name.replace("_", "-"))
    facts = {"name": name, "kind": kind, **facts}
    return {
        MANIFEST: _rendered("function.yaml", facts),
        "main.py": _rendered(f"{kind}.py", facts),
        f"test_{name}.py": _rendered("test.py", facts),
        f"events/{sample}.json": content,
    }


def event_type(topic: str) -> type[Event] | None:
    """Return the type of a topic's events, None when it has none."""
    packages = sorted(path.parent.name for path in Path(tombola.__file__).parent.glob("*/events.py"))
    modules = {importlib.import_module(f"tombola.{package}.events").__name__ for package in packages}
    return {found.TYPE: found for found in Event.__subclasses__() if found.__module__ in modules}.get(topic)


def _of_topic(topic: str, service: str) -> tuple[Facts, str, str]:
    known = {name for name in TOPICS if event_type(name)}
    found = event_type(topic) if topic in known else None
    if found is None:
        raise _bad_trigger(topic, f"one of {', '.join(sorted(known))}", "topic")
    lanes = TOPICS[topic].lanes
    said = f", lanes: [{', '.join(lanes)}]" if len(lanes) > 1 else ""
    sample = found.model_validate_json((TEMPLATES / "samples" / f"{topic}.json").read_bytes())
    facts = {"topic": topic, "event": found.__name__, "module": found.__module__}
    body = push(sample.outbound().message, subscription=topic_name(service))
    return {**facts, "trigger": f"{{topic: {topic}{said}}}"}, "one", _indented(body)


def _of_bucket(bucket: str, service: str) -> tuple[Facts, str, str]:
    if bucket not in NOTIFYING_BUCKETS:
        raise _bad_trigger(bucket, f"one of {', '.join(sorted(NOTIFYING_BUCKETS))}", "bucket")
    body = body_of(ObjectRef(bucket, "corner-shop/orders/monday.csv", 1497542560123456), subscription=service)
    return {"bucket": bucket, "trigger": f"{{bucket: {bucket}}}"}, "one", _indented(body)


def _of_http(_: str, __: str) -> tuple[Facts, str, str]:
    return {"trigger": "{http: POST}"}, "one", '{"name": "Ann"}\n'


def _of_schedule(schedule: str, _: str) -> tuple[Facts, str, str]:
    try:
        FunctionFile.model_validate({"summary": "x", "trigger": {"schedule": schedule}})
    except ValidationError as error:
        raise _bad_trigger(schedule, problems_of(error)[0].expected, "schedule") from None
    return {"trigger": f'{{schedule: "{schedule}"}}'}, "schedule", "{}\n"


_KINDS: Mapping[str, Callable[[str, str], tuple[Facts, str, str]]] = {
    "topic": _of_topic,
    "bucket": _of_bucket,
    "http": _of_http,
    "schedule": _of_schedule,
}


def _check_name(name: str) -> None:
    taken = keyword.iskeyword(name) or name in runtime.__all__
    if NAME.fullmatch(name) and len(name) <= MAX_NAME and not taken:
        return
    expected = f"a verb phrase in lower case, its words joined by _, at most {MAX_NAME} characters, no word of Python"
    msg = "this cannot be the name of a function"
    raise Malformed(msg, [Problem("NAME", repr(name[: 2 * MAX_NAME]), expected)])


def _bad_trigger(found: str, expected: str, kind: str = "") -> Malformed:
    where = f"--on {kind}:" if kind else "--on"
    return Malformed("nothing can trigger a function so", [Problem(where, repr(found[:80]), expected)])


def _rendered(template: str, facts: Facts) -> str:
    source = (TEMPLATES / f"{template}.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 (Python and YAML, from our own templates; names are checked)
    return re.sub(r"\n{4,}", "\n\n\n", environment.from_string(source).render(facts))


def _indented(body: bytes) -> str:
    return json.dumps(json.loads(body), indent=2) + "\n"
