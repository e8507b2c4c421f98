"""A campaign lived through the real use cases has a report that agrees with its books, and stays the same."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tombola.adapters.embedded.clock import ReplayClock
from tombola.campaigns.usecases import list_versions
from tombola.errors import Unknown
from tombola.events import derived_id
from tombola.experiments.analysis import ArmSums
from tombola.experiments.arms import arm
from tombola.experiments.events import ProposalMade
from tombola.games.events import PlayChanged
from tombola.orders.events import OrderRecorded
from tombola.orders.facts import Order
from tombola.ports import Ports
from tombola.reports.usecases import build_report, export_report

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # Ibis 12 asks DuckDB 2 so

Live = Callable[..., Any]
Store = Callable[..., None]


def contents(ports: Ports, names: tuple[str, ...]) -> dict[str, bytes]:
    read = {}
    for name in names:
        with ports.objects.open(ports.objects.stat("reports", name).ref) as stream:
            read[name] = stream.read()
    return read


def kept(order: Order) -> int:
    """Return what is left of an order, computed here once more and differently."""
    if order.cancelled_at is not None:
        return 0
    gone = {back.line_id for back in order.returns}
    return sum(line.value_minor - line.coupon_minor for line in order.lines if line.line_id not in gone)


def test_a_month_of_play_is_reported_as_it_was(season: Live, ports: Ports) -> None:
    lived = season()
    report = build_report(ports, "june-wheel", 1)
    assert report.reconciled, [check for check in report.checks if not check.holds]
    assert report.counts.proposals_made == len(lived.orders) == sum(day.proposals for day in report.days)
    assert report.counts.wins == sum(day.wins for day in report.days) > 0
    assert report.money.released_minor > 0
    assert report.money.payable_minor > 0
    assert report.days[-1].cumulative_reserved_minor == report.money.reserved_minor
    assert sum(store.orders or 0 for store in report.stores) == sum(not o.cancelled_at for o in lived.orders.values())


def test_the_report_states_the_commitment_as_it_was_made(season: Live, ports: Ports) -> None:
    launched = season(visits=2).launched
    (version,) = list_versions(ports, "june-wheel")
    stated = build_report(ports, "june-wheel", 1).commitment
    assert {"id_key": stated.id_key, "seed": stated.seed} == version.commitment == launched.commitment
    assert (stated.witness, stated.reveal_by) == ("a witness", launched.rules.reveal_by)
    assert (stated.committed_at, stated.launched_at) == (version.committed_at, launched.launched_at)


def test_arms_are_compared_by_assignment_over_what_was_kept(season: Live, ports: Ports) -> None:
    lived = season()
    values: dict[str, int] = {}
    for order in lived.orders.values():
        values[str(order.header.shopper)] = values.get(str(order.header.shopper), 0) + kept(order)
    share = lived.launched.rules.control.share
    found = build_report(ports, "june-wheel", 1).experiment
    for name, shown in (("invited", found.invited), ("control", found.control)):
        sums = ArmSums.of(v for shopper, v in values.items() if arm("june-wheel", 1, shopper, share).arm == name)
        assert (shown.shoppers, shown.value_minor) == (sums.shoppers, sums.total_minor)
    assert found.interval is not None


def test_shoppers_of_several_small_stores_are_counted_once_before_their_sum_is_shown(
    season: Live, ports: Ports
) -> None:
    season(visits=16, shoppers=2)
    (silent,) = build_report(ports, "june-wheel", 1).stores
    assert silent.stores > 2
    assert (silent.orders, silent.shoppers, silent.value_minor) == (None, None, None)


def test_small_stores_of_enough_shoppers_together_are_one_row(season: Live, ports: Ports) -> None:
    lived = season(visits=12, shoppers=1000)
    rows = build_report(ports, "june-wheel", 1).stores
    assert rows[-1].store_id is None
    assert sum(row.orders or 0 for row in rows) == sum(not o.cancelled_at for o in lived.orders.values())


def test_exported_twice_at_one_instant_every_byte_is_the_same(season: Live, ports: Ports) -> None:
    season(visits=40)
    first = export_report(ports, "june-wheel", 1)
    before = contents(ports, first.files)
    second = export_report(ports, "june-wheel", 1)
    assert contents(ports, second.files) == before
    assert first == second
    assert first.html == "june-wheel/v1/report.html"
    assert {name.rpartition("/")[2] for name in before} == {
        "report.html", "days.csv", "days.parquet", "summary.csv", "summary.parquet", "summary.json",
    }  # fmt: skip
    assert json.loads(before["june-wheel/v1/summary.json"])["campaign"] == "june-wheel"


def test_events_told_twice_or_late_or_of_others_change_nothing(
    season: Live, ports: Ports, store: Store, clock: ReplayClock
) -> None:
    lived = season(visits=40)
    before = build_report(ports, "june-wheel", 1)
    now = clock.now()
    order = next(iter(lived.orders.values()))
    outdated = order.model_copy(update={"revision": 0, "lines": ()})
    abroad = order.model_copy(update={"order_id": "else", "retailer": "another-shop"})
    before_opening = order.header.model_copy(update={"ordered_at": lived.launched.rules.window.opens_at - timedelta(1)})
    early = order.model_copy(update={"order_id": "early", "header": before_opening})
    again = [
        OrderRecorded(event_id=f"again-{n}", order=each) for n, each in enumerate((order, outdated, abroad, early))
    ]
    play = PlayChanged(
        event_id="foreign", token_id="t", revision=1, campaign="july-wheel", campaign_version=1,
        retailer="corner-shop", tier=1, state="played", issued_at=now, accepted_at=now, won=True,
        prize_state="reserved", reserved_minor=5, released_minor=0, payable_minor=0, currency="USD",
    )  # fmt: skip
    shown = ProposalMade(
        event_id=derived_id("x"), retailer="corner-shop", shopper="s", campaign="june-wheel", campaign_version=2,
        arm="invited", propensity=0.8, shown=True, reason="invited", placement="home", proposed_at=now,
    )  # fmt: skip
    for table, events in (("order_recorded", again), ("play_changed", [play]), ("proposal_made", [shown])):
        store(ports, table, events, "late")
    assert build_report(ports, "june-wheel", 1) == before


def test_a_play_the_books_do_not_know_turns_the_report_red(season: Live, ports: Ports, store: Store) -> None:
    lived = season(visits=10)
    at = lived.launched.rules.window.opens_at
    stray = PlayChanged(
        event_id="stray", token_id=hashlib.sha256(b"stray").hexdigest(), revision=1, campaign="june-wheel",
        campaign_version=1, retailer="corner-shop", tier=1, state="played", issued_at=at, accepted_at=at, won=True,
        prize_state="reserved", reserved_minor=5, released_minor=0, payable_minor=0, currency="USD",
    )  # fmt: skip
    store(ports, "play_changed", [stray], "stray")
    exported = export_report(ports, "june-wheel", 1)
    assert not exported.reconciled
    assert b'role="alert"' in contents(ports, (exported.html,))[exported.html]


def test_a_campaign_just_launched_has_a_report_of_zeros(season: Live, ports: Ports) -> None:
    season(visits=0)
    report = build_report(ports, "june-wheel", 1)
    assert report.reconciled
    assert report.counts.proposals_made == 0
    assert report.money.left_minor == report.money.pool_minor
    assert export_report(ports, "june-wheel", 1).reconciled


def test_a_campaign_nobody_launched_is_unknown(ports: Ports) -> None:
    with pytest.raises(Unknown):
        export_report(ports, "june-wheel", 1)
