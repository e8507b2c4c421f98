"""What a campaign's fields must say together. A table of checks, each for the fields it needs.

A check runs as soon as its own fields are sound, so one broken field hides nothing about the others.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tombola.campaigns.countries import COUNTRIES, TO_BE_CONFIRMED
from tombola.campaigns.liability import liability
from tombola.campaigns.model import Campaign
from tombola.campaigns.selecting import Condition, Criteria, Exclusions
from tombola.campaigns.winning import WORTH
from tombola.money import EXPONENTS, major_units
from tombola.problems import Path
from tombola.retailers.model import Retailer

EXCLUDED_BY_DEFAULT = ("alcohol", "tobacco", "infant formula", "medicines", "gambling")
"""What many countries' laws keep out of promotional games; a campaign that leaves one in says so knowingly."""
LARGE_CONTROL_SHARE = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Finding:
    """What cannot be right at a path of the file."""

    path: Path
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class Note:
    """What is allowed at a path of the file and should be looked at again, in its own words."""

    path: Path
    says: str


Known = Mapping[str, Retailer] | None
"""The file's retailers that are known; None where none can be looked up."""
Check = Callable[[Campaign, Known], Iterator[Finding | Note]]


def _known_retailers(campaign: Campaign, retailers: Known) -> Iterator[Finding | Note]:
    if retailers is None:
        yield Note(("retailers",), "without a home folder that holds their files, no currency or country was compared")
        return
    for index, name in enumerate(campaign.retailers):
        if name not in retailers:
            yield Finding(("retailers", index), repr(name), "a retailer with a file in the config bucket")


def _looked_up(campaign: Campaign, retailers: Known) -> Iterator[tuple[int, str, Retailer]]:
    for index, name in enumerate(campaign.retailers):
        if retailers and name in retailers:
            yield index, name, retailers[name]


def _one_currency(campaign: Campaign, retailers: Known) -> Iterator[Finding]:
    currency = campaign.pool.currency
    if currency not in EXPONENTS:
        yield Finding(("pool", "currency"), repr(currency), "a currency of ISO 4217 in the table of tombola.money")
    for index, name, retailer in _looked_up(campaign, retailers):
        if retailer.currency != currency:
            expected = f"one currency; {name} sells in {retailer.currency}"
            yield Finding(("retailers", index), f"a pool in {currency}", expected)


def _whole_minor_units(campaign: Campaign, _: Known) -> Iterator[Finding]:
    if campaign.pool.currency not in EXPONENTS:
        return
    for path, amount in _amounts(campaign):
        try:
            campaign.minor(amount)
        except ValueError as error:
            found, expected = str(error).split("; expected ")
            yield Finding(path, found, expected)


def _amounts(campaign: Campaign) -> Iterator[tuple[Path, Decimal]]:
    yield ("pool", "amount"), campaign.pool.amount
    for index, prize in enumerate(campaign.prizes):
        yield ("prizes", index, WORTH[prize.kind]), prize.worth
    for path, condition in _conditions(campaign):
        for bound in ("minimum_spend", "maximum_spend"):
            if (amount := getattr(condition, bound)) is not None:
                yield (*path, bound), amount


def _conditions(campaign: Campaign) -> Iterator[tuple[Path, Condition]]:
    yield from _conditions_of(("criteria",), campaign.criteria)
    for index, criteria in enumerate(campaign.further_tiers):
        yield from _conditions_of(("further_tiers", index), criteria)


def _conditions_of(path: Path, criteria: Criteria) -> Iterator[tuple[Path, Condition]]:
    clauses = {"all": criteria.all, "any": criteria.any, "none": criteria.none}
    for clause, conditions in clauses.items():
        for index, condition in enumerate(conditions):
            yield (*path, clause, index), condition


def _pool_pays_the_worst_case(campaign: Campaign, _: Known) -> Iterator[Finding]:
    try:
        worst = liability(campaign)
    except ValueError:
        return  # said by _whole_minor_units
    if not worst.covered:
        each = (
            f"{prize.moments} moments x {prize.worth}" for prize in campaign.prizes if prize.is_money and prize.moments
        )
        most = f"{' + '.join(each)} = {_money(worst.money_minor, worst.currency)}"
        yield Finding(("pool", "amount"), _money(worst.pool_minor, worst.currency), f"at least the worst case: {most}")


def _money(minor: int, currency: str) -> str:
    return f"{major_units(minor, currency)} {currency}"


def _revealed_after_the_last_play(campaign: Campaign, _: Known) -> Iterator[Finding]:
    if campaign.reveal_by <= campaign.last_play_at:
        expected = f"an instant after the last play can happen, {campaign.last_play_at.isoformat()}"
        yield Finding(("reveal_by",), campaign.reveal_by.isoformat(), expected)


def _the_clock_shows_it(campaign: Campaign, _: Known) -> Iterator[Finding | Note]:
    zone = ZoneInfo(campaign.window.time_zone)
    for name, local in (("opens", campaign.window.opens), ("closes", campaign.window.closes)):
        if _round_trip(local, zone) != local:
            expected = f"a time that clocks in {campaign.window.time_zone} show; they skip this one"
            yield Finding(("window", name), local.isoformat(), expected)
        elif local.replace(tzinfo=zone).utcoffset() != local.replace(tzinfo=zone, fold=1).utcoffset():
            first = local.replace(tzinfo=zone).astimezone(UTC)
            says = f"clocks in {campaign.window.time_zone} show this time twice; the first counts, {first:%H:%M} UTC"
            yield Note(("window", name), says)


def _round_trip(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)


def _criteria_can_be_met(campaign: Campaign, _: Known) -> Iterator[Finding | Note]:
    for path, condition in _conditions(campaign):
        low, high = condition.minimum_quantity, condition.maximum_quantity
        if low is not None and high is not None and low > high:
            yield Finding((*path, "maximum_quantity"), str(high), f"at least the minimum_quantity, {low}")
        distinct, products = condition.minimum_distinct_products, condition.of.products
        if distinct is not None and products and distinct > len(products):
            expected = f"at most the {len(products)} products that the condition means"
            yield Finding((*path, "minimum_distinct_products"), str(distinct), expected)
    if not campaign.criteria.all and not campaign.criteria.any:
        yield Note(("criteria",), "no condition stands under all or any, so every basket qualifies")


def _control_group(campaign: Campaign, _: Known) -> Iterator[Finding | Note]:
    share = campaign.control.share
    if share == 1:
        yield Finding(("control", "share"), str(share), "less than 1: somebody must be invited")
    elif share > LARGE_CONTROL_SHARE:
        yield Note(("control", "share"), f"a share of {share} leaves fewer shoppers invited than not")
    elif share == 0:
        yield Note(("control", "share"), "without a control group the report cannot say what the campaign brought")


def _limits(campaign: Campaign, _: Known) -> Iterator[Note]:
    if campaign.limits.per_shopper is None:
        yield Note(("limits",), "without per_shopper one shopper may collect any number of tokens")


def _law(campaign: Campaign, retailers: Known) -> Iterator[Finding | Note]:
    eligibility = campaign.eligibility
    for index, code in enumerate(eligibility.countries):
        path = ("eligibility", "countries", index)
        if code not in COUNTRIES:
            yield Finding(path, repr(code), f"one of {', '.join(COUNTRIES)} ({TO_BE_CONFIRMED})")
            continue
        yield Note(path, f"for {code}, ask counsel about {COUNTRIES[code].ask}; {TO_BE_CONFIRMED}")
        if eligibility.minimum_age < (adult := COUNTRIES[code].adult_age):
            says = f"{eligibility.minimum_age} is below the age of contract in {code}, {adult}; {TO_BE_CONFIRMED}"
            yield Note(("eligibility", "minimum_age"), says)
    for index, name, retailer in _looked_up(campaign, retailers):
        if retailer.country not in eligibility.countries:
            yield Note(("retailers", index), f"{name} sells in {retailer.country}, not in eligibility.countries")


def _excluded_categories(campaign: Campaign, _: Known) -> Iterator[Note]:
    stated = {name.casefold() for name in campaign.eligibility.excluded_categories}
    missing = [name for name in EXCLUDED_BY_DEFAULT if name not in stated]
    if missing:
        says = f"many countries exclude {', '.join(missing)} too, in the words of the retailer's catalogue"
        yield Note(("eligibility", "excluded_categories"), f"{says}; {TO_BE_CONFIRMED}")


def _excluded_tenders(campaign: Campaign, _: Known) -> Iterator[Note]:
    missing = [name for name in Exclusions().tenders if not campaign.exclude.excludes_tender(name)]
    if missing and any(prize.kind == "basket_value" for prize in campaign.prizes):
        yield Note(("exclude", "tenders"), f"a prize pays back what {', '.join(missing)} paid")


CHECKS: tuple[tuple[tuple[str, ...], Check], ...] = (
    (("retailers",), _known_retailers),
    (("retailers", "pool"), _one_currency),
    (("pool", "prizes", "criteria", "further_tiers"), _whole_minor_units),
    (("pool", "prizes", "draw"), _pool_pays_the_worst_case),
    (("reveal_by", "window", "play_within_days"), _revealed_after_the_last_play),
    (("window",), _the_clock_shows_it),
    (("criteria", "further_tiers"), _criteria_can_be_met),
    (("control",), _control_group),
    (("limits",), _limits),
    (("eligibility", "retailers"), _law),
    (("eligibility",), _excluded_categories),
    (("exclude", "prizes"), _excluded_tenders),
)
"""Each check with the top-level fields it reads."""
