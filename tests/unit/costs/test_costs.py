"""What volumes take and cost: sums that can be done by hand, and what must hold of any volumes."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola import cli
from tombola.cli_cost import assumptions, deployed, operations
from tombola.costs.estimate import Service, Topic, daily, monthly
from tombola.costs.limits import ramp_minutes
from tombola.costs.operations import (
    DocumentOperations,
    FunctionOperations,
    Happened,
    MessageOperations,
    Operations,
)
from tombola.costs.outlook import Outlook, assumptions_table, markdown, outlook
from tombola.costs.prices import list_prices
from tombola.costs.spreads import spreads
from tombola.costs.volumes import Assumptions, daily_calls
from tombola.errors import Malformed, Unknown
from tombola.ports.documents import COLLECTIONS
from tombola.runtime.manifests import functions_folder

PAGE = Path(__file__).parents[3] / "docs" / "scale.md"
RUN = Operations(
    counted_on=date(2026, 11, 23),
    source="by hand",
    happened=Happened(orders=10, rows={"orders": 100}, files=1),
    functions={
        "receive_webhook": FunctionOperations(
            calls=10, seconds=0.5, trips=10, messages={"order-received": MessageOperations(published=10, bytes=5_000)}
        ),
        "record_order": FunctionOperations(
            calls=20, seconds=1, trips=40, documents={"orders": DocumentOperations(read=20, written=10, bytes=10_000)}
        ),
    },
)
SERVICES = dict.fromkeys(RUN.functions, Service(Decimal("0.5"), 10))


def known(times: int = 1) -> Outlook:
    assumed = Assumptions(orders=3_000_000 * times, rows=20_000_000 * times)
    return outlook(assumed, operations(None), list_prices(), deployed(functions_folder()))


def test_a_small_shop_can_be_worked_out_by_hand() -> None:
    assumed = Assumptions(orders=864, rows=864, peak=10, webhooks_per_order=1, order_rows=1, lines_per_order=1)
    day = daily(assumed, RUN, SERVICES)
    webhooks, record = day.loads
    assert (webhooks.calls, record.calls) == (864, 1728)  # each order comes by webhook, and again in a file
    assert webhooks.peak_calls == Decimal("0.1")
    assert webhooks.seconds == Decimal("0.06")  # 0.05 of work, one trip of 0.01
    assert webhooks.instances == Decimal("0.0006")  # a tenth of a call a second, 0.06 s each, ten at a time
    assert day.documents["orders"] == (1728, 864, 0, 864_000)
    assert day.messages["order-received"] == (864, 864_000)  # 500 bytes are billed as 1,000
    bill = {line.what: line for line in monthly(assumed, day, SERVICES, {"order-received": Topic(1, 0)}, list_prices())}
    assert bill["Firestore, documents written"].cost == 864 * 30 * Decimal("0.09") / 100_000
    assert bill["Pub/Sub, published and delivered"].units == 864_000 * 2 * 30


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 1000))
def test_no_volume_takes_or_costs_less_than_nothing_and_the_lines_add_up(orders: int, rows: int, peak: int) -> None:
    found = outlook(
        Assumptions(orders=orders, rows=rows, peak=peak), operations(None), list_prices(), deployed(functions_folder())
    )
    assert all(line.cost >= 0 for line in found.bill)
    assert all(one.calls >= 0 and one.instances >= 0 for one in found.day.loads)
    assert found.total == sum(line.cost for line in found.bill)


def test_ten_times_the_orders_and_rows_are_ten_times_the_calls_that_they_cause() -> None:
    run = operations(None)
    one, ten = (daily_calls(Assumptions(orders=n * 1_000, rows=n * 10_000), run) for n in (1, 10))
    for name in ("receive_webhook", "record_order", "update_profile", "play_game", "record_shopper"):
        assert ten[name] == pytest.approx(one[name] * 10)
    assert ten["settle_plays"] == one["settle_plays"] == 24


def test_every_collection_says_how_its_writes_spread() -> None:
    assert set(spreads(Assumptions(), 16)) == set(COLLECTIONS)


@pytest.mark.parametrize(("writes", "minutes"), [(1, 0), (500, 0), (501, 5), (750, 5), (751, 10), (50_000, 60)])
def test_a_new_collection_grows_by_half_every_five_minutes_from_500_a_second(writes: int, minutes: int) -> None:
    assert ramp_minutes(Decimal(writes)) == minutes


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (["peek=2"], "peek"),
        (["peak=0"], "peak"),
        (["campaigns"], "campaigns"),
        (["order_rows=1.5"], "order_rows"),
    ],
)
def test_what_cannot_be_taken_for_granted_is_named(stated: list[str], said: str) -> None:
    with pytest.raises(Malformed, match=said):
        assumptions(1, 1, stated)


def test_a_home_in_which_nothing_was_counted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match=r"operations\.json"):
        operations(tmp_path)


def test_operations_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "operations.json").write_text("{}", encoding="utf-8")
    with pytest.raises(Malformed, match=r"operations\.json: .*expected a value"):
        operations(tmp_path)


@pytest.mark.parametrize(
    "text",
    [b"\xff\xfe", b"read_on: 2026-99-99", b"[", b"[" * 5_000, b"", b"read_on: 2026-01-01\ncurrency: USD\nprices: {}"],
)
def test_a_price_list_that_is_none_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes
) -> None:
    (tmp_path / "prices.yaml").write_bytes(text)
    for file in (tmp_path / "prices.yaml", tmp_path / "nowhere.yaml"):
        with pytest.raises(SystemExit) as ended:
            cli.main(["cost", "--prices", str(file)])
        assert ended.value.code == 2
        assert file.name in capsys.readouterr().err


def test_the_command_prints_numbers_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["cost", "--orders", "1000", "--rows", "10000", "--as", "json"])
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["functions"]["receive_webhook"]["calls_a_day"] == "900.0"
    assert Decimal(found["month"]) > 0


def test_the_page_holds_the_tables_that_the_command_prints() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for table in (assumptions_table(Assumptions()), markdown(known()), markdown(known(100))):
        assert table.strip() in page, "docs/scale.md is stale: put in what `tombola cost` prints"
