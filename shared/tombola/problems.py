"""What pydantic finds wrong, in this project's words: where, what was found, what was expected.

One table for every door, so that a fault reads alike in a file, a webhook, an event and a manifest. What
is expected never repeats a sender's value: that half is shown where the payload may not be.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import ErrorDetails

from tombola.errors import Problem
from tombola.problem_words import expected_words

MOST_SHOWN = 80
"""Most characters of a found value that a problem repeats."""
MOST_HINTED = 100
"""Unknown fields that are compared with the known ones; a hostile body has thousands."""
NEAR = 0.7
"""How alike two names are, from 0 to 1, before one is taken for a slip of the other."""

Path = tuple[str | int, ...]
Where = Callable[[Path], str]
_Schema = Mapping[str, Any]


def in_json(path: Path) -> str:
    """Return a path as programs write it, `lines.0.value`; `body` for the whole."""
    return ".".join(map(_name, _names(path))) or "body"


def in_file(path: Path) -> str:
    """Return a path as a person counts, items from one: `retailers #2`; empty for the whole."""
    text = "".join(f" #{name + 1}" if isinstance(name, int) else f".{_name(name)}" for name in _names(path))
    return text[1:]


def shown(value: object) -> str:
    """Return a found value, cropped, and of a list or map only its size."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list | tuple):
        return f"a {'map' if isinstance(value, dict) else 'list'} of {len(value)}"
    text = repr(value) if not isinstance(value, str) or len(value) <= MOST_SHOWN else repr(value[:MOST_SHOWN]) + "…"
    return text if len(text) <= 2 * MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def problems_of(
    error: ValidationError, model: type[BaseModel] | None = None, *, most: int = 100, where: Where = in_json
) -> list[Problem]:
    """Return every problem of a validation error; what is beyond `most` is counted in one more.

    `model` is what was to be validated: with it an unknown field is told which known one it resembles.
    """
    known = _Known(model, error)
    problems = [_problem(each, known, where) for each in known.details[:most]]
    return [*problems, *_more(len(known.details) - most, where)]


def at_most(most: int, problems: list[Problem], where: Where = in_json) -> list[Problem]:
    """Return the first `most` problems, and one that counts the rest."""
    return [*problems[:most], *_more(len(problems) - most, where)]


def located_problems(
    error: ValidationError, model: type[BaseModel] | None, where: Where
) -> Iterator[tuple[Path, Problem]]:
    """Yield every problem with its path."""
    known = _Known(model, error)
    return ((each["loc"], _problem(each, known, where)) for each in known.details)


def _more(count: int, where: Where) -> list[Problem]:
    return [Problem(where(()), f"{count} more problems", "none")] if count > 0 else []


def _problem(details: ErrorDetails, known: "_Known", where: Where) -> Problem:
    return Problem(where(details["loc"]), *_found_and_expected(details, known))


def _echo(details: ErrorDetails) -> bool:
    """Tell whether a list is called too short only because its items, each named already, are at fault."""
    return details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]


def _found_and_expected(details: ErrorDetails, known: "_Known") -> tuple[str, str]:
    type_, context = details["type"], details.get("ctx", {})
    if type_ == "missing":
        return "nothing", "a value"
    if type_ == "extra_forbidden":
        near = known.meant.get(details["loc"])
        return "a field that is not known here", f"the field {near}" if near else "no such field"
    if type_ == "json_invalid":
        place = re.search(r" at (line \d+) (column \d+)$", str(context["error"]))
        return f"no JSON at {place[1]}, {place[2]}" if place else "no JSON", "JSON"
    if type_ in {"value_error", "assertion_error"}:
        # Our own validators say "<found>; expected <expected>".
        found, _, expected = str(context["error"]).partition("; expected ")
        return found[: 2 * MOST_SHOWN], expected or "a valid value"
    if type_ == "string_pattern_mismatch":
        return shown(details["input"]), known.described(details["loc"], str(context["pattern"]))
    return shown(details["input"]), expected_words(type_, context, details["msg"])


class _Known:
    """The details of a validation error, and what the model's JSON Schema, made only when asked, knows of them.

    A slip in a required field's name is one problem, not two.
    """

    def __init__(self, model: type[BaseModel] | None, error: ValidationError) -> None:
        self._model = model
        details = [each for each in error.errors(include_url=False) if not _echo(each)]
        missing: dict[Path, list[str]] = {}
        for each in details:
            if each["type"] == "missing":
                missing.setdefault(each["loc"][:-1], []).append(str(each["loc"][-1]))
        extra = [each["loc"] for each in details if each["type"] == "extra_forbidden"][:MOST_HINTED]
        self.meant = {path: near for path in extra if (near := self._near(path, missing.get(path[:-1], ())))}
        slips = {(*path[:-1], near) for path, near in self.meant.items()}
        self.details = [each for each in details if each["type"] != "missing" or each["loc"] not in slips]

    def _near(self, path: Path, missing: Iterable[str]) -> str | None:
        """Return the known field that an unknown one resembles, a missing one rather than another."""
        name = str(path[-1]).casefold()
        if len(name) > MOST_SHOWN:
            return None
        fields = [field for node in self._at(path[:-1]) for field in node.get("properties", {})]
        for known in (missing, fields):
            by_name = {field.casefold(): field for field in known}
            if found := get_close_matches(name, by_name, 1, NEAR):
                return by_name[found[0]]
        return None

    def described(self, path: Path, pattern: str) -> str:
        """Return the words that the model has for a pattern, or the pattern."""
        words = (node.get("description") for node in self._at(path) if node.get("pattern") == pattern)
        return next((word for word in words if word), f"text that matches {pattern}")

    def _at(self, path: Path) -> list[_Schema]:
        schema = _schema(self._model) if self._model else {}
        nodes = list(_members(schema, schema))
        for step in path:
            # Which member of a union it was taken for is a step too, and goes no deeper.
            same = nodes if isinstance(step, str) and sum(node.get("type") != "null" for node in nodes) > 1 else []
            nodes = [leaf for node in nodes for leaf in _members(schema, _inside(node, step))] + same
        return nodes


@cache
def _schema(model: type[BaseModel]) -> _Schema:
    try:
        return model.model_json_schema()
    except PydanticUserError:
        return {}  # a type that JSON Schema cannot say: no hints, the same problems


def _members(schema: _Schema, node: _Schema) -> Iterator[_Schema]:
    """Yield a node with its reference followed, or every member of a union."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    union = node.get("anyOf") or node.get("oneOf")
    if union:
        for member in union:
            yield from _members(schema, member)
    else:
        yield node


def _inside(node: _Schema, step: str | int) -> _Schema:
    if isinstance(step, int):
        items: list[_Schema] = [*node.get("prefixItems", ())]
        rest: _Schema = node.get("items", {})
        return items[step] if step < len(items) else rest
    inner = node.get("properties", {}).get(step, node.get("additionalProperties"))
    return inner if isinstance(inner, dict) else {}


def _names(path: Path) -> Iterator[str | int]:
    return (name for name in path if name != "[key]")


def _name(name: str | int) -> str:
    text = str(name)
    return text if text.isprintable() and len(text) <= MOST_SHOWN else repr(text[:MOST_SHOWN])
