"""A contract as JSON Schema, draft 2020-12, of a row as it is stated: before any dialect, in the contract's own words.

Bounds, texts and examples are those that pydantic knows. What it cannot tell (amounts as written, instants, lists of
words, rules across fields) is added from the same annotations. Rules that compare two fields have no notation there,
and stand in `x-rules` as words.
"""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import AfterValidator

from tombola.feeds.contracts import Row, annotations, contract, needed, reading, unit
from tombola.feeds.events import FeedKind
from tombola.feeds.fields import GTIN_LENGTHS, OneOf, gtin14
from tombola.feeds.rules import Comparison, Times, Wrong

DRAFT = "https://json-schema.org/draft/2020-12/schema"
ADDRESS = "https://github.com/tombola-dev/tombola/raw/main/docs/feeds"
INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
"""ISO 8601; without an offset, a time on the dialect's clock."""
AMOUNT = r"^[0-9]+(\.[0-9]{1,3})?$"
"""Amounts may be written as numbers or as texts; a text keeps its decimals on every road."""
GTIN = "^(" + "|".join(f"[0-9]{{{length}}}" for length in GTIN_LENGTHS) + ")$"
TOLD = ("description", "examples", "default")

Schema = dict[str, Any]


def json_schema(kind: FeedKind) -> Schema:
    """Return the schema of one row of a feed."""
    row = contract(kind)
    known = row.model_json_schema()["properties"]
    schema: Schema = {
        "$schema": DRAFT,
        "$id": f"{ADDRESS}/{kind}.schema.json",
        "title": kind,
        "description": row.__doc__,
        "type": "object",
        "properties": {name: _property(row, name, known[name]) for name in row.model_fields},
        "required": [name for name in row.model_fields if needed(row, name)],
        "x-key": list(row.KEY),
    }
    refused = [_refused(row, rule) for rule in row.WRONG if _expressible(rule)]
    in_words = [f"{rule.code}: {rule.field}: expected {rule.expected}" for rule in row.WRONG if not _expressible(rule)]
    return schema | ({"allOf": refused} if refused else {}) | ({"x-rules": in_words} if in_words else {})


def _property(row: type[Row], name: str, known: Schema) -> Schema:
    """Return one field's schema; a field that has a default may be null."""
    how, counts = reading(row, name), unit(row, name)
    value: Schema = next((one for one in known.get("anyOf", [known]) if one.get("type") != "null"), {})
    bounds = {key: part for key, part in value.items() if key not in {*TOLD, "title", "anyOf", "format"}}
    found = bounds | dict(_special(row, name, how))
    if not row.model_fields[name].is_required():
        found["type"] = [*([found["type"]] if isinstance(found["type"], str) else found["type"]), "null"]
        if "enum" in found:
            found["enum"] = [*found["enum"], None]
    found |= {key: known[key] for key in TOLD if known.get(key) is not None}
    found["examples"] = [_example(how, text) for text in row.model_fields[name].examples or []]
    marks = {"x-unit": counts} if counts else {}
    return found | marks | ({"x-personal": True} if name in row.PERSONAL else {})


def _special(row: type[Row], name: str, how: str) -> Iterator[tuple[str, object]]:
    """Yield what the annotations say and pydantic's schema does not."""
    if how == "amount":
        yield from {"type": ["number", "string"], "pattern": AMOUNT}.items()
    if how == "instant":
        yield from {"type": "string", "pattern": INSTANT}.items()
    for mark in annotations(row, name):
        if isinstance(mark, AfterValidator) and isinstance(mark.func, OneOf):
            yield "enum", list(mark.func.words)
        if isinstance(mark, AfterValidator) and mark.func is gtin14:
            yield "pattern", GTIN


def _example(how: str, text: str) -> object:
    """Return an example as JSON writes it."""
    if how == "yes_no":
        return text == "yes"
    return int(text) if how == "whole" else text


def _expressible(rule: Wrong) -> bool:
    return not any(isinstance(one.other, Times) for one in rule.when)


def _refused(row: type[Row], rule: Wrong) -> Schema:
    conditions = [_condition(row, one) for one in rule.when]
    return {"description": f"{rule.code}: expected {rule.expected}", "not": {"allOf": conditions}}


def _condition(row: type[Row], comparison: Comparison) -> Schema:
    """Return the schema of rows of which a comparison holds. A missing field is its default."""
    field, operator, other = comparison
    if operator == "missing":
        return {"not": _condition(row, comparison._replace(operator="given"))}
    if operator == "given":
        return {"required": [field], "properties": {field: {"not": {"type": "null"}}}}
    wanted = _values(operator, other)
    info = row.model_fields[field]
    if not info.is_required() and info.default == other:
        return {"properties": {field: {"anyOf": [wanted, {"type": "null"}]}}}
    return {"required": [field], "properties": {field: wanted}}


def _values(operator: str, other: object) -> Schema:
    """Return the schema of the values that a comparison holds of."""
    if operator == "contains":
        return {"type": "string", "pattern": re.escape(str(other))}
    return {"const": other} if operator == "==" else {"exclusiveMinimum": other}
