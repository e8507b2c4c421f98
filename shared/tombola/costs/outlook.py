"""Outlook: all that volumes come to, and its tables for people."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tombola.costs.estimate import Daily, Line, Load, Service, Topic, daily, monthly
from tombola.costs.limits import Kind, kinds
from tombola.costs.operations import Operations
from tombola.costs.prices import Prices
from tombola.costs.spreads import spreads
from tombola.costs.volumes import DAY, Assumptions


@dataclass(frozen=True, slots=True)
class Deployed:
    """How functions and topics are deployed, by name."""

    services: Mapping[str, Service]
    topics: Mapping[str, Topic]
    outbox_shards: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is assumed, and what follows."""

    assumed: Assumptions
    run: Operations
    prices: Prices
    day: Daily
    kinds: tuple[Kind, ...]
    bill: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        """What a month costs."""
        return sum((line.cost for line in self.bill), Decimal(0))


def outlook(assumed: Assumptions, run: Operations, prices: Prices, deployed: Deployed) -> Outlook:
    """Work everything out."""
    day = daily(assumed, run, deployed.services)
    bill = monthly(assumed, day, deployed.services, deployed.topics, prices)
    written = kinds(assumed, day, spreads(assumed, deployed.outbox_shards))
    return Outlook(assumed, run, prices, day, tuple(written), tuple(bill))


def as_data(found: Outlook) -> dict[str, object]:
    """Return the outlook as plain data; numbers that are no whole ones are text, as exact as they are."""
    return {
        "assumed": found.assumed.model_dump(mode="json"),
        "counted": {"on": str(found.run.counted_on), "source": found.run.source},
        "functions": {one.function: _load(one) for one in found.day.loads},
        "documents": {one.collection: _kind(one) for one in found.kinds},
        "bill": {line.what: {"units": _text(line.units), "cost": _text(line.cost)} for line in found.bill},
        "month": _text(found.total),
        "currency": found.prices.currency,
    }


def markdown(found: Outlook) -> str:
    """Return the outlook as tables."""
    return "\n".join(_sections(found)).rstrip() + "\n"


def _sections(found: Outlook) -> Iterator[str]:
    yield from _table("Functions", _FUNCTIONS, map(_function_row, found.day.loads))
    yield from _table("Documents", _DOCUMENTS, map(_document_row, found.kinds))
    peak = found.assumed.peak / DAY
    messages = (
        (f"`{name}`", _whole(number), _short(number * peak), _short(size * peak / 1_000_000))
        for name, (number, size) in found.day.messages.items()
    )
    yield from _table("Messages", _MESSAGES, messages)
    lines = [(one.what, _whole(one.units), found.prices.prices[one.price].unit, _whole(one.cost)) for one in found.bill]
    total = ("**in all**", "", "", f"**{_whole(found.total)}**")
    yield from _table("A month's bill", ("", "units", "unit", found.prices.currency), [*lines, total])


_FUNCTIONS = ("function", "calls a day", "a second at the peak", "seconds of one", "instances at the peak")
_DOCUMENTS = ("collection", "writes/s at the peak", "each is", "of one", "of an index shard", "holds", "ramp", "turn")
_MESSAGES = ("topic", "messages a day", "a second at the peak", "MB a second at the peak")


def _function_row(one: Load) -> tuple[str, ...]:
    return f"`{one.function}`", _whole(one.calls), _short(one.peak_calls), _short(one.seconds), _short(one.instances)


def _document_row(one: Kind) -> tuple[str, ...]:
    of_one, of_index = ("" if each is None else _short(each) for each in (one.per_document, one.per_index_shard))
    held = "yes" if one.holds else "**no**"
    return f"`{one.collection}`", _short(one.writes), one.each, of_one, of_index, held, str(one.ramp_minutes), one.turn


def assumptions_table(assumed: Assumptions) -> str:
    """Return what is taken for granted as a table."""
    fields = type(assumed).model_fields
    rows = ((f"`{name}`", str(getattr(assumed, name)), fields[name].description or "") for name in fields)
    return "\n".join(_table("What is taken for granted", ("name", "taken as", "what it is"), rows))


def _table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"#### {title}"
    yield ""
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "---:|" * (len(head) - 1)
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""


def _whole(number: Decimal) -> str:
    return f"{number:,.0f}"


def _short(number: Decimal) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.2g}" if number else "0"  # noqa: PLR2004 (three digits say enough)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def _load(one: Load) -> dict[str, str | None]:
    return {
        "calls_a_day": _text(one.calls),
        "calls_a_second_at_the_peak": _text(one.peak_calls),
        "seconds": _text(one.seconds),
        "instances_at_the_peak": _text(one.instances),
    }


def _kind(one: Kind) -> dict[str, object]:
    return {"writes_a_second": _text(one.writes), "of_one_document": _text(one.per_document), "holds": one.holds}
