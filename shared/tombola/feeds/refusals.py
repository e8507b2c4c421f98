"""What the contract's model refuses, in the words of a receipt: of a whole row, or of a single cell.

A model whose only validator of its own comes after its fields judges each field by itself, so what it says of a cell
holds in every row. Texts repeat, above all those that are wrong in the same way: each is judged once.
"""

from collections.abc import Callable, Collection, Iterator
from functools import cache, partial
from typing import NamedTuple

from pydantic import BaseModel, ValidationError, create_model

from tombola.feeds.contracts import Row
from tombola.feeds.decoding import Decoder, Remembered, Unreadable
from tombola.feeds.masking import Masked

_CODES = {
    "missing": "missing",
    "string_too_short": "missing",
    "string_too_long": "too-long",
    "string_pattern_mismatch": "control-character",
    "greater_than_equal": "negative",
    "less_than_equal": "too-large",
}
"""What pydantic calls it, and what a receipt does."""


class Refusal(NamedTuple):
    """One thing that is wrong with a row. `field` is empty for the row as a whole, `text` is the cell as it came."""

    code: str
    field: str
    text: str
    message: str


def refusals(error: ValidationError) -> Iterator[Refusal]:
    """Yield all that an error names, without the texts of the cells."""
    for problem in error.errors(include_url=False, include_context=False):
        found = problem["input"]
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if isinstance(found, Unreadable):
            yield Refusal(found.code, name, "", f"expected {found.expected}")
        elif found is None:
            yield Refusal("missing", name, "", "empty; expected a value")
        else:
            yield Refusal(_CODES.get(problem["type"], problem["type"]), name, "", problem["msg"])


class Cells:
    """Judges the cells that a mask leaves open, for a model and a dialect which the mask understands."""

    def __init__(self, decoder: Decoder) -> None:
        """Read cells as the decoder does."""
        self._judged = {field: Remembered(partial(_refused, decoder, field)) for field in decoder.places}

    def refused(self, masked: Masked, broken: Collection[int]) -> dict[int, list[Refusal]]:
        """Return by record, of those that the model refuses for sure, all that it says of them.

        Left out are those that are broken, not clear, or of a currency of other decimals than the mask read.
        """
        found: dict[int, list[Refusal]] = {}
        left = {*broken, *masked.unclear}
        for index, field, text in masked.open:
            if refused := self._judged[field][text]:
                found.setdefault(index, []).extend(refused)
            elif field == "currency":
                left.add(index)
        return {index: refused for index, refused in found.items() if index not in left} if left else found


def _refused(decoder: Decoder, field: str, text: str) -> list[Refusal]:
    """Return what the model says against one cell."""
    try:
        _alone(decoder.row, field)({field: decoder.cell(field, text)})
    except ValidationError as error:
        return [refusal._replace(text=text) for refusal in refusals(error)]
    return []


@cache
def _alone(row: type[Row], field: str) -> Callable[[object], object]:
    """Return what judges a model that has this field of the contract and no other."""
    info = row.model_fields[field]
    model: type[BaseModel] = create_model("Alone", __config__=row.model_config, **{field: (info.annotation, info)})  # type: ignore[call-overload]  # its fields are only known here
    return model.__pydantic_validator__.validate_python
