"""Checks of what a basket must hold: criteria that nobody can meet, tiers that ask for nothing more."""

from collections.abc import Iterator
from decimal import Decimal

from tombola.campaigns.findings import Check, Finding, Known, Note
from tombola.campaigns.model import Campaign
from tombola.campaigns.selecting import Condition, Criteria
from tombola.problems import Path

MINIMA = ("minimum_quantity", "minimum_spend", "minimum_distinct_products", "minimum_bundles")
MAXIMA = ("maximum_quantity", "maximum_spend")


def conditions(campaign: Campaign) -> Iterator[tuple[Path, Condition]]:
    """Yield every condition of every tier with its place."""
    yield from _conditions_of(("criteria",), campaign.criteria)
    for index, criteria in enumerate(campaign.further_tiers):
        yield from _conditions_of(("further_tiers", index), criteria)


def _conditions_of(path: Path, criteria: Criteria) -> Iterator[tuple[Path, Condition]]:
    clauses = {"all": criteria.all, "any": criteria.any, "none": criteria.none}
    for clause, conditions in clauses.items():
        for index, condition in enumerate(conditions):
            yield (*path, clause, index), condition


def _criteria_can_be_met(campaign: Campaign, _: Known) -> Iterator[Finding | Note]:
    for path, condition in conditions(campaign):
        for what in ("quantity", "spend"):
            low, high = (getattr(condition, f"{bound}_{what}") for bound in ("minimum", "maximum"))
            if low is not None and high is not None and low > high:
                yield Finding((*path, f"maximum_{what}"), str(high), f"at least the minimum_{what}, {low}")
        distinct, products = condition.minimum_distinct_products, condition.of.products
        if distinct is not None and products and distinct > len(products):
            expected = f"at most the {len(products)} products that the condition means"
            yield Finding((*path, "minimum_distinct_products"), str(distinct), expected)
    if not campaign.criteria.all and not campaign.criteria.any:
        yield Note(("criteria",), "no condition stands under all or any, so every basket qualifies")


def _tiers_ask_for_more(campaign: Campaign, _: Known) -> Iterator[Note]:
    """Warn of a tier that every basket meets which meets those before it."""
    before = campaign.criteria
    for index, tier in enumerate(campaign.further_tiers):
        if _follows(tier, before):
            says = "asks for no more than the tiers before it, so every basket that earns theirs earns this token too"
            yield Note(("further_tiers", index), says)
        before = Criteria(all=before.all + tier.all, any=before.any or tier.any, none=before.none + tier.none)


def _follows(tier: Criteria, before: Criteria) -> bool:
    """Tell whether whatever meets `before` surely meets `tier`, as far as single conditions show it."""
    every = all(any(_implies(known, asked) for known in before.all) for asked in tier.all)
    some = (
        not tier.any
        or tier.any == before.any
        or any(_implies(known, asked) for asked in tier.any for known in before.all)
    )
    return every and some and all(any(_implies(asked, known) for known in before.none) for asked in tier.none)


def _implies(one: Condition, other: Condition) -> bool:
    """Tell whether a basket that meets one condition surely meets the other: same lines, as strict or stricter."""
    if (one.of, one.bundle) != (other.of, other.bundle):
        return False
    floors = all(_as_high(getattr(one, field), getattr(other, field)) for field in MINIMA)
    return floors and all(_as_low(getattr(one, field), getattr(other, field)) for field in MAXIMA)


def _as_high(stated: Decimal | int | None, asked: Decimal | int | None) -> bool:
    return asked is None or (stated is not None and stated >= asked)


def _as_low(stated: Decimal | int | None, asked: Decimal | int | None) -> bool:
    return asked is None or (stated is not None and stated <= asked)


CRITERIA: tuple[tuple[tuple[str, ...], Check], ...] = (
    (("criteria", "further_tiers"), _criteria_can_be_met),
    (("criteria", "further_tiers"), _tiers_ask_for_more),
)
"""Each check with the top-level fields it reads."""
