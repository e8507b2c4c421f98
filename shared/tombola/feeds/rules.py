"""Rules across the columns of a row: what is odd, and what is wrong, by comparisons that any engine can make.

A model judges one row by `holds`; the mask and the warnings ask `tombola.feeds.comparisons` of whole columns; the JSON
Schema and the documentation are made from the same values.
"""

from collections.abc import Callable, Mapping
from operator import eq, gt
from typing import Any, Literal, NamedTuple

Value = str | int | None


class Times(NamedTuple):
    """So many times another field."""

    factor: int
    field: str


class Comparison(NamedTuple):
    """A field compared with a number, with a word, or with so many times another field.

    What is missing is neither equal to anything nor over anything; `missing` and `given` ask for just that.
    """

    field: str
    operator: Literal["==", ">", "missing", "given"]
    other: Times | Value = None


class Odd(NamedTuple):
    """What is accepted but worth a word: a warning's code, the field it is about, and when all of these hold."""

    code: str
    field: str
    when: tuple[Comparison, ...]


class Wrong(NamedTuple):
    """What is refused: an error's code, the field it is about, when all of these hold, and what was expected."""

    code: str
    field: str
    when: tuple[Comparison, ...]
    expected: str


COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {"==": eq, ">": gt}
"""What compares two values, or two columns."""


def holds(when: tuple[Comparison, ...], values: Mapping[str, object]) -> bool:
    """Tell whether all comparisons hold of one row's fields, typed."""
    return all(_holds(one, values) for one in when)


def _holds(comparison: Comparison, values: Mapping[str, object]) -> bool:
    field, operator, other = comparison
    left = values[field]
    if operator in ("missing", "given"):
        return (left is None) == (operator == "missing")
    right = _times(values[other.field], other.factor) if isinstance(other, Times) else other
    return left is not None and right is not None and bool(COMPARED[operator](left, right))


def _times(value: object, factor: int) -> int | None:
    return value * factor if isinstance(value, int) else None


def equals(field: str, value: Value) -> Comparison:
    """Hold where a field has this value."""
    return Comparison(field, "==", value)


def over(field: str, other: int | str, factor: int = 1) -> Comparison:
    """Hold where a field is larger than a number, or than so many times another field."""
    return Comparison(field, ">", Times(factor, other) if isinstance(other, str) else other)


def missing(field: str) -> Comparison:
    """Hold where a field is missing."""
    return Comparison(field, "missing")


def given(field: str) -> Comparison:
    """Hold where a field is not missing."""
    return Comparison(field, "given")
