"""The campaign file as JSON Schema, draft 2020-12, for editors that check and complete while somebody writes.

It says what each field may hold, as an editor's YAML reads it. What fields must say together, only `campaign check`
knows.
"""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from tombola.campaigns.model import Campaign
from tombola.campaigns.parts import PRINTABLE

ADDRESS = "https://github.com/tombola-dev/tombola/raw/main/docs/campaign.schema.json"
CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
LOCAL = rf"^{DAY}([T ]{CLOCK})?$"
INSTANT = rf"^{DAY}[T ]{CLOCK} ?(Z|[+-][0-9]{{2}}:[0-9]{{2}})$"
BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum"}
DECIMAL = r"^[0-9]+(\.[0-9]+)?$"


def schema() -> dict[str, Any]:
    """Return the schema of a campaign file."""
    made = Campaign.model_json_schema(schema_generator=_Editor)
    head = {"$schema": _Editor.schema_dialect, "$id": ADDRESS, "title": "A campaign of Tombola"}
    return {**head, **{name: part for name, part in made.items() if name != "title"}}


class _Editor(GenerateJsonSchema):
    """Says of scalars what a file may write, where pydantic says what a program may send."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 (pydantic's signature)
        return False

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Take a number or, to keep its decimals on every road, a text."""
        stated: Mapping[str, Any] = schema
        bounds = {word: float(stated[name]) for name, word in BOUNDS.items() if name in stated}
        numbers = {"type": "number", **bounds}
        return {"anyOf": [numbers, {"type": "string", "pattern": DECIMAL}]}

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        """Take numbers too where any text may stand: a product's id is often written without quotes."""
        made = super().str_schema(schema)
        return {**made, "type": ["string", "number"]} if schema.get("pattern") == PRINTABLE else made

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        return {"type": "string", "pattern": LOCAL if schema.get("tz_constraint") == "naive" else INSTANT}

    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:  # noqa: ARG002 (pydantic's signature)
        return {"type": "string", "pattern": f"^{CLOCK}$"}
