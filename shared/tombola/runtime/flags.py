"""Feature flags: what is switched on for whom, in `flags.yaml` of the config bucket.

A flag never fails: when the file, the flag or its type is not as it must be, the code's own default stands, and the
evaluation says why in the words of OpenFeature (https://openfeature.dev/specification/types).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Generic, Literal, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, RootModel, model_validator

from tombola.digests import digest
from tombola.errors import NotSetUp
from tombola.ports import Ports
from tombola.ports.errors import NotFound, PortError
from tombola.runtime import logs
from tombola.runtime.parameters import STALE_FOR, config_text, read_as

Value = bool | int | str
V = TypeVar("V", bool, int, str)
Reason = Literal["STATIC", "DEFAULT", "TARGETING_MATCH", "SPLIT", "ERROR"]
ErrorCode = Literal["FLAG_NOT_FOUND", "PARSE_ERROR", "TYPE_MISMATCH", "TARGETING_KEY_MISSING", "GENERAL"]
Type = Literal["boolean", "integer", "text"]
FILE = "flags.yaml"
ALL = Decimal(100)
_SPACE = 2**64


@dataclass(frozen=True, slots=True)
class _Kind:
    """A type of flags: Python's type, the form of its values in the file, and how one is read."""

    python: type
    form: re.Pattern[str]
    words: str
    read: Callable[[str], Value]


KINDS: Mapping[Type, _Kind] = {
    "boolean": _Kind(bool, re.compile("true|false"), "true or false", "true".__eq__),
    "integer": _Kind(int, re.compile(r"-?\d{1,18}"), "a whole number", int),
    "text": _Kind(str, re.compile(r".{0,1000}", re.DOTALL), "at most 1,000 characters", str),
}


def _several(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


class Rule(BaseModel):
    """`value` for those of whom every attribute in `when` is one of those listed, and of them only for `percent`."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$", description="1 to 60 of a-z, 0-9 and -")] | None = None
    when: dict[str, Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)]] = {}
    percent: Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)] = ALL
    value: str

    def matches(self, attributes: Mapping[str, Value]) -> bool:
        """Tell whether every attribute asked for is there, with one of the values listed."""
        return all(name in attributes and _text(attributes[name]) in values for name, values in self.when.items())


class Flag(BaseModel):
    """One flag. The first rule that holds gives its value; `default` is the value of everybody else."""

    model_config = ConfigDict(frozen=True)

    summary: Annotated[str, Field(max_length=200)] = ""
    type: Type = "boolean"
    default: str
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _of_one_type(self) -> "Flag":
        kind = KINDS[self.type]
        for where, value in [("default", self.default), *((f"rule {n}", r.value) for n, r in enumerate(self.rules, 1))]:
            if not kind.form.fullmatch(value):
                msg = f"{value[:80]!r} as the value of {where}; expected {kind.words}, as the flag's type says"
                raise ValueError(msg)
        return self


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,59}", text):
        msg = f"the name {text[:80]!r}; expected at most 60 of a-z, 0-9 and -, a letter first"
        raise ValueError(msg)
    return text


Name = Annotated[str, AfterValidator(_name)]


class Flags(RootModel[dict[Name, Flag]]):
    """All of a file."""


@dataclass(frozen=True, slots=True)
class Evaluation(Generic[V]):
    """What a flag is, and why. `variant` is the rule's name or number; `error` is set when `reason` is `ERROR`."""

    value: V
    reason: Reason
    variant: str | None = None
    error: ErrorCode | None = None


def flag(ports: Ports, name: str, default: V, *, key: str = "", **attributes: Value) -> V:
    """Return the value of a flag, at most 30 seconds old; `default` when anything is not as it must be.

    `key` is what a percentage is taken of: the same key has the same value for as long as the percentage only grows.
    """
    return evaluation(ports, name, default, key=key, **attributes).value


def evaluation(ports: Ports, name: str, default: V, *, key: str = "", **attributes: Value) -> Evaluation[V]:
    """Return the value of a flag with why it is that. Never raises: an outage is a reason too."""
    found = ports.memo.read((FILE,), STALE_FOR, lambda: _load(ports))
    if isinstance(found, str):
        return Evaluation(default, "ERROR", error=found)
    return evaluate(found.root, name, default, key, attributes)


def evaluate(
    flags: Mapping[str, Flag], name: str, default: V, key: str, attributes: Mapping[str, Value]
) -> Evaluation[V]:
    """Return what a flag is for one key with these attributes."""
    if (found := flags.get(name)) is None:
        return Evaluation(default, "ERROR", error="FLAG_NOT_FOUND")
    kind = KINDS[found.type]
    if type(default) is not kind.python:
        return Evaluation(default, "ERROR", error="TYPE_MISMATCH")
    for number, rule in enumerate(found.rules, start=1):
        if not rule.matches(attributes):
            continue
        if rule.percent < ALL and not key:
            return Evaluation(default, "ERROR", error="TARGETING_KEY_MISSING")
        if rule.percent == ALL or _within(name, key, rule.percent):
            reason: Reason = "TARGETING_MATCH" if rule.percent == ALL else "SPLIT"
            return Evaluation(cast("V", kind.read(rule.value)), reason, rule.name or str(number))
    return Evaluation(cast("V", kind.read(found.default)), "DEFAULT" if found.rules else "STATIC")


def read_flags(text: bytes, name: str = FILE) -> Flags:
    """Return the flags of a file. Raises `NotSetUp` with every problem and its line."""
    return read_as(Flags, text, name)


def _within(flag_name: str, key: str, percent: Decimal) -> bool:
    """Tell whether a key is among the first `percent` of all keys, in an order of the flag's own."""
    place = int.from_bytes(digest("tombola.flag.v1", flag_name, key)[:8], "big")
    return place < Fraction(percent) / 100 * _SPACE


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _load(ports: Ports) -> Flags | ErrorCode:
    """Return the flags, or why there are none: that is remembered too, or every call of an outage would ask again."""
    try:
        return read_flags(config_text(ports, FILE))
    except NotFound:
        return Flags({})
    except NotSetUp as broken:
        logs.logger().error("flags.yaml is broken: every flag has the default of the code", code=broken.code)
        return "PARSE_ERROR"
    except PortError:
        logs.logger().warning("flags.yaml cannot be read: every flag has the default of the code", exc_info=True)
        return "GENERAL"
