"""Choose at most one campaign for a shopper at a decision point. Pure: facts in, a decision out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tombola.campaigns.model import Launched
from tombola.campaigns.selecting import Selection
from tombola.campaigns.wording import Language, banner
from tombola.experiments.arms import Assignment, arm
from tombola.experiments.offers import Banner, Reason, Why
from tombola.experiments.segments import History, in_segment
from tombola.privacy.consent import Consent, agreed

Interests = Mapping[tuple[str, str], float]
"""How much a shopper bought of what, with decay: by `("brand", name)`, `("category", name)`, `("product", id)`."""


@dataclass(frozen=True, slots=True)
class DecisionPoint:
    """Who looks, where and when. `shopper` is a pseudonym; `store_id` is None where no store is known.

    `counts` are what the profile counts, `lists` the names of those of the retailer's lists that the shopper is on.
    """

    retailer: str
    shopper: str
    store_id: str | None
    channel: str
    at: datetime
    consents: tuple[Consent, ...]
    interests: Interests
    counts: bytes = b""
    lists: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Proposal:
    """The campaign chosen and the shopper's arm in it; control is logged and not shown."""

    launched: Launched
    assignment: Assignment

    @property
    def shown(self) -> bool:
        """Tell whether the banner is shown."""
        return self.assignment.arm == "invited"


@dataclass(frozen=True, slots=True)
class Choice:
    """The decision: a proposal or none, and why the retailer's other live campaigns were not chosen."""

    proposal: Proposal | None
    reasons: tuple[Reason, ...]


def choose(campaigns: Iterable[Launched], point: DecisionPoint) -> Choice:
    """Return the eligible campaign the shopper is likeliest to care for, with the shopper's arm.

    Only the best one is proposed. A shopper of its control group is shown none instead: another banner in its
    place would blur what the experiment compares.
    """
    here = [launched for launched in campaigns if point.retailer in launched.rules.retailers]
    refused = {launched.rules.campaign: why for launched in here if (why := _obstacle(launched, point)) is not None}
    eligible = sorted(
        (launched for launched in here if launched.rules.campaign not in refused),
        key=lambda launched: (-affinity(launched, point.interests), launched.rules.campaign),
    )
    reasons = [Reason(campaign=campaign, why=why) for campaign, why in sorted(refused.items())]
    if not eligible:
        return Choice(None, tuple(reasons))
    best, *others = eligible
    proposal = Proposal(best, arm(best.rules.campaign, best.version, point.shopper, best.rules.control.share))
    if not proposal.shown:
        reasons.append(Reason(campaign=best.rules.campaign, why="not-invited"))
    reasons += [Reason(campaign=other.rules.campaign, why="another-first") for other in others]
    return Choice(proposal, tuple(reasons))


def banner_of(launched: Launched, language: Language) -> Banner:
    """Return what is shown of a campaign."""
    rules = launched.rules
    return Banner(
        campaign=rules.campaign,
        version=launched.version,
        title=rules.title,
        text=banner(rules, language),
        game=rules.game,
        rules_url=rules.eligibility.rules_url,
    )


def affinity(launched: Launched, interests: Interests) -> float:
    """Return the shopper's interest in what the campaign asks for: the sum over everything its criteria name.

    Excluded conditions (`none`) do not count. A campaign that names nothing has affinity 0.
    """
    criteria = launched.rules.criteria
    named = {name for condition in (*criteria.all, *criteria.any) for name in _named(condition.of)}
    return sum(interests.get(name, 0.0) for name in sorted(named))


def _named(selection: Selection) -> list[tuple[str, str]]:
    return [
        *(("brand", name) for name in selection.brands),
        *(("category", name) for name in selection.categories),
        *(("product", name) for name in selection.products),
    ]


def _obstacle(launched: Launched, point: DecisionPoint) -> Why | None:
    """Return the first reason why this shopper may not be shown the campaign here and now."""
    rules = launched.rules
    obstacles: tuple[tuple[bool, Why], ...] = (
        (launched.status != "launched" or not rules.is_open(point.at), "not-open"),
        (point.channel not in rules.channels, "other-channel"),
        (bool(rules.stores) and point.store_id is not None and point.store_id not in rules.stores, "other-store"),
        (not _consented(launched, point), "no-consent"),
    )
    why = next((why for holds, why in obstacles if holds), None)
    return why or (None if _in_audience(launched, point) else "not-in-audience")


def _consented(launched: Launched, point: DecisionPoint) -> bool:
    """Tell whether the shopper agreed to what the campaign asks, and to be profiled where it has segments."""
    return all(agreed(point.consents, purpose, point.at) for purpose in launched.rules.audience.purposes)


def _in_audience(launched: Launched, point: DecisionPoint) -> bool:
    """Tell whether the shopper is in one of the segments; asked last, for it reads the whole profile."""
    segments, currency = launched.rules.audience.segments, launched.rules.pool.currency
    if not segments:
        return True
    history = History.read(point.counts, point.at)
    return any(in_segment(segment, history, point.lists, currency) for segment in segments)
