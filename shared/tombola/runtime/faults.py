"""Faults that only the runtime finds, and how a validation error becomes one."""

from collections.abc import Iterable

from pydantic import ValidationError

from tombola.errors import Fault, Problem

MOST_PROBLEMS = 100
"""Most problems that one answer names; the rest is counted."""
MOST_SHOWN = 80
"""Most characters of a found value that an answer repeats."""


class Misconfigured(Exception):
    """The environment or the folder of functions is not as it must be. Its words name settings, never data."""


class UnsupportedMediaType(Fault):
    """The body is not declared to be JSON."""

    code = "unsupported-media-type"
    status = 415


class MethodNotAllowed(Fault):
    """The function does not take this method."""

    code = "method-not-allowed"
    status = 405


class BeyondLimits(Fault):
    """Asks for something that a port never allows. The port's own words may show what lies inside: they stay here."""

    code = "beyond-limits"
    status = 422

    def __init__(self) -> None:
        """Say so, without a word of the port."""
        super().__init__("this asks for something beyond a limit")


def problems_of(error: ValidationError) -> list[Problem]:
    """Return every problem of a validation error: place, what was found, what was expected."""
    found = error.errors(include_url=False)
    problems = [
        _problem(one["type"], one["loc"], one["input"], one["msg"], one.get("ctx", {})) for one in found[:MOST_PROBLEMS]
    ]
    if len(found) > MOST_PROBLEMS:
        problems.append(Problem("", f"{len(found) - MOST_PROBLEMS} more problems", "none"))
    return problems


def _problem(
    type_: str, place: Iterable[int | str], value: object, message: str, context: dict[str, object]
) -> Problem:
    where = ".".join(map(str, place)) or "body"
    if type_ == "missing":
        return Problem(where, "nothing", "a value")
    if type_ == "extra_forbidden":
        return Problem(where, "a field that is not known here", "no such field")
    if type_ == "json_invalid":
        return Problem(where, message, "JSON")
    if type_ in {"value_error", "assertion_error"}:
        # Our own validators say "<found>; expected <expected>". What was found must not stand under "expected":
        # that half is repeated where the sender's values may not be.
        words, _, expected = str(context.get("error", message)).partition("; expected ")
        return Problem(where, words[: 2 * MOST_SHOWN], expected or "a valid value")
    return Problem(where, _shown(value), message)


def _shown(value: object) -> str:
    if isinstance(value, dict | list | tuple):
        return f"a {'list' if not isinstance(value, dict) else 'map'} of {len(value)}"
    text = repr(value) if not isinstance(value, str) or len(value) <= MOST_SHOWN else repr(value[:MOST_SHOWN]) + "…"
    return text if len(text) <= 2 * MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
