"""What is expected, in words: a table from the types of pydantic's errors to this project's own."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic_core.core_schema import ErrorType

_OF_PYDANTIC = frozenset(get_args(ErrorType))
_WHOLE, _NUMBER, _INSTANT, _DATE, _TRUTH = (
    "a whole number",
    "a number",
    "a date and time as 2027-03-01T00:00:00",
    "a date as 2027-03-01",
    "true or false",
)
_MAP, _LIST = "a map of field names to values", "a list"
EXPECTED: Mapping[str, str] = {
    **dict.fromkeys(("string_type", "string_unicode"), "text"),
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type", "decimal_parsing"), _NUMBER),
    "finite_number": "a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), _TRUTH),
    **dict.fromkeys(("datetime_type", "datetime_parsing", "datetime_from_date_parsing"), _INSTANT),
    "datetime_object_invalid": _INSTANT,
    "timezone_naive": "a local time, without a time zone",
    "timezone_aware": "a time zone too, as in 2027-03-01T00:00:00Z",
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), _DATE),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "mapping_type"), _MAP),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), _LIST),
    **dict.fromkeys(("bytes_type", "bytes_invalid_encoding"), "text that holds bytes"),
    "json_type": "JSON",
    "invalid_key": "text as a field name",
    "none_required": "no value",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "union_tag_invalid": "{discriminator} to be one of {expected_tags}",
    "union_tag_not_found": "the field {discriminator}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    **dict.fromkeys(("url_type", "url_parsing", "url_syntax_violation", "url_scheme"), "an address as https://..."),
    **dict.fromkeys(("uuid_type", "uuid_parsing", "uuid_version"), "a UUID"),
}
"""What is expected, by pydantic's types of error, filled from the bounds that the model states."""
COUNTED: Mapping[str, tuple[str, str, str]] = {
    "string_too_short": ("text of at least", "min_length", "character"),
    "string_too_long": ("text of at most", "max_length", "character"),
    "bytes_too_short": ("at least", "min_length", "byte"),
    "bytes_too_long": ("at most", "max_length", "byte"),
    "too_short": ("at least", "min_length", "item"),
    "too_long": ("at most", "max_length", "item"),
    "decimal_max_digits": ("at most", "max_digits", "digit"),
    "decimal_max_places": ("at most", "decimal_places", "decimal"),
    "decimal_whole_digits": ("at most", "whole_digits", "digit"),
}
"""The same for what is counted: words, the bound's name, the thing in the singular."""


def expected_words(type_: str, context: Mapping[str, Any], message: str) -> str:
    """Return what is expected, for a type of error, the bounds that pydantic gives with it, and its message."""
    if type_ in COUNTED:
        words, bound, one = COUNTED[type_]
        n = context[bound]
        return f"{words} {n} {one if n == 1 else one + 's'}"
    if type_ in EXPECTED:
        return EXPECTED[type_].format_map(context)
    return "a valid value" if type_ in _OF_PYDANTIC else message  # any other type is ours, and so are its words
