"""What a contract asks of each field, as far as it can be asked of whole columns."""

from dataclasses import dataclass
from typing import Any

from pydantic import AfterValidator
from pydantic.fields import FieldInfo

from tombola.feeds.contracts import Row, annotations, reading
from tombola.feeds.fields import NO_CONTROL, OneOf, Reads, Unit, gtin14


@dataclass(frozen=True, slots=True)
class Rules:
    """What a field's annotations ask for: sizes of texts, bounds of numbers, the texts there are, or a GTIN."""

    shortest: int = 0
    longest: int | None = None
    least: int | None = None
    most: int | None = None
    words: tuple[str, ...] | None = None
    gtin: bool = False


def rules(row: type[Row], field: str) -> Rules | None:
    """Return what a field's annotations ask for; None if they hold anything that is not known here."""
    info = row.model_fields[field]
    how = reading(row, field)
    if info.default_factory is not None:
        return None
    asked: dict[str, Any] = {}
    found = annotations(row, field)
    for mark in (one for part in found for one in (part.metadata if isinstance(part, FieldInfo) else [part])):
        known = _asked(mark, how)
        if known is None:
            return None
        asked |= known
    return Rules(**asked)


def _asked(mark: object, how: str) -> dict[str, Any] | None:
    """Return what one annotation asks for."""
    if isinstance(mark, Reads | Unit) or (how == "instant" and type(mark).__name__ == "InstanceOf"):
        return {}
    if isinstance(mark, AfterValidator):
        if isinstance(mark.func, OneOf):
            return {"words": mark.func.words}
        return {"gtin": True} if mark.func is gtin14 else None
    asked = {name: getattr(mark, name) for name in getattr(mark, "__slots__", ()) or vars(mark)}
    names = {"min_length": "shortest", "max_length": "longest", "ge": "least", "le": "most"}
    if asked.pop("pattern", NO_CONTROL) != NO_CONTROL or not asked.pop("strict", True):
        return None
    return {names[name]: value for name, value in asked.items()} if set(asked) <= set(names) else None


def holds(value: object, known: Rules) -> bool:
    """Tell whether a value, read, is surely one that the rules take."""
    if isinstance(value, str):
        return _text_holds(value, known)
    return not isinstance(value, int) or isinstance(value, bool) or _number_holds(value, known)


def _text_holds(value: str, known: Rules) -> bool:
    if known.gtin:
        return False  # what stands in every row is not read anew here
    if known.words is not None:
        return value in known.words
    fine = value.isascii() and value.isprintable() and value == value.strip()
    return fine and max(known.shortest, 1) <= len(value) <= (known.longest or len(value))


def _number_holds(value: int, known: Rules) -> bool:
    return (known.least is None or value >= known.least) and (known.most is None or value <= known.most)
