"""The receipt: what a retailer gets back for a file. Its counts add up, and it is the file's commit point.

`rows = accepted + rejected + duplicates`, always: also for a file that was quarantined halfway, where they
count what was read before the fault.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, computed_field, model_validator

from tombola.feeds.codes import CODES
from tombola.feeds.drift import Drift, Figures
from tombola.feeds.events import FeedKind, FileRef, Verdict
from tombola.retailers.model import Dialect

MAX_EXAMPLES = 20
LONGEST_VALUE = 80
DOCUMENTATION = "https://github.com/tombola-dev/tombola/blob/main/docs/feed-errors.md"
SCHEMA = DOCUMENTATION.replace("blob", "raw").replace("feed-errors.md", "receipt.schema.json")
Count = Annotated[int, Field(ge=0)]
Share = Annotated[Decimal, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Example(_Part):
    """One place where it happened. `value` is shortened, and masked where it would name a person."""

    line: int | None
    value: str
    message: str
    fix: str


class Finding(_Part):
    """One code on one field: how often, and the first places. `field` is empty for the file or row as a whole."""

    code: str
    field: str
    count: Annotated[int, Field(ge=1)]
    examples: Annotated[tuple[Example, ...], Field(max_length=MAX_EXAMPLES)]

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own way
    @property
    def documentation(self) -> str:
        """Where the code is explained."""
        return f"{DOCUMENTATION}#{self.code}"


class Signature(_Part):
    """`value` is Ed25519, base64url, over the receipt's canonical JSON (RFC 8785) without `signature`.

    `key` is the id of the key, as `list_keys` lists it.
    """

    key: str
    value: str


class Receipt(_Part):
    """Everything said of one generation of one object. Sizes in bytes; `sha256` is of the bytes read.

    `dialect` is how the file was read, and `dialect_stated` names those parts of it that the retailer stated.
    `drift` is what is unlike the retailer's last files of the kind, by the `figures` of each.
    `page` is the name of what a person can read, beside the receipt; it is made of the receipt alone.
    A file of whose rows more than the share `quarantine_over` is rejected is quarantined: none of it is taken.
    `signature` is missing only where nobody can vouch for it: on a retailer's own machine.
    """

    receipt: str
    retailer: str
    feed: FeedKind
    object: str
    generation: int
    sha256: str
    bytes: Count
    dialect: Dialect
    dialect_stated: tuple[str, ...] = ()
    started_at: AwareDatetime
    seconds: float
    rows: Count
    accepted: Count
    rejected: Count
    duplicates: Count
    warnings: tuple[Finding, ...]
    errors: tuple[Finding, ...]
    drift: tuple[Drift, ...] = ()
    figures: Figures | None = None
    verdict: Verdict
    quarantine_over: Share = Decimal("0.10")
    files: tuple[FileRef, ...]
    rejected_file: FileRef | None
    page: str = ""
    signature: Signature | None = None

    @property
    def unreadable(self) -> bool:
        """Whether the file could not be read to its end."""
        return any(error.code in CODES and CODES[error.code].level == "file" for error in self.errors)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.rows != self.accepted + self.rejected + self.duplicates:
            msg = f"{self.rows} rows, but {self.accepted} + {self.rejected} + {self.duplicates}"
            raise ValueError(msg)
        return self


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of receipts. Readers ignore members that it does not name: later ones."""
    found = Receipt.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **found}


def verdict(*, rows: int, rejected: int, unusable: bool, quarantine_over: Decimal) -> Verdict:
    """Return what becomes of a file: quarantined when unusable, or when too large a share was rejected."""
    if unusable or rejected > quarantine_over * rows:
        return "quarantined"
    return "partial" if rejected else "accepted"


@dataclass(slots=True)
class _Entry:
    count: int = 0
    examples: list[Example] = field(default_factory=list)


class Tally:
    """Counts findings by code and field, and keeps the first examples of each code."""

    def __init__(self) -> None:
        """Start with nothing found."""
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._shown: dict[str, int] = {}

    def add(self, code: str, field: str = "", *, line: int | None, value: str = "", message: str = "") -> None:
        """Count one occurrence."""
        entry = self._entries.setdefault((code, field), _Entry())
        entry.count += 1
        if self._shown.setdefault(code, 0) < MAX_EXAMPLES:
            self._shown[code] += 1
            known = CODES[code]
            entry.examples.append(
                Example(line=line, value=shortened(value), message=message or known.meaning, fix=known.fix)
            )

    def add_many(
        self, code: str, field: str, count: int, telling: Sequence[int], place: Callable[[int], tuple[int, str]]
    ) -> None:
        """Count `count` occurrences; `telling` are the places that can be examples of them.

        `place` gives line and value of a place, and is asked only for the examples.
        """
        examples = telling[: MAX_EXAMPLES - self._shown.get(code, 0)]
        for one in examples:
            line, value = place(one)
            self.add(code, field, line=line, value=value)
        if count > len(examples):
            self.add_others(code, field, count - len(examples))

    def add_others(self, code: str, field: str, count: int) -> None:
        """Count occurrences of which none is an example."""
        self._entries.setdefault((code, field), _Entry()).count += count

    def findings(self) -> tuple[Finding, ...]:
        """Return what was found, in order of code and field."""
        return tuple(
            Finding(code=code, field=field, count=entry.count, examples=tuple(entry.examples))
            for (code, field), entry in sorted(self._entries.items(), key=lambda item: item[0])
        )


def shortened(value: str) -> str:
    """Return at most 80 characters."""
    return value if len(value) <= LONGEST_VALUE else f"{value[: LONGEST_VALUE - 1]}…"


def masked(value: str) -> str:
    """Return what can be shown of a value that names a person: its length."""
    return f"({len(value)} characters)" if value else ""


def count_of(findings: Iterable[Finding], code: str) -> int:
    """Return how often a code was found, over all fields."""
    return sum(finding.count for finding in findings if finding.code == code)
