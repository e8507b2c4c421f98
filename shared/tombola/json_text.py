"""JSON text that every reader reads alike."""

import json
import math

from tombola.errors import Malformed, Problem


def check_json(body: bytes) -> None:
    """Refuse what JSON readers disagree about, before anybody reads it: duplicate names, NaN, infinities, bad UTF-8.

    Raises `Malformed`.
    """
    try:
        json.loads(
            body.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
        )  # fmt: skip
    except UnicodeDecodeError as error:
        found = f"a byte that is not UTF-8 at offset {error.start}"
    except json.JSONDecodeError as error:
        found = f"no JSON at line {error.lineno}, column {error.colno}"
    except RecursionError:
        found = "too many levels of nesting"
    except ValueError as error:
        found = str(error) if isinstance(error, _Ambiguous) else "a number that is too long"
    else:
        return
    msg = "the body is not JSON that can be read in one way only"
    raise Malformed(msg, [Problem("body", found, "UTF-8 JSON with unique names and finite numbers")]) from None


class _Ambiguous(ValueError):
    """JSON that two readers would read differently."""


def _unique(pairs: list[tuple[str, object]]) -> None:
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            msg = f"the name {name[:80]!r} twice in one object"
            raise _Ambiguous(msg)
        names.add(name)


def _refuse_constant(name: str) -> None:
    msg = f"the number {name}"
    raise _Ambiguous(msg)


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        msg = "a number beyond every floating point number"
        raise _Ambiguous(msg)
    return number
