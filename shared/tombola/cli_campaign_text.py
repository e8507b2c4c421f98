"""What the commands `tombola campaign ...` say of a campaign, for somebody who pays for it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import typer

from tombola.appraisals.overlaps import Overlap
from tombola.appraisals.uptake import LEVELS, Estimate, Uptake
from tombola.campaigns.liability import Liability, most_won
from tombola.campaigns.model import Campaign
from tombola.campaigns.winning import Prize
from tombola.money import major_units

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 100


def say(facts: Mapping[str, str], indent: str = "") -> None:
    """Print facts, each name in a column of its own."""
    for name, value in facts.items():
        typer.echo(f"{indent}{name:<10} {value}")


def stated(rules: Campaign) -> dict[str, str]:
    """Return what a campaign's rules come to, in words, by a short name."""
    facts = {
        "window": f"{_window(rules)}{', in its weekly hours' if rules.weekly_hours else ''}",
        "last play": f"{rules.last_play_at.isoformat()}; keys revealed by {rules.reveal_by.isoformat()}",
        "audience": _audience(rules),
        "control": f"{rules.control.share:.0%} of shoppers, by {rules.control.mode}",
        "earns": _earns(rules),
        "limits": _limits(rules),
        "draw": _draw(rules),
        **{f"prize {number}": _prize(rules, prize) for number, prize in enumerate(rules.prizes, 1)},
        "if empty": _when_empty(rules),
        "free entry": rules.free_entry.how if rules.free_entry else "",
    }
    return {name: value for name, value in facts.items() if value}


def say_overlaps(rules: Campaign, found: tuple[Overlap, ...], tokens: int) -> None:
    """Print which running campaigns a campaign overlaps, and what one basket could earn of all together."""
    for overlap in found:
        where = f"{', '.join(overlap.retailers)} ({', '.join(overlap.channels)})"
        when = f"{_day(overlap.begins_at)} to {_day(overlap.ends_at)}"
        meant = "; ".join(f"{field}: {', '.join(names)}" for field, names in overlap.both_mean.items())
        say({"overlaps": f"{overlap.campaign}, {when}, at {where}; both mean {meant or 'any product'}"})
    if tokens > 1 + len(rules.further_tiers):
        say({"": f"one basket could earn {tokens} tokens at most, of all campaigns it meets"})


def say_worst_case(rules: Campaign, cost: Liability) -> None:
    """Print the parts of the worst case as a table."""
    from rich.table import Table  # noqa: PLC0415 (heavy)

    table = Table("worst case, whatever happens")
    table.add_column(cost.currency, justify="right")
    for name, amount in _parts(rules, cost):
        table.add_row(name, _amount(amount, cost.currency))
    table.add_section()
    table.add_row("all of it", _amount(cost.worst_case_minor, cost.currency))
    set_aside = rules.pool_minor + rules.fallback_minor
    table.add_row("money set aside at the launch", _amount(set_aside, cost.currency))
    _print(table)


def say_estimate(estimate: Estimate, currency: str) -> None:
    """Print what a campaign will probably cost at several uptakes as a table."""
    from rich.table import Table  # noqa: PLC0415 (heavy)

    table = Table("probable payout", caption=_source(estimate.uptake), caption_justify="left")
    for name in ("tokens, all played", "wins", f"expected {currency}", "± error", "99.9% at most", "runs out"):
        table.add_column(name, justify="right")
    for level, payout in zip(LEVELS, estimate.payouts, strict=True):
        table.add_row(
            "these baskets" if level == 1 else f"{level} times as many",
            f"{payout.tokens:,}",
            f"{payout.wins:,.1f}",
            *(_amount(minor, currency) for minor in (payout.expected_minor, payout.standard_error_minor)),
            _amount(payout.high_minor, currency),
            f"{payout.ran_out:.1%}",
        )
    _print(table)


def worst_case(cost: Liability) -> str:
    """Return the worst case in a line."""
    worst, pool = (_amount(minor, cost.currency) for minor in (cost.worst_case_minor, cost.pool_minor))
    return f"worst case {worst} {cost.currency}, with {pool} {cost.currency} in the pool"


def _print(table: "Table") -> None:
    from rich import box  # noqa: PLC0415 (heavy)
    from rich.console import Console  # noqa: PLC0415

    table.box = box.SIMPLE_HEAD
    typer.echo()
    Console(width=WIDTH, highlight=False, markup=False).print(table)


def _parts(rules: Campaign, cost: Liability) -> Iterator[tuple[str, int]]:
    odds = rules.draw.kind == "odds"
    won = " + ".join(
        f"{most_won(rules, prize):,} x {_amount(rules.worth_minor(prize), cost.currency)} ({prize.name})"
        for prize in rules.prizes
        if prize.is_money
    )
    parts = {
        "the pool, by odds" if odds else f"winning moments: {won}": cost.money_minor,
        "things in stock": cost.things_minor,
        "coupons at face value": cost.coupons_minor,
        "fallback of open tokens": cost.fallback_minor,
        "returns that are not got back": cost.returns_minor,
    }
    return ((name, amount) for name, amount in parts.items() if amount)


def _source(uptake: Uptake) -> str:
    if uptake.since is None or uptake.until is None:
        return f"from {uptake.orders:,} basket values that were stated"
    when = f"{_day(uptake.since)} to {_day(uptake.until)}"
    of = f" of {uptake.orders * uptake.stands_for:,}" if uptake.stands_for > 1 else ""
    earned = f"{uptake.orders:,}{of} recorded orders, {when}, would have earned {len(uptake.bases):,} tokens"
    return f"{earned}: same baskets, no change of behaviour"


def _amount(minor: int, currency: str) -> str:
    return f"{major_units(minor, currency):,}"


def _money(rules: Campaign, amount: Decimal) -> str:
    """Return an amount of the rules with all its decimals, which frozen rules no longer have."""
    return f"{_amount(rules.minor(amount), rules.pool.currency)} {rules.pool.currency}"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _window(rules: Campaign) -> str:
    """Return the window as clocks on the spot show it."""
    window = rules.window
    return f"{window.opens:%Y-%m-%d %H:%M} to {window.closes:%Y-%m-%d %H:%M}, {window.time_zone}"


def _audience(rules: Campaign) -> str:
    consent, segments = rules.audience.consent, len(rules.audience.segments)
    who = "everyone" if not segments else f"whoever is in one of {segments} segments" if segments > 1 else "one segment"
    return f"{who}{'' if consent == 'none' else f', who agreed to {consent}'}"


def _earns(rules: Campaign) -> str:
    tiers = 1 + len(rules.further_tiers)
    tokens = "one token a basket" if tiers == 1 else f"up to {tiers} tokens a basket"
    return f"{tokens}, of first orders alone" if rules.first_order else tokens


def _limits(rules: Campaign) -> str:
    limits = {name.replace("_", " "): most for name, most in rules.limits.model_dump().items() if most}
    return ", ".join(f"{most:,} {name}" for name, most in limits.items()) or "none"


def _draw(rules: Campaign) -> str:
    if rules.draw.kind == "odds":
        return f"odds, at most {rules.draw.maximum_plays:,} plays"
    return f"{rules.moments:,} winning moments over the window"


def _prize(rules: Campaign, prize: Prize) -> str:
    worth = _money(rules, prize.worth)
    kinds = {
        "basket_value": f"what the basket cost, up to {worth}",
        "fixed": worth,
        "coupon": f"a coupon worth {worth}",
        "physical": f"{prize.title or 'a thing'} worth {worth}",
    }
    how = f"chance {prize.chance}" if prize.chance else f"{prize.moments:,} moments"
    stock = f"; {prize.stock:,} in stock" if prize.stock else ""
    return f"{prize.name}: {kinds[prize.kind]}; {how}{stock}"


def _when_empty(rules: Campaign) -> str:
    if rules.when_empty is None:
        return ""
    fallback = rules.when_empty.fallback
    if fallback is None:
        return f"nothing, as announced: {rules.when_empty.announced}"
    kind = "a coupon worth " if fallback.kind == "coupon" else ""
    return f"{kind}{_money(rules, fallback.worth)} for a win that cannot be paid; no more tokens"
