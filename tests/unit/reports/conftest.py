"""A short campaign at the corner shop, lived through the real use cases, and its events in the warehouse."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from tombola.adapters.embedded.clock import ReplayClock
from tombola.campaigns.model import Campaign, Launched
from tombola.campaigns.usecases import commit_campaign, launch_campaign
from tombola.draws.usecases import play_game
from tombola.events import Event, derived_id
from tombola.experiments.arms import arm
from tombola.experiments.events import ProposalMade
from tombola.games.answers import PlayRequest
from tombola.games.plays import Play
from tombola.games.tokens import SIGNING_KEY, Signer, sign_token
from tombola.games.usecases import issue_tokens
from tombola.orders.facts import Header, Line, Order, OrderStatement, ReturnedLine
from tombola.orders.usecases import record_order
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey
from tombola.settling.usecases import settle_version

OPENS = datetime(2017, 6, 15, 4, tzinfo=UTC)
"""Midnight in New York."""
RULES: dict[str, Any] = {
    "campaign": "june-wheel",
    "title": "Spin for your groceries <b>& win</b>",
    "sponsor": {"name": "Example Dairy", "kind": "brand"},
    "retailers": ["corner-shop"],
    "window": {"opens": "2017-06-15T00:00:00", "closes": "2017-07-15T00:00:00", "time_zone": "America/New_York"},
    "control": {"share": "0.2", "mode": "invitation"},
    "criteria": {"all": [{"minimum_quantity": 2}]},
    "limits": {"per_shopper": 3, "per_campaign": 5000},
    "game": "wheel",
    "prizes": [{"name": "basket", "kind": "basket_value", "cap": "50.00", "moments": 40}],
    "draw": {"kind": "winning_moments"},
    "pool": {"amount": "2000.00", "currency": "USD"},
    "play_within_days": 14,
    "matures_after_days": 20,
    "reveal_by": "2017-12-30T00:00:00Z",
    "eligibility": {
        "countries": ["US"],
        "minimum_age": 18,
        "age_checked": "by the retailer when the prize is claimed",
        "excluded_persons": ["employees of the sponsor and of the retailer"],
        "excluded_categories": ["alcohol", "tobacco", "infant formula", "medicines", "gambling"],
        "rules_url": "https://rules.example/june-wheel/1",
        "rules_version": "1",
    },
}


@dataclass
class Season:
    """The campaign, and what its shoppers did."""

    ports: Ports
    launched: Launched
    orders: dict[str, Order]


@pytest.fixture
def store() -> Callable[..., None]:
    """Return what puts events into the warehouse as the stored topics' subscriptions do."""
    return _store


def _store(ports: Ports, table: str, events: list[Event], batch: str = "made") -> None:
    messages = [(event.event_id, event.TYPE, event.outbound().message.data.decode()) for event in events]
    rows = [{"event_id": i, "published_at": OPENS, "type": t, "body": body} for i, t, body in messages]
    ports.warehouse.append(table, batch, rows)


def proposal(shopper: str, at: datetime, of: str, share: Any = None, number: int = 1) -> ProposalMade:  # noqa: ANN401
    """Return the decision to show or withhold the campaign, in the arm the shopper is assigned to."""
    assigned = arm(RULES["campaign"], 1, shopper, share or Campaign.model_validate(RULES).control.share)
    shown = assigned.arm == "invited"
    return ProposalMade(
        event_id=derived_id("proposal", of), retailer="corner-shop", shopper=shopper, campaign=RULES["campaign"],
        campaign_version=number, arm=assigned.arm, propensity=assigned.propensity, shown=shown,
        reason="invited" if shown else "control", placement="home", proposed_at=at,
    )  # fmt: skip


@pytest.fixture
def season(ports: Ports, clock: ReplayClock, published: Callable[[str], list[dict[str, Any]]]) -> Callable[..., Season]:
    """Live a month: visits, orders, tokens, plays; then changes of mind, and prizes that mature."""

    def live(visits: int = 120, shoppers: int = 50, **changed: Any) -> Season:  # noqa: ANN401 (any field of the file)
        text = yaml.safe_dump(Campaign.model_validate({**RULES, **changed}).model_dump(mode="json"))
        commit_campaign(ports, text, id_key=bytes(range(32)), seed=bytes(range(32, 64)))
        launched = launch_campaign(ports, RULES["campaign"], "a witness")
        ports.keys.create(SIGNING_KEY, bytes(32))
        dice = random.Random(7)  # noqa: S311 (a made month, the same every time)
        moments = sorted(OPENS + timedelta(minutes=dice.randrange(1, 30 * 1440 - 90)) for _ in range(visits))
        orders: dict[str, Order] = {}
        proposals: list[Event] = []
        for number, at in enumerate(moments):
            clock.set(max(at, clock.now()))
            shopper = f"s-{dice.randrange(shoppers)}"
            proposals.append(proposal(shopper, clock.now(), f"visit-{number}"))
            order = _ordered(ports, dice, f"o-{number}", shopper)
            orders[order.order_id] = order
            _play(ports, dice, order)
        clock.advance(timedelta(hours=1))
        for order_id in list(orders)[::9]:
            orders[order_id] = _changed(ports, orders[order_id], clock.now(), whole=order_id.endswith("8"))
        clock.set(launched.rules.window.closes_at + timedelta(days=1))
        settle_version(ports, RULES["campaign"], 1)
        _store(ports, "proposal_made", proposals)
        for topic, table in (("order-recorded", "order_recorded"), ("play-changed", "play_changed")):
            _keep(ports, table, published(topic))
        return Season(ports, launched, orders)

    return live


def _keep(ports: Ports, table: str, bodies: list[dict[str, Any]]) -> None:
    rows = [
        {"event_id": body["event_id"], "published_at": OPENS, "type": body["type"], "body": json.dumps(body)}
        for body in bodies
    ]
    ports.warehouse.append(table, "made", rows)


def _ordered(ports: Ports, dice: random.Random, order_id: str, shopper: str) -> Order:
    now = ports.clock.now()
    lines = tuple(
        Line(line_id=str(n), product_id="milk", quantity=dice.randrange(1, 4), value_minor=dice.randrange(150, 2600),
             coupon_minor=dice.choice((0, 0, 0, 75)))
        for n in range(dice.randrange(1, 5))
    )  # fmt: skip
    header = Header(shopper=shopper, store_id=str(300 + dice.randrange(7) ** 2 // 6), ordered_at=now, currency="USD")
    recorded = record_order(ports, _statement(order_id, now, header=header, lines=lines), lane="live")
    assert recorded is not None
    issue_tokens(ports, recorded, lane="live")
    return recorded


def _statement(order_id: str, at: datetime, **fields: Any) -> OrderStatement:  # noqa: ANN401 (any field of a statement)
    return OrderStatement(
        retailer="corner-shop", order_id=order_id, door="webhook", scope="some", stated_at=at, **fields
    )


def _play(ports: Ports, dice: random.Random, order: Order) -> None:
    issued = issue_tokens(ports, order, lane="live")
    if not issued or issued[0].token_id is None or dice.random() < 0.15:
        return
    (snapshot,) = ports.documents.get([DocumentKey("plays", (issued[0].token_id,))])
    assert snapshot is not None
    play = Play.model_validate(snapshot.fields)
    token = sign_token(Signer(1, bytes(32)), play.token_id, play.of.campaign, play.expires_at)
    play_game(ports, PlayRequest(token=token))


def _changed(ports: Ports, order: Order, at: datetime, *, whole: bool) -> Order:
    first = order.lines[0]
    back = ReturnedLine(
        return_id="r", line_id=first.line_id, quantity=first.quantity, value_minor=first.value_minor // 2
    )
    statement = _statement(order.order_id, at, **({"cancelled_at": at} if whole else {"returns": (back,)}))
    recorded = record_order(ports, statement, lane="live")
    assert recorded is not None
    issue_tokens(ports, recorded, lane="live")
    return recorded
