"""Over how many documents the writes of each collection go: the constants of the code that writes them."""

from collections.abc import Mapping

from tombola.catalogue.shards import SHARDS
from tombola.costs.limits import Spread
from tombola.costs.volumes import Assumptions
from tombola.games.limits import MAX_SLOTS
from tombola.games.opening import MAX_BALANCES
from tombola.games.plays import SHARDS as PLAY_SHARDS


def spreads(assumed: Assumptions, outbox_shards: int) -> Mapping[str, Spread]:
    """Return how the writes of every collection spread; the outbox is read by so many shards."""
    each_campaign = f"one of {assumed.campaigns} campaigns"

    def own(of: str, turn: str = "nothing: each has its own", index_shards: int | None = None) -> Spread:
        return Spread(None, of, turn, index_shards)

    return {
        "orders": own("order"),
        "contributions": own("order"),
        "profiles": own("shopper"),
        "list_members": own("member of a list"),
        "catalogue": Spread(assumed.retailers * SHARDS, f"one of {SHARDS} shards of a retailer's catalogue", "SHARDS"),
        "publications": own("file"),
        "campaigns": own("campaign version, written when it is launched or ended"),
        "entries": own("order or free entry"),
        "plays": own("token", "SHARDS of plays", assumed.campaigns * PLAY_SHARDS),
        "limits": own("shopper or household"),
        "slots": Spread(assumed.campaigns * MAX_SLOTS, f"one of {MAX_SLOTS} slots of {each_campaign}", "MAX_SLOTS"),
        "claims": own("moment"),
        "balances": Spread(
            assumed.campaigns * MAX_BALANCES, f"one of {MAX_BALANCES} portions of {each_campaign}", "MAX_BALANCES"
        ),
        "stocks": Spread(assumed.campaigns, f"one thing or coupon of {each_campaign}", "more kinds of smaller stocks"),
        "postings": own("movement of money"),
        "payments": own("payment"),
        "seals": Spread(assumed.campaigns, each_campaign, "nothing: one an hour"),
        "outbox": own("event that waits to be published", "OUTBOX_SHARDS", outbox_shards),
        "idempotency": own("idempotency key"),
    }
