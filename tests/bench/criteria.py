"""How many baskets a second criteria judge, and what a thousand live campaigns cost beside ten.

`python tests/bench/criteria.py [--baskets N] [--runs 5] [--write]` makes seeded baskets of 10 lines, lets everybody
judge them in turns in one process on one core, and prints the middle runs. `--write` keeps them in
`docs/bench/criteria.json`.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from time import process_time
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from tombola.campaigns.baskets import Basket, BasketLine, basket_of
from tombola.campaigns.candidates import CampaignIndex, candidates
from tombola.campaigns.criteria import evaluate
from tombola.campaigns.model import Campaign, Launched
from tombola.catalogue.model import Product
from tombola.orders.facts import Header, Line, Order

HERE = Path(__file__).parent
RESULT = HERE.parents[1] / "docs" / "bench" / "criteria.json"
FILE = HERE.parent / "unit" / "campaigns" / "files" / "wheel.yaml"
LINES = 10
INSIDE = datetime(2027, 3, 10, 12, tzinfo=UTC)
FEW, MANY = 10, 1_000
"""Campaigns; each names a brand of its own, and every order holds products of two of the first few."""
PRODUCTS = 5_000
FEWER = {"every condition of the trace too": 2, "the smallest change too": 20, "a loop over lines and conditions": 4}
"""The slow ones judge so many times fewer baskets."""
GOAL_RATE, GOAL_RATIO = 100_000, 3

Judge = Callable[[Basket], object]


def main() -> None:
    """Measure, print, and keep the figures if asked to."""
    parser = argparse.ArgumentParser(description="Measure the criteria of campaigns.")
    parser.add_argument("--baskets", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5, help="of each; the middle one counts")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RESULT.name}")
    stated = parser.parse_args()
    figures = {
        "baskets_per_second": _judged(stated.baskets, stated.runs),
        "microseconds_per_order": _looked_up(stated.baskets // 20, stated.runs),
    }
    console = Console()
    console.print(_table(figures))
    if stated.write:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        console.print(f"written: {RESULT}")


def _judged(number: int, runs: int) -> dict[str, int]:
    """Return how many baskets a second are judged against one campaign, by how much is asked of the answer."""
    campaign, baskets = _campaign(), _baskets(number)
    judges: dict[str, Judge] = {
        "does it qualify": lambda basket: evaluate(campaign, basket).qualifies,
        "every condition of the trace too": lambda basket: evaluate(campaign, basket).conditions,
        "the smallest change too": lambda basket: evaluate(campaign, basket).change,
        "a loop over lines and conditions": lambda basket: _plainly(campaign, basket),
    }
    if any(evaluate(campaign, basket).qualifies != _plainly(campaign, basket) for basket in baskets):
        msg = "the loop and the criteria do not say the same"
        raise AssertionError(msg)
    seconds: dict[str, list[float]] = {name: [] for name in judges}
    for _ in range(runs):
        for name, judge in judges.items():
            some = baskets[: number // FEWER.get(name, 1)]
            seconds[name].append(_seconds(judge, some) / len(some))
    rates = {name: round(1 / median(each)) for name, each in seconds.items()}
    return rates | {
        "baskets that qualify, of 1000": 1_000 * sum(evaluate(campaign, one).qualifies for one in baskets) // number
    }


def _looked_up(number: int, runs: int) -> dict[str, float]:
    """Return what finding and judging an order's campaigns costs, in microseconds, by how many campaigns are live."""
    live = [_naming(place) for place in range(MANY)]
    few, many = CampaignIndex(live[:FEW]), CampaignIndex(live)
    random = Random(5)  # noqa: S311 (the same orders every time)
    orders = [_order(random) for _ in range(number)]
    ways: dict[str, Callable[[tuple[Order, dict[str, Product]]], int]] = {
        f"{FEW} campaigns": lambda order: _met(few.candidates(order[0], order[1].values()), *order),
        f"{MANY} campaigns": lambda order: _met(many.candidates(order[0], order[1].values()), *order),
        f"{MANY} campaigns, one by one": lambda order: _met(candidates(live, order[0]), *order),
    }
    some = {name: orders[: max(number // 50, 2)] if name.endswith("one by one") else orders for name in ways}
    if len({tuple(way(order) for order in orders[:2]) for way in ways.values()}) != 1:
        msg = "the index and the loop over all campaigns do not find the same"
        raise AssertionError(msg)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            seconds[name].append(_seconds(way, some[name]) / len(some[name]))
    return {name: round(median(each) * 1_000_000, 1) for name, each in seconds.items()}


def _met(found: Sequence[Launched], order: Order, products: dict[str, Product]) -> int:
    basket = basket_of(order, products)
    return sum(evaluate(launched.rules, basket).qualifies for launched in found)


def _seconds(judge: Callable[[Any], object], baskets: Sequence[Any]) -> float:
    """Return the seconds of this process alone: others on the machine disturb them least."""
    begun = process_time()
    for basket in baskets:
        judge(basket)
    return process_time() - begun


def _plainly(campaign: Campaign, basket: Basket) -> bool:
    """Judge the wheel as one would write it first: every line is asked by every condition."""
    lines = [line for line in basket.lines if campaign.counts(line.product)]
    (brand, spend), (cards,) = campaign.criteria.all, campaign.criteria.none
    wanted = sum(line.quantity for line in lines if brand.of.matches(line.product))
    paid = sum(line.paid_minor for line in lines if spend.of.matches(line.product))
    forbidden = sum(line.quantity for line in lines if cards.of.matches(line.product))
    return wanted >= 2 and paid >= campaign.minor(spend.minimum_spend or campaign.pool.amount) and not forbidden


def _campaign(**changed: object) -> Campaign:
    return Campaign.model_validate({**yaml.load(FILE.read_text(encoding="utf-8"), yaml.BaseLoader), **changed})  # noqa: S506 (a file of ours)


def _naming(place: int) -> Launched:
    criteria = {"all": [{"of": {"brands": [f"brand-{place}"]}, "minimum_quantity": 1}]}
    rules = _campaign(campaign=f"campaign-{place}", criteria=criteria)
    return Launched(
        rules=rules, version=1, rules_hash="", witness="", commitment={}, launched_at=INSIDE, status="launched"
    )


def _baskets(number: int) -> list[Basket]:
    """Return baskets of which some qualify, some hold too little and some a gift card."""
    random = Random(4)  # noqa: S311 (the same baskets every time)
    brands, categories = (
        ("National", "Private", "Other"),
        ["YOGURT", "MILK", "BREAD", "TEA", "BEER"] * 8 + ["GIFT CARDS"],
    )
    products = [
        Product(f"p-{place}", "", random.choice(brands), random.choice(categories), "GROCERY")
        for place in range(PRODUCTS)
    ]
    return [
        Basket("corner-shop", str(place), "s", "7", "store", INSIDE, "USD", tuple(_lines(random, products)))
        for place in range(number)
    ]


def _lines(random: Random, products: Sequence[Product]) -> list[BasketLine]:
    chosen = random.choices(products, k=LINES)
    return [
        BasketLine(str(place), product, random.randint(1, 3), random.randint(50, 400))
        for place, product in enumerate(chosen)
    ]


def _order(random: Random) -> tuple[Order, dict[str, Product]]:
    brands = [f"brand-{random.randrange(FEW)}" for _ in range(2)] + ["nobody's"] * (LINES - 2)
    products = [Product(f"p-{random.randrange(PRODUCTS)}-{brand}", brand=brand) for brand in brands]
    lines = tuple(
        Line(line_id=str(place), product_id=product.product_id, quantity=1, value_minor=100)
        for place, product in enumerate(products)
    )
    header = Header(shopper="s", store_id="7", ordered_at=INSIDE, currency="USD")
    order = Order(retailer="corner-shop", order_id="o", revision=1, authoritative=True, header=header, lines=lines)
    return order, {product.product_id: product for product in products}


def _table(figures: dict[str, Any]) -> Table:
    table = Table(title=f"Baskets of {LINES} lines, one core")
    for name in ("", "found", "beside", "goal"):
        table.add_column(name, justify="left" if not name else "right")
    rates, costs = figures["baskets_per_second"], figures["microseconds_per_order"]
    plain = rates["a loop over lines and conditions"]
    for name, rate in rates.items():
        goal = f"{GOAL_RATE:,}" if name == "does it qualify" else ""
        is_rate = not name.startswith("baskets")
        table.add_row(name, f"{rate:,}{'/s' if is_rate else ''}", f"{rate / plain:.2f} x" if is_rate else "", goal)
    few = costs[f"{FEW} campaigns"]
    for name, cost in costs.items():
        goal = f"at most {GOAL_RATIO} x" if name == f"{MANY} campaigns" else ""
        table.add_row(name, f"{cost:,} us an order", f"{cost / few:.2f} x", goal)
    return table


if __name__ == "__main__":
    main()
