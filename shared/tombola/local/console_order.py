"""One order, as the console shows it: what it earned in every campaign it could take part in, or why it did not."""

from tombola.errors import Problem, Unknown
from tombola.games.answers import offered
from tombola.issuing.cases import Case, Decision
from tombola.issuing.usecases import explain_order
from tombola.orders.usecases import find_order
from tombola.ports import Ports
from tombola.retailers.usecases import find_retailer


def order_entries(ports: Ports, retailer: str, order_id: str) -> dict[str, object]:
    """Return what an order comes to now, tier by tier; nothing is written. Raises `Unknown` (retailer, order)."""
    order = find_order(ports, find_retailer(ports, retailer).retailer, order_id)
    if order is None:
        msg = f"no door has stated the order {order_id!r} of {retailer}"
        raise Unknown(msg, [Problem("order_id", repr(order_id), "an order as the retailer writes it")])
    decided = [each for settlement in explain_order(ports, order) for each in settlement.decided]
    return {
        "revision": order.revision,
        "authoritative": order.authoritative,
        "cancelled_at": order.cancelled_at.isoformat() if order.cancelled_at else None,
        "tiers": [_tier(case, decision) for case, decision in decided],
    }


def _tier(case: Case, decision: Decision) -> dict[str, object]:
    said = offered(case, decision, token=None)
    return {
        "campaign": said.campaign,
        "version": case.of.version,
        "tier": said.tier,
        "state": case.play.state if case.play else None,
        "reason": said.reason,
        "words": said.words,
        "unmet": case.evaluation.summary,
    }
