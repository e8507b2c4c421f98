"""What is unlike a retailer's last files of the kind. Drift is told, and never decides about a file.

Each receipt holds the figures of its file, so what is usual is made of receipts alone: of the last ten that were taken.
"""

from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Annotated, Any, Literal, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tombola.feeds.rejects import RejectsForm

REMEMBERED = 10
"""Files that say what is usual."""
ENOUGH = 3
"""Fewer say nothing about figures; one is enough to compare columns."""
SHARE_MOVES, UNKNOWN_MOVES, TIMES = 0.10, 0.05, 2
"""What is drift: a share of empty cells or of unknown products that moved this far, a number that doubled or halved."""
MOST_COLUMNS = 200
LONGEST_NAME = 80
OURS = ("retailer", "stated_at", "source_line")
Figure = int | float | str


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Figures(_Part):
    """Figures of one file. `columns` as they stand in it; shares are of accepted rows, 0 to 1.

    `empty` is the share of empty cells per column, `lowest` and `highest` the range of whole numbers and amounts (in
    minor units), `unknown_products` the share of rows whose product is not in the catalogue.
    """

    columns: tuple[str, ...]
    rows: Annotated[int, Field(ge=0)]
    empty: dict[str, float]
    lowest: dict[str, int]
    highest: dict[str, int]
    unknown_products: float


class Drift(_Part):
    """One thing that is not as usual. `field` is empty for the file as a whole."""

    code: Literal[
        "new-column", "missing-column", "reordered-columns", "row-count", "empty-share", "value-range", "unknown-share"
    ]
    field: str
    usual: Figure
    present: Figure


class Earlier(_Part):
    """One earlier file, by the name of its receipt."""

    receipt: str
    started_at: AwareDatetime
    figures: Figures


class History(_Part):
    """A retailer's last files of a kind, the newest first."""

    files: tuple[Earlier, ...] = ()

    def including(self, earlier: Earlier) -> "History":
        """Return the last files with this one among them: the same in whatever order and however often they come."""
        known = {one.receipt: one for one in (*self.files, earlier)}
        newest = sorted(known.values(), key=lambda one: (one.started_at, one.receipt), reverse=True)
        return History(files=tuple(newest[:REMEMBERED]))


class Sinks(Protocol):
    """Where the rows of a file go."""

    def accept(self, batch: pa.RecordBatch) -> None:
        """Take accepted rows."""
        ...

    def reject(self, form: RejectsForm, rows: Sequence[Any]) -> None:
        """Take rejected rows."""
        ...


class Observer:
    """Hands rows on to other sinks, and keeps figures of those that are accepted."""

    def __init__(self, sinks: Sinks) -> None:
        """Start with nothing seen."""
        self._sinks = sinks
        self._rows = 0
        self._empty: dict[str, int] = {}
        self._lowest: dict[str, int] = {}
        self._highest: dict[str, int] = {}

    def accept(self, batch: pa.RecordBatch) -> None:
        """Take accepted rows."""
        self._rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name in OURS:
                continue
            self._empty[name] = self._empty.get(name, 0) + column.null_count
            if pa.types.is_integer(column.type) and column.null_count < len(column):
                found = pc.min_max(column).as_py()
                self._lowest[name] = min(self._lowest.get(name, found["min"]), found["min"])
                self._highest[name] = max(self._highest.get(name, found["max"]), found["max"])
        self._sinks.accept(batch)

    def reject(self, form: RejectsForm, rows: Sequence[Any]) -> None:
        """Take rejected rows."""
        self._sinks.reject(form, rows)

    def figures(self, columns: Sequence[str], rows: int, unknown_products: int) -> Figures:
        """Return the figures of the whole file."""
        return Figures(
            columns=tuple(name[:LONGEST_NAME] for name in columns[:MOST_COLUMNS]),
            rows=rows,
            empty={name: _share(count, self._rows) for name, count in self._empty.items()},
            lowest=self._lowest,
            highest=self._highest,
            unknown_products=_share(unknown_products, self._rows),
        )


def drift(present: Figures, history: History) -> tuple[Drift, ...]:
    """Return everything that is not as usual, with the usual and the present figure."""
    earlier = [one.figures for one in history.files]
    found = list(_columns(earlier[0].columns, present.columns)) if earlier else []
    if len(earlier) >= ENOUGH:
        found += _counts(earlier, present)
        if present.empty:
            found += _shares(earlier, present)
            found += _ranges(earlier, present)
    return tuple(found)


def _columns(usual: Sequence[str], present: Sequence[str]) -> Iterator[Drift]:
    if not present or not usual:
        return
    for name in present:
        if name not in usual:
            yield Drift(code="new-column", field=name, usual="absent", present="present")
    for name in usual:
        if name not in present:
            yield Drift(code="missing-column", field=name, usual="present", present="absent")
    kept = [name for name in usual if name in present]
    now = [name for name in present if name in usual]
    if kept != now:
        yield Drift(code="reordered-columns", field="", usual=", ".join(kept), present=", ".join(now))


def _counts(earlier: Sequence[Figures], present: Figures) -> Iterator[Drift]:
    usual = round(median(one.rows for one in earlier))
    if not usual <= present.rows * TIMES or not present.rows <= usual * TIMES:
        yield Drift(code="row-count", field="", usual=usual, present=present.rows)


def _shares(earlier: Sequence[Figures], present: Figures) -> Iterator[Drift]:
    for name, share in present.empty.items():
        usual = _usual(one.empty.get(name) for one in earlier)
        if usual is not None and abs(share - usual) > SHARE_MOVES:
            yield Drift(code="empty-share", field=name, usual=usual, present=share)
    usual = _usual(one.unknown_products for one in earlier)
    if usual is not None and abs(present.unknown_products - usual) > UNKNOWN_MOVES:
        yield Drift(code="unknown-share", field="product_id", usual=usual, present=present.unknown_products)


def _ranges(earlier: Sequence[Figures], present: Figures) -> Iterator[Drift]:
    """Yield columns whose highest value left the usual span by far, or whose lowest fell far below it."""
    for name, high in present.highest.items():
        known = [one for one in earlier if name in one.highest]
        if len(known) < ENOUGH:
            continue
        low, lows, highs = (
            present.lowest[name],
            [one.lowest[name] for one in known],
            [one.highest[name] for one in known],
        )
        if high > max(highs) * TIMES or high * TIMES < min(highs) or low * TIMES < min(lows):
            yield Drift(
                code="value-range", field=name, usual=f"{min(lows)} to {max(highs)}", present=f"{low} to {high}"
            )


def _usual(shares: Iterable[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return round(median(known), 4) if len(known) >= ENOUGH else None


def _share(count: int, rows: int) -> float:
    return round(count / rows, 4) if rows else 0.0
