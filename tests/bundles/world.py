"""One small shop with one campaign, set up through whatever adapters there are, and what happens in it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tombola.adapters.embedded.clock import ReplayClock
from tombola.campaigns.usecases import commit_campaign, launch_campaign
from tombola.draws.usecases import play_game
from tombola.feeds.events import FeedValidated, ShopperReceived
from tombola.feeds.usecases import validate_feed
from tombola.games.answers import PlayRequest
from tombola.games.tokens import SIGNING_KEY
from tombola.games.usecases import check_out, issue_tokens
from tombola.orders.doors import parse_message, statement_of
from tombola.orders.events import OrderReceived, OrderRecorded
from tombola.orders.signatures import sign
from tombola.orders.usecases import record_order
from tombola.ports.errors import PreconditionFailed
from tombola.privacy.pseudonyms import pseudonym
from tombola.profiles.usecases import record_shopper
from tombola.settling.claiming import ClaimRequest
from tombola.settling.usecases import claim_prize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tombola.ports import Ports
    from tombola.ports.objects import ObjectRef
    from tombola.ports.topics import Message

OPENS, NOW = datetime(2017, 6, 15, tzinfo=UTC), datetime(2017, 6, 21, 23, 59, tzinfo=UTC)
EARLIER = NOW - timedelta(minutes=15)
"""A minute before the campaign's window closes every winning moment is due: every play wins."""
RETAILER, CAMPAIGN = "corner-shop", "spring-wheel"
SHOP = {"retailer": RETAILER, "name": "The Corner Shop", "country": "US", "currency": "USD", "time_zone": "UTC"}
FEEDS = {
    "products": "product_id,name\n{0},Milk no. {0}\n",
    "orders": "order_id,line_id,shopper_id,store_id,ordered_at,product_id,quantity,value\n"
    "file-{0},1,{0},s,2017-06-20T10:00:00,milk,2,12.00\n",
    "shoppers": "shopper_id,consent_profile,consent_ads,consent_partner,consented_at\n{0},yes,yes,no,2017-06-01\n",
    "returns": "return_id,order_id,line_id,returned_at,quantity,value\nr-{0},file-{0},1,2017-06-21T10:00:00,1,6.00\n",
}
RULES = {
    **yaml.safe_load((Path(__file__).parents[1] / "unit" / "campaigns" / "files" / "wheel.yaml").read_bytes()),
    "window": {"opens": "2017-06-15T00:00:00", "closes": "2017-06-22T00:00:00", "time_zone": "UTC"},
    "reveal_by": "2017-09-30T00:00:00Z",
    "criteria": {"all": [{"minimum_quantity": 2}]},
    "control": {"share": "0", "mode": "invitation"},
    "free_entry": {"amount": "7.50", "how": "by letter"},
    "prizes": [{"name": "basket", "kind": "basket_value", "cap": "5.00", "moments": 500}],
    "pool": {"amount": "2500.00", "currency": "USD"},
    "matures_after_days": 0,
}
WEBHOOK, PSEUDONYM = (f"{kind}-{RETAILER}, 32 bytes or more of it".encode() for kind in ("webhook", "pseudonym"))


def furnish(ports: Ports) -> None:
    """Set up the shop, its keys, and the campaign, launched when its window opened."""
    shop = {**SHOP, "feeds": {feed: {} for feed in FEEDS}}
    ports.objects.replace("config", f"retailers/{RETAILER}.yaml", yaml.safe_dump(shop).encode())
    keys = {
        f"webhook-{RETAILER}": WEBHOOK, f"pseudonym-{RETAILER}": PSEUDONYM, SIGNING_KEY: bytes(32),
        "receipt-signing": bytes(range(32)), "head-signing": bytes(range(32, 64)),
    }  # fmt: skip
    for name, material in keys.items():
        ports.keys.create(name, material)
    then = replace(ports, clock=ReplayClock(OPENS))
    commit_campaign(then, yaml.safe_dump(RULES), id_key=bytes(range(32)), seed=bytes(range(32, 64)))
    launch_campaign(then, CAMPAIGN, "a witness")


@dataclass(frozen=True)
class World:
    """The shop. Whatever happens there has a number, so that many can happen and each be told apart."""

    ports: Ports
    earlier: Ports
    """The same, a quarter of an hour before."""
    heard: Callable[[str], Sequence[Message]]
    """Returns everything that was published to a topic."""

    def signed(self, body: bytes) -> dict[str, str]:
        """Return the shop's signature of a body."""
        return sign(WEBHOOK, f"m-{uuid.uuid4().hex}", self.ports.clock.now(), body)

    def order(self, number: int, type_: str = "order.stated") -> bytes:
        """Return what the shop says of an order: two of a thing for 12.00."""
        line = {"line_id": "1", "product_id": "milk", "quantity": 2, "value": "12.00"}
        return _json(
            type=type_, order_id=f"o-{number}", scope="whole", stated_at=NOW.isoformat(), shopper_id=f"{number}",
            store_id="317", ordered_at="2017-06-20T16:30:00Z", currency="USD", lines=[line],
        )  # fmt: skip

    def stated(self, number: int) -> OrderReceived:
        """Return the event that a webhook about an order becomes."""
        statement = statement_of(parse_message(self.order(number)), RETAILER, "webhook", PSEUDONYM)
        return OrderReceived(event_id=f"{number:032x}", statement=statement)

    def recorded(self, number: int) -> OrderRecorded:
        """Record an order; return the event that tells of it."""
        order = record_order(self.ports, self.stated(number).statement, lane="live")
        assert order is not None
        return OrderRecorded(event_id=f"{number:032x}", order=order)

    def token(self, number: int) -> str:
        """Check an order out and have the shop's own system state it; return its token."""
        body = self.order(number, "order.checked_out")
        (offer,) = check_out(self.ports, RETAILER, self.signed(body), body).campaigns
        assert offer.token is not None
        issue_tokens(self.ports, self.recorded(number).order, lane="live")
        return offer.token

    def won(self, number: int) -> str:
        """Play a token that wins; return the token."""
        token = self.token(number)
        assert play_game(self.ports, PlayRequest(token=token)).prize is not None
        return token

    def claimed(self, number: int) -> str:
        """Claim a prize; return the token."""
        token = self.won(number)
        claim_prize(self.ports, ClaimRequest(token=token, country="US", age_confirmed="seen at the till"))
        return token

    def shopper(self, number: int) -> str:
        """Return the name that a shopper has here."""
        return pseudonym(PSEUDONYM, RETAILER, f"{number}")

    def consenting(self, number: int) -> ShopperReceived:
        """Return the event of a shopper who agrees to a profile and to advertising."""
        consents = [
            {"purpose": purpose, "granted": True, "effective_at": OPENS.isoformat()} for purpose in ("profile", "ads")
        ]
        return ShopperReceived.model_validate(
            {
                "event_id": f"{number:032x}", "retailer": RETAILER, "shopper": self.shopper(number),
                "stated_at": OPENS.isoformat(), "registered_at": None, "loyalty_tier": None, "consents": consents,
            }
        )  # fmt: skip

    def invited(self, number: int) -> None:
        """Let a shopper agree to a profile and to advertising."""
        record_shopper(self.ports, self.consenting(number))

    def landed(self, feed: str, number: int) -> ObjectRef:
        """Put a file of one row into the inbox."""
        name = f"{RETAILER}/{feed}/{number}.csv"
        try:
            with self.ports.objects.create("inbox", name) as file:
                file.write(FEEDS[feed].format(number).encode())
        except PreconditionFailed:
            return self.ports.objects.stat("inbox", name).ref
        return file.ref

    def validated(self, feed: str, number: int) -> FeedValidated:
        """Validate a file of one row; return the event that tells of it."""
        receipt = validate_feed(self.ports, self.landed(feed, number), attempt=uuid.uuid4().hex)
        return FeedValidated(
            event_id=f"{number:032x}", retailer=RETAILER, feed=receipt.feed, receipt=receipt.receipt,
            verdict=receipt.verdict, files=receipt.files,
        )  # fmt: skip

    def stores(self, number: int) -> None:
        """Keep everything that was told of orders and plays so far in the warehouse."""
        for topic, table in (("order-recorded", "order_recorded"), ("play-changed", "play_changed")):
            rows = [
                {"event_id": event["event_id"], "published_at": NOW, "type": topic, "body": json.dumps(event)}
                for event in self.told(topic)
            ]
            self.ports.warehouse.append(table, f"{number}", rows)

    def told(self, topic: str) -> list[dict[str, Any]]:
        """Return every event that was published to a topic."""
        return [json.loads(message.data) for message in self.heard(topic)]


def _json(**content: object) -> bytes:
    return json.dumps(content).encode()
