"""A replay of recorded orders: it tells what was, touches nothing, and reads no campaign's keys."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
import yaml

from tombola import cli
from tombola.adapters.embedded.clock import ReplayClock
from tombola.campaigns.model import Campaign
from tombola.campaigns.usecases import commit_campaign, launch_campaign
from tombola.draws.usecases import play_game
from tombola.feeds.events import ShopperReceived, StatedConsent
from tombola.games.answers import PlayRequest
from tombola.games.plays import Play
from tombola.games.tokens import SIGNING_KEY, Signer, sign_token
from tombola.games.usecases import issue_tokens
from tombola.orders.facts import Header, Line, Order, OrderStatement
from tombola.orders.usecases import record_order
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, created_or_replaced
from tombola.profiles.usecases import NEW, record_shopper, update_profile
from tombola.replays.model import Period, Replay, period_of
from tombola.replays.usecases import replay
from tombola.runtime import wiring

OPENS = datetime(2017, 6, 15, 4, tzinfo=UTC)
VISITS = 50
RULES: dict[str, Any] = {
    "campaign": "june-wheel",
    "title": "Spin for your groceries [b]& win[/b]",
    "sponsor": {"name": "Example Dairy", "kind": "brand"},
    "retailers": ["corner-shop"],
    "window": {"opens": "2017-06-15T00:00:00", "closes": "2017-07-15T00:00:00", "time_zone": "America/New_York"},
    "audience": {"consent": "ads"},
    "control": {"share": "0.2", "mode": "invitation"},
    "criteria": {"all": [{"minimum_quantity": 2}]},
    "limits": {"per_shopper": 3, "per_campaign": 5000},
    "game": "wheel",
    "prizes": [{"name": "basket", "kind": "basket_value", "cap": "50.00", "moments": 40}],
    "draw": {"kind": "winning_moments"},
    "pool": {"amount": "2000.00", "currency": "USD"},
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


@pytest.fixture
def lived(ports: Ports, clock: ReplayClock, published: Callable[[str], list[dict[str, Any]]]) -> Ports:
    """Live a month through the real use cases: orders, tokens, plays; their events go into the warehouse."""
    text = yaml.safe_dump(Campaign.model_validate(RULES).model_dump(mode="json"))
    commit_campaign(ports, text, id_key=bytes(range(32)), seed=bytes(range(32, 64)))
    launch_campaign(ports, RULES["campaign"], "a witness")
    ports.keys.create(SIGNING_KEY, bytes(32))
    for number in range(VISITS):
        clock.advance(timedelta(hours=7))
        order = _ordered(ports, number)
        update_profile(ports, order)
        for answer in issue_tokens(ports, order, lane="live"):
            if answer.token_id is not None and number % 4:
                _play(ports, answer.token_id)
    for topic, table in (("order-recorded", "order_recorded"), ("play-changed", "play_changed")):
        _keep(ports, table, published(topic))
    return ports


def _ordered(ports: Ports, number: int) -> Order:
    now = ports.clock.now()
    statement = OrderStatement(
        retailer="corner-shop", order_id=f"o-{number}", door="webhook", scope="some", stated_at=now,
        header=Header(shopper=f"s-{number % 17}", store_id="1", ordered_at=now, currency="USD"),
        lines=tuple(
            Line(line_id=str(line), product_id="milk", quantity=1 + number % 2, value_minor=500 + 10 * number)
            for line in range(1 + number % 3)
        ),
        cancelled_at=now if number % 11 == 0 else None,
    )  # fmt: skip
    recorded = record_order(ports, statement, lane="live")
    assert recorded is not None
    return recorded


def _play(ports: Ports, token_id: str) -> None:
    (snapshot,) = ports.documents.get([DocumentKey("plays", (token_id,))])
    assert snapshot is not None
    play = Play.model_validate(snapshot.fields)
    play_game(ports, PlayRequest(token=sign_token(Signer(1, bytes(32)), token_id, play.of.campaign, play.expires_at)))


def _keep(ports: Ports, table: str, bodies: list[dict[str, Any]]) -> None:
    rows = [
        {"event_id": body["event_id"], "published_at": OPENS, "type": body["type"], "body": json.dumps(body)}
        for body in bodies
    ]
    ports.warehouse.append(table, "made", rows)


def replayed(ports: Ports, first: date | None = None, last: date | None = None, **changed: Any) -> Replay:  # noqa: ANN401 (any field of the file)
    rules = Campaign.model_validate({**RULES, **changed})
    return replay(ports, rules, period_of(rules, first, last), against="june-wheel", played=None)


def test_the_campaign_as_it_ran_replays_to_the_tokens_it_issued(lived: Ports) -> None:
    found = replayed(lived)
    assert found.as_it_ran is not None
    assert found.orders == VISITS
    assert found.earned.tokens == found.as_it_ran.tokens > 0
    assert found.orders - found.qualified_orders == sum(reason.orders for reason in found.reasons)
    assert {"cancelled", "criteria-not-met", "not-invited"} == {reason.reason for reason in found.reasons}


def test_plays_are_assumed_as_in_the_campaign_that_ran(lived: Ports) -> None:
    found = replayed(lived)
    ran, cost = found.as_it_ran, found.cost
    assert ran is not None
    assert cost is not None
    assert ran.wins <= ran.plays < ran.tokens
    assert found.share_played == 1.0  # no token of the month has expired yet, so none is known not to be played
    assert found.share_played_from == "as june-wheel ran"
    assert 0 < cost.expected_minor <= cost.high_minor <= 40 * 5_000


def test_a_share_that_is_stated_makes_fewer_plays(lived: Ports) -> None:
    rules = Campaign.model_validate(RULES)
    found = replay(lived, rules, period_of(rules, None, None), against="never-ran", played=0.5)
    assert found.as_it_ran is None
    assert found.cost is not None
    assert found.cost.plays == round(found.earned.tokens / 2)
    assert found.share_played_from == "stated"


def test_without_anything_to_learn_from_all_tokens_are_played(lived: Ports) -> None:
    rules = Campaign.model_validate(RULES)
    found = replay(lived, rules, period_of(rules, None, None), against="never-ran", played=None)
    assert (found.share_played, found.share_played_from) == (1.0, "assumed: every token is played")


def test_changed_rules_are_asked_of_the_same_orders(lived: Ports) -> None:
    stricter = replayed(lived, criteria={"all": [{"minimum_quantity": 4}]})
    assert stricter.qualified_orders < replayed(lived).qualified_orders
    (miss,) = stricter.misses
    assert miss.orders == miss.alone == sum(step.orders for step in miss.off_by)


def test_a_period_takes_the_place_of_the_window(lived: Ports) -> None:
    window = {"opens": "2030-01-01T00:00:00", "closes": "2030-02-01T00:00:00", "time_zone": "America/New_York"}
    moved = replayed(lived, date(2017, 6, 15), date(2017, 6, 16), window=window)
    assert moved.orders == 5  # by the clock of New York at 15:00 and 22:00, then 5:00, 12:00 and 19:00
    assert replayed(lived, window=window).orders == 0
    assert replayed(lived, window=window).cost is None


def test_only_the_latest_word_on_an_order_counts(lived: Ports) -> None:
    order = _ordered(lived, 1)
    body = {"event_id": "later", "type": "order-recorded", "order": json.loads(order.model_dump_json())}
    body["order"] |= {"revision": order.revision + 1, "cancelled_at": "2017-06-20T00:00:00Z"}
    before = replayed(lived)
    lived.warehouse.append(
        "order_recorded",
        "later",
        [{"event_id": "later", "published_at": OPENS, "type": "order-recorded", "body": json.dumps(body)}],
    )
    after = replayed(lived)
    cancelled = [next(each.orders for each in found.reasons if each.reason == "cancelled") for found in (before, after)]
    assert (after.orders, cancelled[1]) == (before.orders, cancelled[0] + 1)


def test_a_first_order_is_first_by_all_that_was_recorded_before(lived: Ports) -> None:
    late = replayed(lived, date(2017, 6, 25), date(2017, 6, 30), first_order=True)
    assert late.orders > 0
    assert late.qualified_orders == 0
    assert replayed(lived, first_order=True).qualified_orders > 0


def test_consent_is_taken_as_of_the_instant_of_each_order(lived: Ports) -> None:
    assert replayed(lived).audience.orders == 0
    for shopper in range(17):
        record_shopper(
            lived,
            ShopperReceived(
                event_id=f"s-{shopper}", retailer="corner-shop", shopper=f"s-{shopper}", stated_at=OPENS,
                registered_at=None, loyalty_tier=None,
                consents=(StatedConsent(purpose="ads", granted=True, effective_at=OPENS + timedelta(days=8)),),
            ),
        )  # fmt: skip
    found = replayed(lived)
    assert 0 < found.audience.orders < found.qualified_orders
    later = replayed(lived, date(2017, 6, 24), date(2017, 7, 14))
    assert later.audience.orders == later.qualified_orders


def test_segments_look_at_the_profile_of_the_weeks_before_each_order(lived: Ports) -> None:
    said = (StatedConsent(purpose="profile", granted=True, effective_at=OPENS),)
    for shopper in range(17):
        record_shopper(
            lived,
            ShopperReceived(
                event_id=f"p-{shopper}", retailer="corner-shop", shopper=f"s-{shopper}", stated_at=OPENS,
                registered_at=None, loyalty_tier=None, consents=said,
            ),
        )  # fmt: skip
    regulars = {"consent": "profile", "segments": [{"minimum_orders": 1}]}
    strangers = {"consent": "profile", "segments": [{"maximum_orders": 0}]}
    both = [replayed(lived, audience=audience).audience.orders for audience in (regulars, strangers)]
    assert sum(both) == replayed(lived, audience={"consent": "profile"}).audience.orders
    assert all(both)


def test_erased_shoppers_are_left_out_and_counted(lived: Ports) -> None:
    before = replayed(lived)
    keys = [DocumentKey("profiles", ("corner-shop", f"s-{number}")) for number in range(5)]
    gone = {**NEW, "status": "erased"}
    found = zip(keys, lived.documents.get(keys), strict=True)
    lived.documents.commit([created_or_replaced(snapshot, key, gone) for key, snapshot in found])
    after = replayed(lived)
    assert after.erased_shoppers == 5
    left_out = next(reason.orders for reason in after.reasons if reason.reason == "erased")
    assert after.qualified_orders == before.qualified_orders - left_out


class NoKeys:
    """Keys that nobody may look at."""

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse whatever is asked."""
        msg = f"a replay asked for keys: {name}"
        raise AssertionError(msg)


def test_no_key_is_read_and_nothing_in_the_home_changes(lived: Ports, tmp_path: Path) -> None:
    home = tmp_path / "home"
    replayed(lived)
    before = _bytes_of(home)
    blind = replace(lived, keys=cast("Any", NoKeys()))
    assert replayed(blind) == replayed(lived)
    assert _bytes_of(home) == before


def _bytes_of(folder: Path) -> dict[str, str]:
    """Return the digest of every file, but for SQLite's memory of who is reading."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.endswith("-shm"))
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_facts_make_the_same_answer(lived: Ports) -> None:
    assert replayed(lived).model_dump_json() == replayed(lived).model_dump_json()


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="expected an end after its beginning"):
        period_of(Campaign.model_validate(RULES), date(2017, 7, 2), date(2017, 7, 1))


def test_days_are_those_of_the_campaigns_clock_both_inside() -> None:
    found = period_of(Campaign.model_validate(RULES), date(2017, 7, 1), date(2017, 7, 1))
    assert found == Period(begins=datetime(2017, 7, 1, 4, tzinfo=UTC), ends=datetime(2017, 7, 2, 4, tzinfo=UTC))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """Return a campaign file, and leave no setting of the command line behind."""
    before = os.environ.get("TOMBOLA_HOME")
    wiring.install(None)
    path = tmp_path / "new.yaml"
    path.write_text(yaml.safe_dump({**RULES, "criteria": {"all": [{"minimum_quantity": 3}]}}))
    yield path
    wiring.install(None)
    os.environ.pop("TOMBOLA_HOME", None)
    if before is not None:
        os.environ["TOMBOLA_HOME"] = before


def run(file: Path, *options: str) -> int:
    """Return the exit code of the command over the lived home."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["replay", "--campaign", str(file), "--home", str(file.parent / "home"), *options])
    return int(ended.value.code or 0)


def _kept(folder: Path) -> dict[str, str]:
    """Return all but the queue, where whoever opens a home declares its topics."""
    return {path: digest for path, digest in _bytes_of(folder).items() if "topics.sqlite" not in path}


@pytest.mark.usefixtures("lived")
def test_the_command_prints_one_json_object_and_changes_nothing_that_is_kept(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _kept(file.parent)
    assert run(file, "--from", "2017-06-16", "--to", "2017-06-30", "--json") == 0
    assert _kept(file.parent) == before
    told = Replay.model_validate_json(capsys.readouterr().out)
    assert told.orders > told.qualified_orders > 0
    assert told.as_it_ran is not None


@pytest.mark.usefixtures("lived")
def test_the_page_says_who_would_have_qualified_and_what_it_rests_on(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(file) == 0
    page = " ".join(capsys.readouterr().out.split())
    for words in (
        "Spin for your groceries [b]& win[/b]", "Who would have qualified", "the basket does not hold what is asked",
        "1 unit more:", "expected payout", "99.9% of the time at most", "as it ran", "Same baskets",
        "asked to be forgotten", "No campaign's keys were read",
    ):  # fmt: skip
        assert words in page


@pytest.mark.usefixtures("lived")
def test_days_in_the_wrong_order_are_refused_in_words(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "--from", "2017-06-16", "--to", "2017-06-01") == 2
    assert "expected an end after its beginning" in capsys.readouterr().err


@pytest.mark.usefixtures("lived")
def test_a_faulty_file_is_refused_with_every_fault(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(yaml.safe_dump({**RULES, "game": "roulette", "title": ""}))
    assert run(file) == 2
    said = capsys.readouterr().err
    assert "game" in said
    assert "title" in said
