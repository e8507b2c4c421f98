"""A replay as a brand manager reads it in a terminal."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tombola.campaigns.selecting import Selection
from tombola.money import major_units
from tombola.replays.missing import COUNT_STEPS
from tombola.replays.model import Cost, Miss, Ran, Replay, Step

MOST_MISSES = 8
MOST_NAMES = 3
REASONS = {
    "cancelled": "the order was cancelled or came back",
    "other-store": "bought in a store that does not take part",
    "other-channel": "bought through a channel that does not take part",
    "other-currency": "paid in another currency",
    "not-open": "outside the weekly hours",
    "country": "in a country that does not take part",
    "no-shopper": "nobody knows whose order it is",
    "no-household": "nobody knows of which household it is",
    "not-invited": "in the control group",
    "not-first-order": "not the shopper's first order",
    "criteria-not-met": "the basket does not hold what is asked",
    "nothing-to-win": "nothing in it that a prize could be made of",
    "erased": "the shopper asked to be forgotten",
    "limit-reached": "the shopper had as many as one may have",
    "household-limit-reached": "the household had as many as one may have",
    "sold-out": "the campaign had no more",
    "store-sold-out": "the store had no more",
    "day-sold-out": "the day had no more",
    "week-sold-out": "the week had no more",
}
"""Why not, in words."""
BOUNDS = {
    "minimum_quantity": ("at least", "units"),
    "maximum_quantity": ("at most", "units"),
    "minimum_spend": ("at least", ""),
    "maximum_spend": ("at most", ""),
    "minimum_distinct_products": ("at least", "different products"),
    "minimum_bundles": ("at least", "whole sets"),
}
"""What a bound asks, and what it counts; nothing where it is money."""


def show(replay: Replay) -> None:
    """Print a replay."""
    console = Console(highlight=False)
    console.print(f"\n[bold]{escape(replay.title)}[/bold] ({escape(replay.campaign)}), replayed {_period(replay)}")
    console.print(_baskets(replay))
    if replay.misses:
        console.print(_misses(replay))
    console.print(_comparison(replay))
    for line in _small_print(replay):
        console.print(f"[dim]{escape(line)}[/dim]")


def _period(replay: Replay) -> str:
    return f"from {replay.period.begins:%Y-%m-%d %H:%M} to {replay.period.ends:%Y-%m-%d %H:%M} UTC"


def _baskets(replay: Replay) -> Table:
    table = _table("Who would have qualified", "orders", "shoppers")
    table.add_row("recorded in the period", *map(_number, (replay.orders, replay.shoppers)))
    for reason in replay.reasons:
        table.add_row(
            f"- {REASONS.get(reason.reason, reason.reason)}", _number(reason.orders), _number(reason.shoppers)
        )
    table.add_section()
    table.add_row("[bold]qualified[/bold]", *map(_number, (replay.qualified_orders, replay.qualified_shoppers)))
    table.add_row("of them, then in the audience", *map(_number, (replay.audience.orders, replay.audience.shoppers)))
    return table


def _misses(replay: Replay) -> Table:
    table = _table("What the baskets lacked", "baskets", "only that", "how far off, where it was only that")
    for miss in replay.misses[:MOST_MISSES]:
        off = "; ".join(_steps(miss, replay.currency))
        table.add_row(_asked(miss, replay.currency), _number(miss.orders), _number(miss.alone), off)
    return table


def _asked(miss: Miss, currency: str) -> str:
    words, unit = BOUNDS[miss.bound]
    said = f"{words} {_counted(miss.wanted, unit) if unit else _amount(miss.wanted, currency)}"
    meant = " + ".join(_meant(selection) for selection in miss.meant)
    forbidden = "not allowed: " if miss.clause == "none" else ""
    return escape(f"{forbidden}{said} of {meant}  [{miss.clause}.{miss.index}]")


def _meant(selection: Selection) -> str:
    """Name what a selection means, a long list by its first names."""
    stated = [values for values in selection.model_dump().values() if values]
    return ", ".join(_first(values) for values in stated) or "anything"


def _first(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return " or ".join([*names[:MOST_NAMES], *([f"{more} more"] if more > 0 else [])])


def _steps(miss: Miss, currency: str) -> Iterator[str]:
    """Yield how far off how many were: `one more unit: 312 baskets`."""
    less = miss.bound.startswith("maximum") != (miss.clause == "none")
    unit, last = BOUNDS[miss.bound][1], 0
    for step in miss.off_by:
        yield f"{_step(step, unit, last, currency)} {'less' if less else 'more'}: {step.orders:,}"
        last = step.by or last


def _step(step: Step, unit: str, last: int, currency: str) -> str:
    if not unit:
        return f"over {_amount(last, currency)}" if step.by is None else f"up to {_amount(step.by, currency)}"
    if step.by is None:
        return f"over {_counted(max(last, COUNT_STEPS[-1]), unit)}"
    return _counted(step.by, unit)


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit[:-1] if number == 1 else unit}"


def _comparison(replay: Replay) -> Table:
    ran, cost = replay.as_it_ran, replay.cost
    table = _table("Tokens, plays and cost", "replayed", *(["as it ran"] if ran else []))

    def row(name: str, replayed: str, as_it_ran: str) -> None:
        table.add_row(name, replayed, *([as_it_ran] if ran else []))

    row("tokens", _number(replay.earned.tokens), _ran(ran, "tokens"))
    for tier, tokens in enumerate(replay.earned.by_tier, start=1):
        if len(replay.earned.by_tier) > 1:
            row(f"- of tier {tier}", _number(tokens), "")
    for reason, tokens in replay.earned.refused.items():
        row(f"- earned, but {REASONS.get(reason, reason)}", _number(tokens), "")
    if ran:
        row("- taken back by returns and cancellations", "", _ran(ran, "revoked"))
    row(f"plays ({replay.share_played:.1%} played, {replay.share_played_from})", _plays(cost), _ran(ran, "plays"))
    row("wins", "0" if cost is None else f"{cost.wins:,.1f}", _ran(ran, "wins"))
    for name, figure in _costs(cost, replay.currency):
        row(name, figure, "")
    if ran:
        row("money paid or still to be paid", "", _amount(ran.payout_minor, replay.currency))
    return table


def _plays(cost: Cost | None) -> str:
    return "0" if cost is None else _number(cost.plays)


def _ran(ran: Ran | None, name: str) -> str:
    return "" if ran is None else _number(getattr(ran, name))


def _costs(cost: Cost | None, currency: str) -> Iterator[tuple[str, str]]:
    if cost is None:
        return
    error = _amount(cost.standard_error_minor, currency)
    yield "expected payout", f"{_amount(cost.expected_minor, currency)} +- {error}"
    if cost.money_minor != cost.expected_minor:
        yield "- of it money", _amount(cost.money_minor, currency)
    yield "99.9% of the time at most", _amount(cost.high_minor, currency)
    if cost.ran_out:
        yield "something runs out", f"{cost.ran_out:.1%} of the time"


def _small_print(replay: Replay) -> Iterator[str]:
    yield from replay.notes
    yield f"Shoppers who asked to be forgotten, and are left out: {replay.erased_shoppers:,} of those with orders here."
    if replay.unknown_products:
        yield f"Products the catalogue says nothing about: {replay.unknown_products:,}; they count by their id alone."
    if replay.cost:
        yield f"Wins and payout: {replay.cost.runs:,} draws with simulation seeds. No campaign's keys were read."


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(columns[0])
    for name in columns[1:]:
        table.add_column(name, justify="left" if name.startswith("how far") else "right")
    return table


def _number(number: int) -> str:
    return f"{number:,}"


def _amount(minor: int, currency: str) -> str:
    return f"{major_units(minor, currency)} {currency}"
