"""One launched campaign at the corner shop, and short ways to order, play and look into the books."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import yaml

from tombola.campaigns.model import Campaign, Launched
from tombola.campaigns.usecases import commit_campaign, launch_campaign
from tombola.draws.usecases import play_game
from tombola.games.answers import Issued, PlayAnswer, PlayRequest
from tombola.games.entries import Entry
from tombola.games.plays import Play
from tombola.games.tokens import SIGNING_KEY, Signer, sign_token
from tombola.games.usecases import issue_tokens
from tombola.orders.facts import Header, Line, Order, ReturnedLine
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, Where
from tombola.runtime.races import decide_again
from tombola.settling.reconciling import Reconciliation
from tombola.settling.usecases import reconcile

RULES: dict[str, Any] = {
    "campaign": "june-wheel",
    "title": "June wheel",
    "sponsor": {"name": "Example Dairy", "kind": "brand"},
    "retailers": ["corner-shop"],
    "window": {"opens": datetime(2017, 6, 15), "closes": datetime(2017, 6, 22), "time_zone": "UTC"},  # noqa: DTZ001 (local)
    "control": {"share": "0", "mode": "invitation"},
    "criteria": {"all": [{"minimum_quantity": 2}]},
    "limits": {"per_shopper": 3, "per_campaign": 5000},
    "game": "wheel",
    "prizes": [{"name": "basket", "kind": "basket_value", "cap": "50.00", "moments": 400}],
    "draw": {"kind": "winning_moments"},
    "pool": {"amount": "20000.00", "currency": "USD"},
    "play_within_days": 14,
    "matures_after_days": 30,
    "reveal_by": "2017-09-30T00:00:00Z",
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
ID_KEY, SEED = bytes(range(32)), bytes(range(32, 64))


@dataclass
class Game:
    """A campaign that runs."""

    ports: Ports
    launched: Launched
    signer: Signer
    revisions: dict[str, int] = field(default_factory=dict)

    def order(self, order_id: str = "o-1", **more: Any) -> Order:  # noqa: ANN401 (any field of an order)
        """Return the next revision of an order of 2 x 10.00, unless `lines`, `returned` ... say otherwise."""
        revision = more.pop("revision", self.revisions.get(order_id, 0) + 1)
        self.revisions[order_id] = max(revision, self.revisions.get(order_id, 0))
        header = Header(
            shopper=more.pop("shopper", "s-1"),
            household=more.pop("household", None),
            store_id=more.pop("store_id", "1"),
            ordered_at=more.pop("ordered_at", datetime(2017, 6, 15, 12, 30, tzinfo=UTC)),
            currency=more.pop("currency", "USD"),
        )
        back = more.pop("returned", (0, 0))
        fields: dict[str, Any] = {
            "authoritative": True,
            "lines": (Line(line_id="1", product_id="milk", quantity=more.pop("quantity", 3), value_minor=2000),),
            "returns": (ReturnedLine(return_id="r", line_id="1", quantity=back[0], value_minor=back[1]),)
            if any(back)
            else (),
            "cancelled_at": datetime(2017, 6, 16, tzinfo=UTC) if more.pop("cancelled", False) else None,
            **more,
        }
        return Order(retailer="corner-shop", order_id=order_id, revision=revision, header=header, **fields)

    def issue(self, order: Order, lane: str = "live") -> Issued:
        """Return what an order comes to in this campaign, deciding again after every lost race."""
        issued = decide_again(lambda: issue_tokens(self.ports, order, lane=lane))
        return next(each for each in issued if each.campaign == self.launched.rules.campaign)

    def earn(self, order_id: str = "o-1", **more: Any) -> str:  # noqa: ANN401
        """Return the text of the token that a new order earns."""
        issued = self.issue(self.order(order_id, **more))
        assert issued.token_id is not None, issued
        return self.text(issued.token_id)

    def text(self, token_id: str) -> str:
        play = self.look(token_id)
        return sign_token(self.signer, token_id, play.of.campaign, play.expires_at)

    def play(self, token: str) -> PlayAnswer:
        return decide_again(lambda: play_game(self.ports, PlayRequest(token=token)))

    def look(self, token_id: str) -> Play:
        (snapshot,) = self.ports.documents.get([DocumentKey("plays", (token_id,))])
        assert snapshot is not None
        return Play.model_validate(snapshot.fields)

    def play_of(self, order_id: str = "o-1", tier: int = 1) -> Play:
        return self.look(self.entry(order_id, tier).token_id)

    def entry(self, order_id: str = "o-1", tier: int = 1) -> Entry:
        found = self.ports.documents.query("entries", [Where("order", "==", f"corner-shop/{order_id}")])
        return next(entry for each in found if (entry := Entry.model_validate(each.fields)).tier == tier)

    def books(self) -> Reconciliation:
        return reconcile(self.ports, self.launched.rules.campaign, self.launched.version)


@pytest.fixture
def launch(ports: Ports) -> Callable[..., Game]:
    """Launch a campaign with these rules changed; a part given as a map changes only what it names."""
    return partial(launch_in, ports)


def launch_in(ports: Ports, **changed: Any) -> Game:  # noqa: ANN401 (any field of the file)
    """Launch a campaign over these ports."""
    rules = {
        name: {**value, **changed[name]} if isinstance(changed.get(name), dict) else changed.get(name, value)
        for name, value in RULES.items()
    } | {name: value for name, value in changed.items() if name not in RULES}
    text = yaml.safe_dump(Campaign.model_validate(rules).model_dump(mode="json"))
    commit_campaign(ports, text, id_key=ID_KEY, seed=SEED)
    launched = launch_campaign(ports, rules["campaign"], "a witness")
    ports.clock.set(datetime(2017, 6, 15, 13, tzinfo=UTC))
    if not ports.keys.versions(SIGNING_KEY):
        ports.keys.create(SIGNING_KEY, bytes(32))
    return Game(ports, launched, Signer(1, bytes(32)))


@pytest.fixture
def game(launch: Callable[..., Game]) -> Game:
    """Launch the campaign as it stands above."""
    return launch()
