"""What pydantic finds wrong is said in this project's words."""

import json
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from tombola.campaigns.model import Campaign
from tombola.errors import Fault, Problem
from tombola.orders.doors import OrderMessage
from tombola.problems import in_file, in_json, problems_of
from tombola.retailers.model import Retailer

OURS = {"value_error", "assertion_error", "missing", "extra_forbidden", "json_invalid", "string_pattern_mismatch"}


class Size(Enum):
    """Of a thing."""

    SMALL = "s"
    LARGE = "l"


class Part(BaseModel):
    """Of a thing."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(pattern="^[A-Z]$", description="one capital letter")] | None = None
    bare: Annotated[str, Field(pattern="^[0-9]$")] = "1"
    even: int = 0

    @field_validator("even")
    @classmethod
    def _is_even(cls, value: int) -> int:
        if value % 2:
            msg = f"the odd number {value}; expected an even one"
            raise ValueError(msg)
        return value


class Thing(BaseModel):
    """With one field of every kind."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=5)] = "a"
    kind: Literal["wheel", "card"] = "wheel"
    size: Size = Size.SMALL
    count: Annotated[int, Field(ge=1, lt=10)] = 1
    share: Annotated[Decimal, Field(gt=0, le=1, max_digits=3)] = Decimal(1)
    open: bool = True
    at: datetime = datetime(2017, 1, 1)  # noqa: DTZ001 (that is the field)
    until: AwareDatetime | None = None
    parts: Annotated[tuple[Part, ...], Field(min_length=1, max_length=2)] = (Part(),)
    by_name: dict[Literal["one", "two"], Part] = {}


def problems(model: type[BaseModel], **said: Any) -> list[Problem]:  # noqa: ANN401 (whatever a sender says)
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(json.dumps(said))
    return problems_of(caught.value, model)


@pytest.mark.parametrize(
    ("field", "value", "found", "expected"),
    [
        ("name", "", "''", "text of at least 1 character"),
        ("name", "a" * 90, f"'{'a' * 80}'…", "text of at most 5 characters"),
        ("name", 5, "5", "text"),
        ("name", None, "nothing", "text"),
        ("name", {"a": 1}, "a map of 1", "text"),
        ("kind", "horse", "'horse'", "'wheel' or 'card'"),
        ("size", "m", "'m'", "'s' or 'l'"),
        ("count", 0, "0", "at least 1"),
        ("count", 10, "10", "less than 10"),
        ("count", 1.5, "1.5", "a whole number"),
        ("count", "many", "'many'", "a whole number"),
        ("count", [], "a list of 0", "a whole number"),
        ("share", "0", "'0'", "more than 0"),
        ("share", "2", "'2'", "at most 1"),
        ("share", "0.1234", "'0.1234'", "at most 3 digits"),
        ("share", "half", "'half'", "a number"),
        ("share", "NaN", "'NaN'", "a finite number"),
        ("open", "ajar", "'ajar'", "true or false"),
        ("at", "noon", "'noon'", "a date and time as 2027-03-01T00:00:00"),
        ("at", True, "true", "a date and time as 2027-03-01T00:00:00"),
        ("until", "2017-01-01T00:00:00", "'2017-01-01T00:00:00'", "a time zone too, as in 2027-03-01T00:00:00Z"),
        ("parts", [], "a list of 0", "at least 1 item"),
        ("parts", [{}] * 3, "a list of 3", "at most 2 items"),
        ("parts", "one", "'one'", "a list"),
    ],
)
def test_every_kind_of_fault_is_said_in_words(field: str, value: object, found: str, expected: str) -> None:
    assert problems(Thing, **{field: value}) == [Problem(field, found, expected)]


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"code": "x"}, Problem("parts.0.code", "'x'", "one capital letter")),
        ({"bare": "x"}, Problem("parts.0.bare", "'x'", "text that matches ^[0-9]$")),
        ({"even": 3}, Problem("parts.0.even", "the odd number 3", "an even one")),
        ({"Codes": "x"}, Problem("parts.0.Codes", "a field that is not known here", "the field code")),
        ({"colour": "x"}, Problem("parts.0.colour", "a field that is not known here", "no such field")),
        ({"e" * 90: 1}, Problem(f"parts.0.'{'e' * 80}'", "a field that is not known here", "no such field")),
        (5, Problem("parts.0", "5", "a map of field names to values")),
    ],
)
def test_a_fault_deep_inside_knows_the_words_of_its_own_part(part: object, problem: Problem) -> None:
    assert problems(Thing, parts=[part]) == [problem]


def test_a_name_that_is_not_one_of_a_maps_is_said_once() -> None:
    assert problems(Thing, by_name={"three": {}}) == [Problem("by_name.three", "'three'", "'one' or 'two'")]


def test_a_slip_in_a_required_name_is_one_problem() -> None:
    said = {"retailer": "corner-shop", "name": "Corner Shop", "county": "US", "currency": "usd", "feeds": {}}
    assert problems(Retailer, **said) == [
        Problem("currency", "'usd'", "three capital letters, as in EUR"),
        Problem("county", "a field that is not known here", "the field country"),
    ]


def test_a_list_of_bad_items_is_not_called_too_short_as_well() -> None:
    assert [one.where for one in problems(Thing, parts=[{"code": "x"}])] == ["parts.0.code"]


def test_what_is_beyond_the_bound_is_counted() -> None:
    with pytest.raises(ValidationError) as caught:
        Thing.model_validate({str(n): n for n in range(5000)})
    named = problems_of(caught.value, Thing, most=3)
    assert named[3:] == [Problem("body", "4997 more problems", "none")]


def test_a_model_that_json_schema_cannot_say_has_the_same_problems_without_hints() -> None:
    class Odd(BaseModel):
        model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

        thing: Fault | None = None

    assert problems(Odd, thinng=1) == [Problem("thinng", "a field that is not known here", "no such field")]


def test_places_are_counted_from_one_for_people_and_from_zero_for_programs() -> None:
    path = ("lines", 0, "value", "\x1b[31m")
    assert in_json(path) == "lines.0.value.'\\x1b[31m'"
    assert in_file(path) == "lines #1.value.'\\x1b[31m'"
    assert (in_json(()), in_file(())) == ("body", "")


@pytest.mark.parametrize("model", [Campaign, OrderMessage, Retailer, Thing])
def test_no_english_of_pydantic_is_shown_whatever_is_sent(model: type[BaseModel]) -> None:
    for value in (None, "", "x" * 300, -1, 0.5, True, [], [None], {}, {"x": 1}, "NaN", "2017-01-01"):
        with pytest.raises(ValidationError) as caught:
            model.model_validate_json(json.dumps(dict.fromkeys([*model.model_fields, "other"], value)))
        details: list[ErrorDetails] = caught.value.errors()
        said = [one.expected for one in problems_of(caught.value, model)]
        assert said
        assert not {each["msg"] for each in details} & set(said)
        assert not [words for words in said if "nput should" in words or words == "a valid value"]
