"""Volumes: how often each function is called in a day, from the few numbers that anybody knows, and what is assumed."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tombola.costs.operations import Operations

DAY = 86_400
"""Seconds."""
Share = Annotated[Decimal, Field(ge=0, le=1)]
Some = Annotated[Decimal, Field(ge=0)]


class Assumptions(BaseModel):
    """What is taken for granted. Every field can be given on the command line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    orders: Annotated[int, Field(gt=0, description="orders a day that shops tell at once, by webhook or check-out")] = (
        3_000_000
    )
    rows: Annotated[int, Field(gt=0, description="rows of feeds a day")] = 20_000_000
    peak: Annotated[Decimal, Field(ge=1, description="the busiest second beside the average one")] = Decimal(10)
    webhooks_per_order: Annotated[Some, Field(description="webhooks per order: new, changed, cancelled")] = Decimal(
        "0.9"
    )
    check_outs_per_order: Annotated[Some, Field(description="thank-you pages per order")] = Decimal(1)
    banners_per_order: Annotated[Some, Field(description="banner places asked for per order")] = Decimal(5)
    plays_per_order: Annotated[Some, Field(description="tokens played per order")] = Decimal("0.09")
    order_rows: Annotated[Share, Field(description="share of rows that are order lines")] = Decimal("0.75")
    navigation_rows: Annotated[Share, Field(description="share of rows that are navigation")] = Decimal("0.2")
    product_rows: Annotated[Share, Field(description="share of rows that are products")] = Decimal("0.03")
    shopper_rows: Annotated[Share, Field(description="share of rows that are shoppers")] = Decimal("0.02")
    lines_per_order: Annotated[Decimal, Field(gt=0, description="order lines per order in files")] = Decimal("9.4")
    files_per_retailer: Annotated[int, Field(gt=0, description="files of each feed a retailer sends a day")] = 1
    bytes_per_row: Annotated[int, Field(gt=0, description="bytes of one row as it is sent")] = 100
    retailers: Annotated[int, Field(gt=0, description="retailers")] = 300
    campaigns: Annotated[int, Field(gt=0, description="live campaigns, equally busy")] = 50
    trip_seconds: Annotated[Some, Field(description="seconds of one call of a port")] = Decimal("0.01")
    kept_days: Annotated[int, Field(gt=0, description="days that documents and files are kept, on average")] = 180
    log_bytes: Annotated[int, Field(gt=0, description="bytes logged per request")] = 1_000


@dataclass(frozen=True, slots=True)
class Times:
    """How many times the run's work of one function a day holds: what goes by the piece, and what goes by the call."""

    pieces: Decimal
    calls: Decimal


BY_THE_CALL = frozenset({"catalogue", "publications", "seals", "campaigns", "draws-sealed", "feed-validated"})
"""Collections and topics that are written once a file or once a campaign, however much there is in it."""
PIECES: Mapping[str, str] = {
    "validate_feed": "rows",
    "load_warehouse": "rows",
    "publish_orders": "orders",
    "publish_shoppers": "shoppers",
    "update_catalogue": "products",
    "settle_plays": "plays",
    "seal_draws": "plays",
}
"""Functions that work on many pieces in one call, and what these are: rows of feeds, or plays. All others: calls."""
PER_CAMPAIGN = frozenset({"settle_plays", "seal_draws", "export_report"})
"""Functions that go from campaign to campaign in one call, or are called once for each. The run had one."""
KINDS_SENT = 4
"""Feeds that a retailer sends a file of: orders, navigation, products, shoppers."""


def daily_calls(assumed: Assumptions, run: Operations) -> dict[str, Decimal]:
    """Return calls a day of every function that the run called.

    Orders come by webhooks and check-outs and again in files; how many of them change something is as in the run.
    """
    files = Decimal(assumed.retailers * assumed.files_per_retailer * KINDS_SENT)
    told = {
        "receive_webhook": assumed.orders * assumed.webhooks_per_order,
        "check_out": assumed.orders * assumed.check_outs_per_order,
        "choose_offer": assumed.orders * assumed.banners_per_order,
        "play_game": assumed.orders * assumed.plays_per_order,
        **dict.fromkeys(("validate_feed", "publish_orders", "publish_shoppers", "update_catalogue"), files),
        "record_shopper": assumed.rows * assumed.shopper_rows,
        "load_warehouse": Decimal(288),
        "relay_outbox": Decimal(1440),
        "settle_plays": Decimal(24),
        "seal_draws": Decimal(24),
        "export_report": Decimal(assumed.campaigns),
    }
    told["record_order"] = told["receive_webhook"] + assumed.rows * assumed.order_rows / assumed.lines_per_order
    changed = _over(Decimal(_calls(run, "update_profile")), _calls(run, "record_order") + _calls(run, "check_out"))
    told["update_profile"] = told["issue_token"] = (told["record_order"] + told["check_out"]) * changed
    return {name: told[name] for name in run.functions if name in told}


def times(function: str, assumed: Assumptions, run: Operations, calls: Mapping[str, Decimal]) -> Times:
    """Return how many times the run's work of a function is done in a day."""
    called = _over(calls[function], run.functions[function].calls)
    if function in PER_CAMPAIGN and function != "export_report":
        called *= assumed.campaigns
    rows = run.happened.rows
    shares = {"orders": assumed.order_rows, "shoppers": assumed.shopper_rows, "products": assumed.product_rows}
    match PIECES.get(function):
        case None:
            return Times(called, called)
        case "plays":
            return Times(_over(calls.get("play_game", Decimal(0)), _calls(run, "play_game")), called)
        case "rows":
            return Times(_over(Decimal(assumed.rows), sum(rows.values())), called)
        case kind:
            return Times(_over(assumed.rows * shares[kind], rows.get(kind, 0)), called)


def _calls(run: Operations, name: str) -> int:
    return run.functions[name].calls if name in run.functions else 0


def _over(wanted: Decimal, found: int) -> Decimal:
    return wanted / found if found else Decimal(0)
