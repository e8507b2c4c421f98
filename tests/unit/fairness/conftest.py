"""A campaign that is played, by moments or by odds, and what a stranger is given of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import yaml

from tombola.campaigns.model import Campaign, Launched
from tombola.campaigns.usecases import commit_campaign, end_campaign, find_launched, launch_campaign
from tombola.draws.usecases import play_game
from tombola.fairness.usecases import seal_draws
from tombola.games.answers import PlayRequest
from tombola.games.plays import Play
from tombola.games.tokens import SIGNING_KEY, Signer, sign_token
from tombola.games.usecases import enter_free, issue_tokens
from tombola.orders.facts import Header, Line, Order
from tombola.orders.signatures import sign
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey
from tombola.settling.claiming import ClaimRequest
from tombola.settling.usecases import claim_prize, record_payment, settle_plays

RULES: dict[str, Any] = {
    "campaign": "june-wheel",
    "title": "June wheel",
    "sponsor": {"name": "Example Dairy", "kind": "brand"},
    "retailers": ["corner-shop"],
    "window": {"opens": "2017-06-15T00:00:00", "closes": "2017-06-22T00:00:00", "time_zone": "America/New_York"},
    "control": {"share": "0", "mode": "banner"},
    "criteria": {"all": [{"minimum_quantity": 1}]},
    "game": "wheel",
    "prizes": [
        {"name": "basket", "kind": "basket_value", "cap": "50.00", "moments": 20},
        {"name": "mug", "kind": "physical", "value": "9.00", "stock": 3, "moments": 3},
    ],
    "draw": {"kind": "winning_moments"},
    "pool": {"amount": "1000.00", "currency": "USD"},
    "play_within_days": 2,
    "matures_after_days": 0,
    "reveal_by": "2017-07-31T00:00:00Z",
    "eligibility": {
        "countries": ["US"],
        "minimum_age": 18,
        "age_checked": "by the retailer when the prize is claimed",
        "excluded_persons": ["employees of the sponsor and of the retailer"],
        "excluded_categories": ["alcohol"],
        "rules_url": "https://rules.example/june-wheel/1",
        "rules_version": "1",
    },
}
ODDS: dict[str, Any] = {
    "prizes": [
        {"name": "basket", "kind": "basket_value", "cap": "50.00", "chance": "1/4"},
        {"name": "note", "kind": "fixed", "amount": "20.00", "chance": "1/8"},
        {"name": "mug", "kind": "physical", "value": "9.00", "stock": 2, "chance": "1/5"},
        {"name": "sip", "kind": "coupon", "face_value": "1.50", "chance": "1/8"},
    ],
    "draw": {"kind": "odds", "maximum_plays": 500},
    "when_empty": {"fallback": {"kind": "fixed", "worth": "0.50"}},
    "pool": {"amount": "130.00", "currency": "USD"},
    "limits": {"per_campaign": 500},
}
ID_KEY, SEED = bytes(range(32)), bytes(range(32, 64))
A_SEAL_LATER = timedelta(minutes=10)


@dataclass
class Season:
    """A campaign that runs, and short ways through its life."""

    ports: Ports
    launched: Launched
    revisions: dict[str, int] = field(default_factory=dict)

    def issue(self, order_id: str, *, cents: int = 2000, retailer: str = "corner-shop", cancelled: bool = False) -> str:
        """Return the id of the token that an order earns, or had."""
        revision = self.revisions[order_id] = self.revisions.get(order_id, 0) + 1
        now = self.ports.clock.now()
        header = Header(shopper=f"shopper of {order_id}", store_id="1", ordered_at=now, currency="USD")
        line = Line(line_id="1", product_id="milk", quantity=1, value_minor=cents)
        order = Order(
            retailer=retailer, order_id=order_id, revision=revision, authoritative=True, header=header,
            lines=(line,), cancelled_at=now if cancelled else None,
        )  # fmt: skip
        (issued,) = issue_tokens(self.ports, order, lane="live")
        assert issued.token_id is not None, issued
        return issued.token_id

    def play(self, token_id: str) -> Play:
        play_game(self.ports, PlayRequest(token=self.text(token_id)))
        return self.look(token_id)

    def text(self, token_id: str) -> str:
        """Return a token's text."""
        play = self.look(token_id)
        return sign_token(Signer(1, bytes(32)), token_id, play.of.campaign, play.expires_at)

    def look(self, token_id: str) -> Play:
        (snapshot,) = self.ports.documents.get([DocumentKey("plays", (token_id,))])
        assert snapshot is not None
        return Play.model_validate(snapshot.fields)

    def later(self, **duration: float) -> None:
        self.ports.clock.advance(timedelta(**duration))  # type: ignore[attr-defined]

    def enter_free(self, entry_id: str) -> str:
        """Return the id of the token of a free entry."""
        body = {
            "type": "entry.free", "campaign": "june-wheel", "entry_id": entry_id, "shopper_id": "s",
            "entered_at": self.ports.clock.now().isoformat(),
        }  # fmt: skip
        offered = enter_free(self.ports, "corner-shop", *self._signed(body))
        assert offered.token is not None, offered
        return str(jwt.decode(offered.token, options={"verify_signature": False})["jti"])

    def claim(self, token_id: str) -> None:
        request = ClaimRequest(token=self.text(token_id), country="US", age_confirmed="seen at the till")
        claim_prize(self.ports, request)

    def pay(self, token_id: str, amount: str) -> None:
        body = {"type": "prize.paid", "payment_id": f"p-{token_id[:8]}", "token_id": token_id, "amount": amount}
        record_payment(self.ports, "corner-shop", *self._signed({**body, "currency": "USD"}))

    def _signed(self, body: dict[str, str]) -> tuple[dict[str, str], bytes]:
        text, secret = json.dumps(body).encode(), self.ports.keys.get("webhook-corner-shop").material
        return sign(secret, "msg-1", self.ports.clock.now(), text), text

    def seal(self) -> int:
        """Seal all there is: nobody can be busy with it ten minutes later."""
        self.later(minutes=10)
        return seal_draws(self.ports)

    def over(self) -> None:
        """End the campaign, let its last token expire, and seal it."""
        end_campaign(self.ports, self.launched.rules.campaign)
        self.later(days=3)
        settle_plays(self.ports)
        self.seal()
        self.launched = find_launched(self.ports, self.launched.rules.campaign, self.launched.version)


@pytest.fixture
def launch(ports: Ports) -> Callable[..., Season]:
    """Launch the campaign with these rules changed."""

    def build(**changed: Any) -> Season:  # noqa: ANN401 (any field of the file)
        text = yaml.safe_dump(Campaign.model_validate(RULES | changed).model_dump(mode="json"))
        commit_campaign(ports, text, id_key=ID_KEY, seed=SEED)
        launched = launch_campaign(ports, "june-wheel", "a witness")
        ports.clock.set(datetime(2017, 6, 15, 13, tzinfo=UTC))  # type: ignore[attr-defined]
        ports.keys.create(SIGNING_KEY, bytes(32))
        return Season(ports, launched)

    return build


@pytest.fixture
def season(launch: Callable[..., Season]) -> Season:
    """Launch the campaign as it stands above."""
    return launch()


@pytest.fixture
def rules() -> dict[str, Any]:
    """Return the rules as they stand above: by winning moments."""
    return RULES


@pytest.fixture
def odds() -> dict[str, Any]:
    """Return what makes a campaign by odds of them."""
    return ODDS
