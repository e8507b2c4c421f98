"""Rules across the columns of a row: what is odd, and what is wrong, by comparisons that any engine can make.

A model judges one row by `holds`; the mask and the warnings ask `tombola.feeds.comparisons` of whole columns; the JSON
Schema and the documentation are made from the same values.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import contains, eq, gt
from typing import Any, Literal, NamedTuple

Value = str | int | None
Test = Callable[[Mapping[str, Any]], bool]


class Times(NamedTuple):
    """So many times another field."""

    factor: int
    field: str


class Comparison(NamedTuple):
    """A field compared with a number, with a text, or with so many times another field.

    What is missing equals nothing, is over nothing and contains nothing; `missing` and `given` ask for just that.
    """

    field: str
    operator: Literal["==", ">", "contains", "missing", "given"]
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


def holds(when: tuple[Comparison, ...]) -> Test:
    """Return what tells whether all comparisons hold of one row's fields, typed. It is asked of millions of rows."""
    return reduce(_both, map(_test, when))


def _both(first: Test, second: Test) -> Test:
    return lambda values: first(values) and second(values)


def _test(comparison: Comparison) -> Test:
    field, operator, other = comparison
    if operator == "missing":
        return lambda values: values[field] is None
    if operator == "given":
        return lambda values: values[field] is not None
    compared = _COMPARED[operator]
    if isinstance(other, Times):
        return _against_field(field, compared, other)
    return lambda values: (left := values[field]) is not None and compared(left, other)


def _against_field(field: str, compared: Callable[[Any, Any], bool], other: Times) -> Test:
    factor, name = other
    return lambda values: (
        (left := values[field]) is not None and (right := values[name]) is not None and compared(left, right * factor)
    )


_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {"==": eq, ">": gt, "contains": contains}


def equals(field: str, value: Value) -> Comparison:
    """Hold where a field has this value."""
    return Comparison(field, "==", value)


def over(field: str, other: int | str, factor: int = 1) -> Comparison:
    """Hold where a field is larger than a number, or than so many times another field."""
    return Comparison(field, ">", Times(factor, other) if isinstance(other, str) else other)


def including(field: str, text: str) -> Comparison:
    """Hold where a field has this text in it."""
    return Comparison(field, "contains", text)


def missing(field: str) -> Comparison:
    """Hold where a field is missing."""
    return Comparison(field, "missing")


def given(field: str) -> Comparison:
    """Hold where a field is not missing."""
    return Comparison(field, "given")
