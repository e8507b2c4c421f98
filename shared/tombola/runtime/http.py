"""What an HTTP function is given and gives back, without any web framework."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tombola.errors import Malformed, Problem
from tombola.json_text import check_json
from tombola.runtime.faults import UnsupportedMediaType

M = TypeVar("M", bound=BaseModel)


class Headers(Mapping[str, str]):
    """Header fields; names in any case. The first wins where a name that stands alone is sent twice."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        """Take the fields as they came."""
        self._fields = {name.lower(): value for name, value in fields.items()}

    def __getitem__(self, name: str) -> str:
        """Return a field's value. Raises `KeyError`."""
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        """Yield the names, in lower case."""
        return iter(self._fields)

    def __len__(self) -> int:
        """Return how many fields there are."""
        return len(self._fields)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. `path` is what follows the function's own address: `/corner-shop`, or `/`."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=lambda: Headers({}))
    body: bytes = field(default=b"", repr=False)

    def parse(self, model: type[M]) -> M:
        """Return the JSON body as `model`; a field that the model does not know is refused.

        Raises `UnsupportedMediaType` (415) for a body not declared as JSON, `Malformed` (422) naming every
        field at once.
        """
        _check_media_type(self.headers.get("content-type", ""))
        check_json(self.body)
        try:
            return model.model_validate_json(self.body, extra="forbid")
        except ValidationError as error:
            from tombola.problems import problems_of  # noqa: PLC0415 (most bodies are as they should be)

            msg = "the body does not have the declared form"
            raise Malformed(msg, problems_of(error, model)) from None


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer: a model or a map becomes JSON, bytes are JSON already, None is an empty body."""

    content: BaseModel | Mapping[str, object] | bytes | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def _check_media_type(content_type: str) -> None:
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() == "application/json" and charset in {"", "charset=utf-8"}:
        return
    msg = "the body is not declared as JSON"
    found = repr(content_type[:80]) if content_type else "nothing"
    raise UnsupportedMediaType(msg, [Problem("content-type", found, "application/json")])
