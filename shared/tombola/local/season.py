"""One year in the life of a retailer, as a list of things that happen.

What the data does not hold (who comes back to play, which orders are cancelled) is decided by a digest of
the order's id, so that every run, on every machine, lives the same year.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from tombola.campaigns.model import Campaign
from tombola.local.journey import TIME_ZONE, Journey

Kind = Literal["feed", "launch", "visit", "order", "thank", "play", "change"]
BEFORE_ORDER = timedelta(minutes=10)
UNTIL_THANKED = timedelta(minutes=1)
UNTIL_EARLY_CHANGE = timedelta(minutes=5)
UNTIL_PLAY = timedelta(minutes=30)
UNTIL_LATE_CHANGE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Visit:
    """One order of the campaign's season and what its shopper and shop do about it.

    `order` is the body the shop signs. `change` is a second body that takes back all or part of it.
    """

    order_id: str
    shopper_id: str
    store_id: str
    door: Literal["webhook", "check_out"]
    order: dict[str, object]
    change: dict[str, object] | None
    plays: bool


@dataclass(frozen=True, slots=True)
class Happening:
    """Something at an instant: a file of a feed is put down, a campaign launched, a visit goes a step on."""

    at: datetime
    kind: Kind
    subject: Visit | tuple[str, str] | None


def season(journey: Journey, campaign: Campaign) -> list[Happening]:
    """Return the year in order of time: files at their months' ends, visits inside the campaign's window.

    Products and shoppers are sent as a month begins, its orders six hours after it has ended.
    """
    happenings = [Happening(campaign.window.opens_at - timedelta(days=3), "launch", None)]
    for month in journey.months:
        begins, ends = _bounds(month)
        happenings += [Happening(begins, "feed", (kind, month)) for kind in ("products", "shoppers")]
        happenings.append(Happening(ends + timedelta(hours=6), "feed", ("orders", month)))
        if begins < campaign.window.closes_at and ends > campaign.window.opens_at:
            for lines in journey.orders(month):
                happenings += _visit(lines, campaign)
    return sorted(happenings, key=lambda happening: happening.at)


def _bounds(month: str) -> tuple[datetime, datetime]:
    begins = datetime.strptime(month, "%Y-%m").replace(tzinfo=ZoneInfo(TIME_ZONE))
    ends = (begins.replace(day=28) + timedelta(days=4)).replace(day=1)
    return begins.astimezone(UTC), ends.astimezone(UTC)


def _visit(lines: list[dict[str, object]], campaign: Campaign) -> Iterator[Happening]:
    at = _instant(lines[0]["at"])
    if not campaign.window.holds(at):
        return
    visit, early = _planned(lines, at)
    yield Happening(at - BEFORE_ORDER, "visit", visit)
    yield Happening(at, "order", visit)
    if visit.door == "webhook":
        yield Happening(at + UNTIL_THANKED, "thank", visit)
    if visit.plays:
        yield Happening(at + UNTIL_PLAY, "play", visit)
    if visit.change is not None:
        yield Happening(at + (UNTIL_EARLY_CHANGE if early else UNTIL_LATE_CHANGE), "change", visit)


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime):
        msg = f"found {value!r} where the data holds instants"
        raise TypeError(msg)
    return value.astimezone(UTC)


def _planned(lines: list[dict[str, object]], at: datetime) -> tuple[Visit, bool]:
    """Return the visit, and whether its change of mind (if any) comes before the play.

    A third of the orders come by check-out, the rest by webhook; 6 in 7 tokens are played; 1 order in 10
    is cancelled, 1 in 10 partly returned, half of them before the play.
    """
    first = lines[0]
    order_id = str(first["basket_id"])
    dice = hashlib.sha256(f"season {order_id}".encode()).digest()
    early = dice[3] % 2 == 0
    changed_at = at + (UNTIL_EARLY_CHANGE if early else UNTIL_LATE_CHANGE)
    change = {0: _cancelled(order_id, changed_at), 1: _returned(order_id, lines[0], changed_at)}.get(dice[2] % 10)
    visit = Visit(
        order_id=order_id,
        shopper_id=str(first["household_id"]),
        store_id=str(first["store_id"]),
        door="check_out" if dice[0] % 3 == 0 else "webhook",
        order=_order(order_id, lines, at),
        change=change,
        plays=dice[1] % 7 != 0,
    )
    return visit, early


def _order(order_id: str, lines: list[dict[str, object]], at: datetime) -> dict[str, object]:
    return {
        "order_id": order_id,
        "scope": "whole",
        "stated_at": at.isoformat(),
        "shopper_id": str(lines[0]["household_id"]),
        "store_id": str(lines[0]["store_id"]),
        "ordered_at": at.isoformat(),
        "currency": "USD",
        "lines": [_line(line) for line in lines],
    }


def _line(line: dict[str, object]) -> dict[str, object]:
    return {
        "line_id": str(line["product_id"]),
        "product_id": str(line["product_id"]),
        "quantity": line["quantity"],
        "value": f"{line['sales_value']:.2f}",
        "discount": f"{line['retail_disc']:.2f}",
        "coupon": f"{line['coupon_disc']:.2f}",
    }


def _cancelled(order_id: str, at: datetime) -> dict[str, object]:
    return {"order_id": order_id, "scope": "some", "stated_at": at.isoformat(), "cancelled_at": at.isoformat()}


def _returned(order_id: str, line: dict[str, object], at: datetime) -> dict[str, object]:
    """Send the whole of one line back."""
    returned = {
        "return_id": f"{order_id}-1",
        "line_id": str(line["product_id"]),
        "quantity": line["quantity"],
        "value": f"{line['sales_value']:.2f}",
    }
    return {
        "order_id": order_id,
        "scope": "some",
        "stated_at": at.isoformat(),
        "currency": "USD",
        "returns": [returned],
    }
