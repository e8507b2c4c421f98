"""`choose_offer` under the real functions-framework, over real embedded adapters."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tombola.adapters.embedded.clock import ReplayClock
from tombola.campaigns.usecases import commit_campaign, end_campaign, launch_campaign
from tombola.experiments.arms import arm
from tombola.feeds.events import ShopperReceived
from tombola.orders.signatures import sign
from tombola.ports import Ports
from tombola.ports.errors import Unavailable
from tombola.ports.topics import Message
from tombola.privacy.pseudonyms import pseudonym
from tombola.profiles.usecases import load_list, record_shopper
from tombola.runtime import wiring

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "tests/unit/campaigns/files/wheel.yaml"
BEFORE, INSIDE = datetime(2027, 2, 20, 9, tzinfo=UTC), datetime(2027, 3, 10, 12, tzinfo=UTC)
SHARE = Decimal("0.10")
Ask = Callable[..., TestResponse]
Published = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def client(client: Callable[[str], FlaskClient]) -> FlaskClient:
    return client("choose_offer")


@pytest.fixture
def ask(client: FlaskClient, ports: Ports) -> Ask:
    """Ask as the shop would, signed now; keywords change the body."""

    def signed(
        retailer: str = "corner-shop", *, message_id: str = "m-1", signer: str = "corner-shop", **body: object
    ) -> TestResponse:
        asked = {"shopper_id": "42", "channel": "web", "placement": "home", **body}
        data = json.dumps({name: value for name, value in asked.items() if value is not None}).encode()
        secret = ports.keys.get(f"webhook-{signer}").material
        headers = sign(secret, message_id, ports.clock.now(), data)
        return client.post(f"/{retailer}", data=data, headers=headers, content_type="application/json")

    return signed


@pytest.fixture
def launched(ports: Ports, clock: ReplayClock) -> None:
    """The wheel is launched, its window open, and shoppers have agreed to advertising."""
    clock.set(BEFORE)
    commit_campaign(ports, FILE.read_bytes(), id_key=os.urandom(32), seed=os.urandom(32))
    launch_campaign(ports, "spring-wheel", "w")
    clock.set(INSIDE)


def key_of(ports: Ports, shopper_id: str) -> str:
    return pseudonym(ports.keys.get("pseudonym-corner-shop").material, "corner-shop", shopper_id)


def shopper_in(ports: Ports, wanted: str, *, purpose: str = "ads", granted: bool = True) -> str:
    """Return the id of a shopper of this arm who said yes (or no) to a purpose, if not stated advertising."""
    shopper_id = next(str(n) for n in range(1000) if arm("spring-wheel", 1, key_of(ports, str(n)), SHARE).arm == wanted)
    consent = {"purpose": purpose, "granted": granted, "effective_at": BEFORE}
    event = {
        "event_id": "e",
        "retailer": "corner-shop",
        "shopper": key_of(ports, shopper_id),
        "stated_at": BEFORE,
        "registered_at": None,
        "loyalty_tier": None,
        "consents": [consent],
    }
    record_shopper(ports, ShopperReceived.model_validate(event))
    return shopper_id


def test_a_campaign_for_a_list_is_shown_to_whoever_is_on_it(ask: Ask, ports: Ports, clock: ReplayClock) -> None:
    clock.set(BEFORE)
    text = FILE.read_text(encoding="utf-8").replace("{consent: ads}", "{consent: profile, segments: [{lists: [vip]}]}")
    commit_campaign(ports, text, id_key=os.urandom(32), seed=os.urandom(32))
    launch_campaign(ports, "spring-wheel", "w")
    clock.set(INSIDE)
    shopper_id = shopper_in(ports, "invited", purpose="profile")
    assert ask(shopper_id=shopper_id).json == {
        "proposal": None, "banner": None, "reasons": [{"campaign": "spring-wheel", "why": "not-in-audience"}],
    }  # fmt: skip
    load_list(ports, "corner-shop", "vip", [key_of(ports, shopper_id)])
    shown = ask(shopper_id=shopper_id).json
    assert shown is not None
    assert shown["banner"]["campaign"] == "spring-wheel"


@pytest.mark.usefixtures("launched")
def test_an_invited_shopper_sees_the_banner_and_the_decision_is_logged(
    ask: Ask, ports: Ports, published: Published
) -> None:
    shopper_id = shopper_in(ports, "invited")
    answer = ask(shopper_id=shopper_id, request_id="view-1")
    assert answer.status_code == 200
    (event,) = published("proposal-made")
    assert answer.json == {
        "proposal": event["event_id"],
        "banner": {
            "campaign": "spring-wheel",
            "version": 1,
            "title": "Spring wheel",
            "text": "Spring wheel. Win the value of your basket, up to 50.00 USD.",
            "game": "wheel",
            "rules_url": "https://rules.example/spring-wheel/1",
        },
        "reasons": [],
    }
    expected = {"arm": "invited", "propensity": 0.9, "shown": True, "reason": "best", "placement": "home"}
    assert {name: event[name] for name in expected} == expected
    assert event["shopper"] == key_of(ports, shopper_id)


@pytest.mark.usefixtures("launched")
def test_a_shopper_of_the_control_group_sees_nothing_and_is_logged(
    ask: Ask, ports: Ports, published: Published
) -> None:
    answer = ask(shopper_id=shopper_in(ports, "control"))
    (event,) = published("proposal-made")
    assert answer.json == {
        "proposal": event["event_id"],
        "banner": None,
        "reasons": [{"campaign": "spring-wheel", "why": "not-invited"}],
    }
    expected = {"arm": "control", "propensity": 0.1, "shown": False, "reason": "control"}
    assert {name: event[name] for name in expected} == expected


@pytest.mark.usefixtures("launched")
def test_the_same_request_is_the_same_proposal(ask: Ask, ports: Ports, published: Published) -> None:
    shopper_id = shopper_in(ports, "invited")
    for message_id in ("m-1", "m-2"):
        ask(shopper_id=shopper_id, request_id="view-1", message_id=message_id)
    for message_id in ("m-3", "m-3", "m-4"):
        ask(shopper_id=shopper_id, message_id=message_id)
    ids = [event["event_id"] for event in published("proposal-made")]
    assert len(ids) == 5
    assert len(set(ids)) == 3


@pytest.mark.usefixtures("launched")
@pytest.mark.parametrize("granted", [False, None])
def test_without_consent_nothing_is_shown_and_nothing_is_logged(
    *, granted: bool | None, ask: Ask, ports: Ports, published: Published
) -> None:
    shopper_id = "never-heard-of" if granted is None else shopper_in(ports, "invited", granted=granted)
    answer = ask(shopper_id=shopper_id)
    assert answer.json == {
        "proposal": None,
        "banner": None,
        "reasons": [{"campaign": "spring-wheel", "why": "no-consent"}],
    }
    assert published("proposal-made") == []


@pytest.mark.usefixtures("launched")
def test_an_ended_campaign_is_shown_no_more(ask: Ask, ports: Ports) -> None:
    shopper_id = shopper_in(ports, "invited")
    assert ask(shopper_id=shopper_id).json["banner"] is not None
    end_campaign(ports, "spring-wheel")
    assert ask(shopper_id=shopper_id).json == {"proposal": None, "banner": None, "reasons": []}


@pytest.mark.usefixtures("launched")
def test_a_window_that_is_not_open_is_a_reason(ask: Ask, ports: Ports, clock: ReplayClock) -> None:
    shopper_id = shopper_in(ports, "invited")
    clock.advance(timedelta(days=30))
    assert ask(shopper_id=shopper_id).json["reasons"] == [{"campaign": "spring-wheel", "why": "not-open"}]


@pytest.mark.usefixtures("launched")
def test_a_banner_speaks_french(ask: Ask, ports: Ports) -> None:
    answer = ask(shopper_id=shopper_in(ports, "invited"), language="fr")
    assert answer.json["banner"]["text"] == "Spring wheel. Gagnez la valeur de votre panier, jusqu'à 50,00 USD."


@pytest.mark.usefixtures("launched")
def test_a_banner_that_could_not_be_logged_is_not_shown(ask: Ask, ports: Ports) -> None:
    shopper_id = shopper_in(ports, "invited")
    wiring.install(replace(ports, topics=Silent()))
    assert ask(shopper_id=shopper_id).status_code == 503


class Silent:
    """Topics that are out of order."""

    def publish(self, topic: str, messages: list[Message]) -> None:
        msg = f"{topic} takes none of {len(messages)} messages"
        raise Unavailable(msg)


def test_without_a_campaign_there_is_no_offer(ask: Ask) -> None:
    assert ask().json == {"proposal": None, "banner": None, "reasons": []}


def test_an_unknown_retailer_is_404(ask: Ask) -> None:
    answer = ask("nowhere")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.json["type"] == "urn:tombola:problem:unknown-retailer"
    assert ask("").status_code == 404


def test_an_unsigned_request_is_401(client: FlaskClient) -> None:
    body = {"shopper_id": "42", "channel": "web", "placement": "home"}
    answer = client.post("/corner-shop", json=body)
    assert answer.status_code == 401
    assert answer.json["title"] == "Unsigned"


def test_a_request_signed_by_another_retailer_is_401(ask: Ask, ports: Ports) -> None:
    ports.keys.create("webhook-other-shop", os.urandom(32))
    answer = ask(signer="other-shop")
    assert answer.status_code == 401
    assert answer.json["title"] == "Bad signature"


def test_every_wrong_field_is_named_at_once(ask: Ask) -> None:
    answer = ask(shopper_id="", channel="fax", placement=None, colour="red")
    assert answer.status_code == 422
    assert sorted(problem["where"] for problem in answer.json["problems"]) == [
        "channel",
        "colour",
        "placement",
        "shopper_id",
    ]


def test_a_body_that_is_too_large_is_413(ask: Ask) -> None:
    assert ask(placement="x" * 20_000).status_code == 413


def test_another_method_is_405(client: FlaskClient) -> None:
    assert client.get("/corner-shop").status_code == 405


def test_the_sample_request_is_answered(ask: Ask) -> None:
    sample = json.loads((ROOT / "functions/choose_offer/events/home_page.json").read_bytes())
    assert ask(**sample).status_code == 200
