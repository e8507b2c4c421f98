"""What is asked of the warehouse in Ibis has one answer, on BigQuery's stand-in as on DuckDB."""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.unit.reports.conftest import OPENS, RULES

from tombola.adapters.embedded.objects import EmbeddedObjects
from tombola.adapters.embedded.warehouse import EmbeddedWarehouse
from tombola.appraisals.recorded import recorded_orders as recorded_last
from tombola.campaigns.model import Campaign
from tombola.feeds.tables import KEYS, TABLES
from tombola.local.reconciliation import PROPOSALS
from tombola.orders.events import OrderRecorded
from tombola.orders.facts import Header, Line, Order, ReturnedLine
from tombola.ports.objects import Objects
from tombola.ports.warehouse import Warehouse
from tombola.replays.model import Period
from tombola.replays.queries import as_it_ran, recorded_orders, stated_products
from tombola.reports.queries import collect

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # Ibis 12 asks DuckDB 2 so
Made = Callable[..., tuple[Objects, Warehouse]]
Race = Callable[[int, Callable[[int], object]], list[object]]
PERIOD = Period(begins=OPENS, ends=OPENS + timedelta(days=20))


@pytest.fixture
def engines(google_warehouse: Made, tmp_path: Path) -> tuple[Warehouse, Warehouse]:
    """Return both warehouses, with the same events in them."""
    objects = EmbeddedObjects(tmp_path)
    both = (EmbeddedWarehouse(tmp_path, objects, tables=TABLES, keys=KEYS), google_warehouse(TABLES, KEYS)[1])
    for warehouse in both:
        for table, bodies in events().items():
            warehouse.append(table, "made", [row(number, body) for number, body in enumerate(bodies)])
    return both


def row(number: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"event_id": f"e-{number}", "published_at": OPENS, "type": "made", "body": json.dumps(body)}


def events() -> dict[str, list[dict[str, Any]]]:
    dice = random.Random(3)  # noqa: S311 (made events, the same every time)
    return {
        "order_recorded": [order(dice, number) for number in range(40)],
        "play_changed": [play(dice, number) for number in range(30)],
        "proposal_made": [proposal(dice, number) for number in range(30)],
    }


def order(dice: random.Random, number: int) -> dict[str, Any]:
    at = OPENS + timedelta(hours=number * 7, microseconds=number)
    lines = tuple(
        Line(line_id=str(n), product_id="milk", quantity=1 + n, value_minor=dice.randrange(100, 2000), coupon_minor=n)
        for n in range(number % 4)
    )
    returns = (ReturnedLine(return_id="r", line_id="0", quantity=1, value_minor=50),) if number % 5 == 0 else ()
    currency = "USD" if number % 9 else "EUR"
    made = Order(
        retailer="corner-shop", order_id=f"o-{number // 2}", revision=1 + number % 2, authoritative=True,
        header=Header(shopper=f"s-{number % 7}", store_id=str(number % 3), ordered_at=at, currency=currency),
        lines=lines, promised_lines=lines[:1] if number % 3 == 0 else None, returns=returns,
        cancelled_at=at if number % 11 == 0 else None,
    )  # fmt: skip
    return _stated(json.loads(OrderRecorded(event_id=f"o-{number}", order=made).outbound().message.data))


def _stated(body: Any) -> Any:  # noqa: ANN401 (what JSON holds)
    """Leave out what is null: the stand-in can make no list of a JSON null, where BigQuery makes a null."""
    if isinstance(body, dict):
        return {name: _stated(value) for name, value in body.items() if value is not None}
    return [_stated(value) for value in body] if isinstance(body, list) else body


def play(dice: random.Random, number: int) -> dict[str, Any]:
    at = OPENS + timedelta(hours=number * 5)
    won = number % 3 == 0
    return {
        "token_id": f"t-{number // 2}", "revision": 1 + number % 2, "campaign": RULES["campaign"],
        "campaign_version": 1, "tier": 0, "state": "played" if number % 2 else "open", "issued_at": at.isoformat(),
        "accepted_at": (at + timedelta(minutes=20)).isoformat() if number % 2 else None, "won": won,
        "prize_state": "reserved" if won else None, "currency": "USD",
        "reserved_minor": dice.randrange(5000) if won else 0, "released_minor": 0, "payable_minor": 0,
    }  # fmt: skip


def proposal(dice: random.Random, number: int) -> dict[str, Any]:
    invited = dice.random() < 0.8
    return {
        "retailer": "corner-shop", "shopper": f"s-{number % 9}", "campaign": RULES["campaign"], "campaign_version": 1,
        "arm": "invited" if invited else "control", "shown": invited,
        "proposed_at": (OPENS + timedelta(hours=number * 3)).isoformat().replace("+00:00", "Z"),
    }  # fmt: skip


def asked(warehouse: Warehouse, question: Callable[[Any], object]) -> object:
    backend = warehouse.ibis()
    try:
        return question(backend)
    finally:
        backend.disconnect()


def replayed(backend: Any) -> pl.DataFrame:  # noqa: ANN401 (Ibis has no types)
    return recorded_orders(backend, ["corner-shop"], PERIOD)


def unpromised(order: dict[str, Any]) -> dict[str, Any]:
    """Leave out the promised lines where none were promised: BigQuery hands no null list over."""
    return order | {"promised_lines": order["promised_lines"] if order["has_promise"] else None}


QUESTIONS: dict[str, Callable[[Any], object]] = {
    "a report's facts": lambda backend: collect(backend, Campaign.model_validate(RULES), 1),
    "orders to replay": lambda backend: [unpromised(one) for one in replayed(backend).to_dicts()],
    "the catalogue": lambda backend: stated_products(backend, ["corner-shop"]).to_dicts(),
    "a campaign as it ran": lambda backend: as_it_ran(backend, RULES["campaign"], PERIOD),
    "orders to appraise by": lambda backend: recorded_last(backend, Campaign.model_validate(RULES), most=5),
}


STATEMENTS: dict[str, dict[str, object]] = {
    PROPOSALS: {"campaign": RULES["campaign"], "version": 1},
    f"{PROPOSALS} AND body->>'$.shown' = 'false'": {"campaign": RULES["campaign"], "version": 1},
    "SELECT count(DISTINCT body->>'$.order.order_id') FROM order_recorded": {},
    "SELECT coalesce(sum(value_minor), 0)::BIGINT FROM feed_orders": {},
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_has_one_answer_on_both_engines(engines: tuple[Warehouse, Warehouse], question: str) -> None:
    embedded, google = (asked(warehouse, QUESTIONS[question]) for warehouse in engines)
    assert google == embedded


def test_a_statement_has_one_answer_on_both_engines(engines: tuple[Warehouse, Warehouse]) -> None:
    for statement, parameters in STATEMENTS.items():
        embedded, google = (warehouse.query(statement, parameters).columns[0].to_pylist() for warehouse in engines)
        assert google == embedded


def test_threads_share_one_client_from_its_first_use(engines: tuple[Warehouse, Warehouse], race: Race) -> None:
    _, google = engines
    asked = race(16, lambda number: google.query("SELECT $n AS n", {"n": number}).to_pylist())
    assert asked == [[{"n": number}] for number in range(16)]


def test_two_reports_at_a_time_do_not_meet(engines: tuple[Warehouse, Warehouse]) -> None:
    _, google = engines
    first, second = google.ibis(), google.ibis()
    made = [backend.create_table("plays", backend.table("play_changed"), temp=True) for backend in (first, second)]
    first.disconnect()
    assert made[1].count().to_pyarrow().as_py() == 30
    assert len(second.list_tables(database=second._scratch)) == 1
    second.disconnect()
    assert second.list_tables(database=second._scratch) == []
