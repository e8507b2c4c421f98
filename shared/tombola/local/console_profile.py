"""One shopper, as the console shows them: asked for by the retailer's own id, known here by a pseudonym only."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from tombola.ports import Ports
from tombola.ports.documents import DocumentKey
from tombola.privacy.pseudonyms import pseudonym
from tombola.profiles.counts import MONDAY, WEEK, cells_of_week, packed_weeks
from tombola.profiles.facts import unpack
from tombola.profiles.model import Profile
from tombola.retailers.usecases import find_retailer, pseudonym_key

MOST_SHOWN = 8
WEEKS_SHOWN = 60


def shopper_profile(ports: Ports, retailer: str, shopper_id: str) -> dict[str, object]:
    """Return what is kept of a shopper. Raises `Unknown` for a retailer that is not known.

    Seen as of the shopper's last week with an order, because what was replayed may lie years back; tastes are
    empty unless the shopper agreed to be profiled.
    """
    key = pseudonym_key(ports, find_retailer(ports, retailer))
    profile = _as_kept(ports, retailer, pseudonym(key, retailer, shopper_id))
    weeks = _orders_per_week(profile)
    scores = profile.scores(min(_monday(max(weeks) + 1), ports.clock.now()) if weeks else ports.clock.now())
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


def _as_kept(ports: Ports, retailer: str, shopper: str) -> Profile:
    """Return the profile as it is stored: `read_profile` would leave out the weeks that are old by now."""
    (snapshot,) = ports.documents.get([DocumentKey("profiles", (retailer, shopper))])
    if snapshot is None or snapshot.fields.get("status") != "live":
        return Profile(retailer, shopper)
    fields = cast("Mapping[str, Any]", snapshot.fields)
    return Profile(retailer, shopper, fields["revision"], fields["counts"], unpack(fields["facts"]))


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
