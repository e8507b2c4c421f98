"""Checks of who takes part: retailers, segments, the control group, limits of a person, the law."""

from collections.abc import Iterator
from decimal import Decimal

from tombola.campaigns.audience import Segment
from tombola.campaigns.countries import COUNTRIES, TO_BE_CONFIRMED
from tombola.campaigns.findings import Check, Finding, Known, Note, looked_up
from tombola.campaigns.model import Campaign
from tombola.campaigns.selecting import Selection
from tombola.problems import Path
from tombola.retailers.model import Retailer

EXCLUDED_BY_DEFAULT = ("alcohol", "tobacco", "infant formula", "medicines", "gambling")
"""What many countries' laws keep out of promotional games; a campaign that leaves one in says so knowingly."""
LARGE_CONTROL_SHARE = Decimal("0.5")
COUNTED = ("products", "brands", "categories")
"""What profiles count order lines by, each on its own."""


def _known_retailers(campaign: Campaign, retailers: Known) -> Iterator[Finding | Note]:
    if retailers is None:
        yield Note(("retailers",), "without a home folder that holds their files, no currency or country was compared")
        return
    for index, name in enumerate(campaign.retailers):
        if name not in retailers:
            yield Finding(("retailers", index), repr(name), "a retailer with a file in the config bucket")


def _told_by_the_feeds(campaign: Campaign, retailers: Known) -> Iterator[Note]:
    """Warn of a limit by something that the retailer's orders feed does not map to a column."""
    limits = campaign.limits
    asked = {
        "shopper_id": "first_order" if campaign.first_order else "limits.per_shopper" if limits.per_shopper else "",
        "household_id": "limits.per_household" if limits.per_household else "",
    }
    for index, name, retailer in looked_up(campaign, retailers):
        for field, rule in asked.items():
            if rule and not _tells(retailer, field):
                says = f"{rule} needs {field}, to which {name}'s orders feed maps no column; without it, no token"
                yield Note(("retailers", index), says)


def _tells(retailer: Retailer, field: str) -> bool:
    """Tell whether orders may come with a field: columns that are not mapped go by the contract's own names."""
    feed = retailer.feeds.get("orders")
    return feed is None or not feed.columns or field in feed.columns or field in feed.constants


def _segments(campaign: Campaign, _: Known) -> Iterator[Finding | Note]:
    if campaign.audience.segments and campaign.audience.consent == "none":
        yield Finding(("audience", "consent"), "'none'", "a purpose: segments read the profile, which needs consent")
    for index, segment in enumerate(campaign.audience.segments):
        path: Path = ("audience", "segments", index)
        if segment == Segment():
            yield Note(path, "states nothing, so everybody is in it who agreed to be profiled")
        for field, found, expected in _impossible(segment):
            yield Finding((*path, field), found, expected)
        for number, affinity in enumerate(segment.affinity):
            if (stated := _stated(affinity.of)) not in [[name] for name in COUNTED]:
                expected = f"one of {', '.join(COUNTED)}: profiles count by each on its own"
                yield Finding((*path, "affinity", number, "of"), " and ".join(stated) or "nothing", expected)


def _impossible(segment: Segment) -> Iterator[tuple[str, str, str]]:
    """Yield what no profile can hold together."""
    lapsed, bought, new = segment.not_bought_for_weeks, segment.bought_within_weeks, segment.new_within_weeks
    if lapsed is not None:
        if bought is not None and bought <= lapsed:
            yield "bought_within_weeks", str(bought), f"more than not_bought_for_weeks, {lapsed}"
        if new is not None and new <= lapsed:
            yield "new_within_weeks", str(new), f"more than not_bought_for_weeks, {lapsed}"
        if segment.minimum_orders and segment.within_weeks <= lapsed:
            yield "within_weeks", str(segment.within_weeks), f"more than not_bought_for_weeks, {lapsed}"
    low, high = segment.minimum_orders, segment.maximum_orders
    if low is not None and high is not None and low > high:
        yield "maximum_orders", str(high), f"at least the minimum_orders, {low}"


def _stated(of: Selection) -> list[str]:
    return [name for name in Selection.model_fields if getattr(of, name)]


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
    for index, name, retailer in looked_up(campaign, retailers):
        if retailer.country not in eligibility.countries:
            yield Note(("retailers", index), f"{name} sells in {retailer.country}, not in eligibility.countries")


def _excluded_categories(campaign: Campaign, _: Known) -> Iterator[Note]:
    stated = {name.casefold() for name in campaign.eligibility.excluded_categories}
    missing = [name for name in EXCLUDED_BY_DEFAULT if name not in stated]
    if missing:
        says = f"many countries exclude {', '.join(missing)} too, in the words of the retailer's catalogue"
        yield Note(("eligibility", "excluded_categories"), f"{says}; {TO_BE_CONFIRMED}")


def _free_entry(campaign: Campaign, _: Known) -> Iterator[Note]:
    if campaign.free_entry is not None:
        return
    for index, code in enumerate(campaign.eligibility.countries):
        if code in COUNTRIES and COUNTRIES[code].free_entry:
            says = f"{code} may ask for a way to take part without buying (free_entry); {TO_BE_CONFIRMED}"
            yield Note(("eligibility", "countries", index), says)


PEOPLE: tuple[tuple[tuple[str, ...], Check], ...] = (
    (("retailers",), _known_retailers),
    (("retailers", "limits", "first_order"), _told_by_the_feeds),
    (("audience",), _segments),
    (("control",), _control_group),
    (("limits",), _limits),
    (("eligibility", "retailers"), _law),
    (("eligibility",), _excluded_categories),
    (("eligibility", "free_entry"), _free_entry),
)
"""Each check with the top-level fields it reads."""
