"""One shopper, as the console shows them: asked for by the retailer's own id, known here by a pseudonym only."""

from collections import Counter
from datetime import datetime

from tombola.ports import Ports
from tombola.privacy.pseudonyms import pseudonym
from tombola.profiles.counts import MONDAY, WEEK, cells_of_week, packed_weeks
from tombola.profiles.model import Profile
from tombola.profiles.usecases import read_profile
from tombola.retailers.usecases import find_retailer

MOST_SHOWN = 8
WEEKS_SHOWN = 60


def shopper_profile(ports: Ports, retailer: str, shopper_id: str) -> dict[str, object]:
    """Return what is known of a shopper. Raises `Unknown` for a retailer that is not known.

    Scores are seen from the shopper's last week with an order, because what is replayed may lie years back;
    they are empty unless the shopper agreed to be profiled.
    """
    key = ports.keys.get(find_retailer(ports, retailer).pseudonym_key).material
    profile = read_profile(ports, retailer, pseudonym(key, retailer, shopper_id))
    weeks = _orders_per_week(profile)
    seen_from = _monday(max(weeks) + 1) if weeks else ports.clock.now()
    scores = profile.scores(min(seen_from, ports.clock.now()))
    facts = profile.facts
    about = {
        "revision": profile.revision,
        "orders": sum(weeks.values()),
        "registered": facts.registered_at.date().isoformat() if facts.registered_at else None,
        "tier": facts.loyalty_tier,
    }
    return {
        "shopper": profile.shopper,
        "about": {name: value for name, value in about.items() if value is not None},
        "consents": [
            {"purpose": one.purpose, "granted": one.granted, "effective_at": one.effective_at.isoformat()}
            for one in profile.consents
        ],
        "weeks": _last_weeks(weeks),
        "brands": [_bar(*one) for one in scores.top("brand", MOST_SHOWN)],
        "categories": [_bar(*one) for one in scores.top("category", MOST_SHOWN)],
    }


def _orders_per_week(profile: Profile) -> Counter[int]:
    orders: Counter[int] = Counter()
    for (week, _), line in packed_weeks(profile.counts):
        orders[week] += cells_of_week(line).get(("orders", ""), (0, 0))[0]
    return orders


def _last_weeks(orders: Counter[int]) -> list[dict[str, object]]:
    """Return every week up to the last one with an order, also those without any."""
    if not orders:
        return []
    last = max(orders)
    first = max(min(orders), last - WEEKS_SHOWN + 1)
    return [{"week": _monday(week).date().isoformat(), "orders": orders[week]} for week in range(first, last + 1)]


def _monday(week: int) -> datetime:
    return MONDAY + week * WEEK


def _bar(name: str, score: float) -> dict[str, object]:
    return {"name": name, "score": round(score, 3), "shown": f"{score:.1f}"}
