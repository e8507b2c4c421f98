"""The smallest change against brute force: every basket within a few units of the one there is."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations_with_replacement, product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tombola.campaigns.baskets import Basket, BasketLine
from tombola.campaigns.changes import Change, Step
from tombola.campaigns.criteria import evaluate
from tombola.campaigns.model import Campaign
from tombola.catalogue.model import Product

BuildCampaign = Callable[..., Campaign]
Clauses = dict[str, list[dict[str, object]]]
Bought = list[tuple[Product, int, int]]

MOST_UNITS = 3
"""How far brute force looks: any more takes minutes."""
MOST_MONEY = 5
BRANDS, CATEGORIES, NAMED = ("A", "other"), ("X", "Alcohol", "other"), ("n1", "n2")
PLAIN = [
    Product(f"{brand}-{category}-{number}", brand=brand, category=category)
    for brand in BRANDS
    for category in CATEGORIES
    for number in range(MOST_UNITS + 3)
]
VARIANTS = [
    Product(name, brand=brand, category=category) for name in NAMED for brand in BRANDS for category in CATEGORIES
]
"""A product that is named and not in the basket may be of any brand and category."""

SELECTIONS = st.sampled_from(
    [{}, {"brands": ["A"]}, {"categories": ["X"]}, {"brands": ["A"], "categories": ["X"]}, {"products": ["n1", "n2"]}]
)
AMOUNTS = st.integers(1, MOST_MONEY).map(lambda minor: f"0.0{minor}")
BOUNDS = {
    "minimum_quantity": st.integers(1, 4),
    "maximum_quantity": st.integers(0, 4),
    "minimum_spend": AMOUNTS,
    "maximum_spend": AMOUNTS,
    "minimum_distinct_products": st.integers(1, 3),
}
PARTS = st.fixed_dictionaries({"of": SELECTIONS, "quantity": st.integers(1, 2)})
BUNDLES = st.fixed_dictionaries({"bundle": st.lists(PARTS, min_size=1, max_size=2), "minimum_bundles": st.just(1)})
CONDITIONS = (
    st.fixed_dictionaries({"of": SELECTIONS}, optional=BOUNDS).filter(lambda condition: 1 < len(condition) < 4)
    | BUNDLES
)
CRITERIA = st.fixed_dictionaries(
    {
        "all": st.lists(CONDITIONS, max_size=2),
        "any": st.lists(CONDITIONS, max_size=2),
        "none": st.lists(CONDITIONS, max_size=1),
    }
)
IN_BASKET = st.tuples(
    st.sampled_from([*PLAIN[::3], VARIANTS[0], VARIANTS[-1]]), st.integers(0, 2), st.integers(-1, MOST_MONEY)
)
LINES = st.lists(IN_BASKET, max_size=3)


def basket_of(lines: Bought, basket: Callable[..., Basket]) -> Basket:
    made = (BasketLine(f"l{number}", *line) for number, line in enumerate(lines))
    return replace(basket(), lines=tuple(made))


def left_of(line: BasketLine, taken: int) -> BasketLine | None:
    """Take units out of a line at their share of what it cost, rounded against the shopper; nothing is nothing."""
    if not taken:
        return line
    whole = max(line.quantity, 1)
    left = whole - taken
    return replace(line, quantity=left, paid_minor=line.paid_minor * left // whole) if left else None


def taken_out(lines: Sequence[BasketLine], most: int) -> Iterator[tuple[tuple[BasketLine, ...], int, int]]:
    """Yield what may be left of these lines, with the units and the money that left."""
    for taken in product(*(range(min(max(line.quantity, 1), most) + 1) for line in lines)):
        if sum(taken) <= most:
            left = [left_of(line, units) for line, units in zip(lines, taken, strict=True)]
            money = sum(
                abs(line.paid_minor - (rest.paid_minor if rest else 0)) for line, rest in zip(lines, left, strict=True)
            )
            yield tuple(line for line in left if line), sum(taken), money


def candidates(lines: Sequence[BasketLine]) -> list[Product]:
    """Return a product of every kind for every unit that may come in, and those of the basket."""
    known = {line.product.product_id: line.product for line in lines}
    plain = [one for one in PLAIN if one.product_id not in known]
    firsts = [
        one
        for brand, category in product(BRANDS, CATEGORIES[::2])
        for one in [one for one in plain if (one.brand, one.category) == (brand, category)][:MOST_UNITS]
    ]
    return [*known.values(), *firsts, *(one for one in VARIANTS if one.product_id not in known)]


def smaller_changes(
    before: Basket, size: tuple[int, int, int], *, with_money: bool
) -> Iterator[tuple[tuple[int, int, int], Basket]]:
    """Yield every basket that a change smaller than `size` leads to."""
    offered = candidates(before.lines)
    within = MOST_UNITS - 1 if with_money else MOST_UNITS
    for left, out, money_out in taken_out(before.lines, min(within, size[1]) if size[0] else 0):
        for units in range(min(within, size[1]) - out + 1):
            for added in combinations_with_replacement(offered, units):
                bought = Counter(added)
                if len({one.product_id for one in bought}) < len(bought):
                    continue  # one product cannot be of two brands
                for paid in product(range(MOST_MONEY + 6 if with_money else 1), repeat=len(bought)):
                    reached = (int(out > 0), out + units, money_out + sum(paid))
                    if reached < size:
                        new = zip(bought.items(), paid, strict=True)
                        lines = [BasketLine(f"n-{one.product_id}", one, many, minor) for (one, many), minor in new]
                        yield reached, replace(before, lines=(*left, *lines))


def carried_out(change: Change, before: Basket, random: Random) -> Basket:
    """Do what a change says, choosing freely wherever it leaves a choice."""
    lines = list(before.lines)
    for step in change.steps:
        if step.action == "take_out":
            rest = [left_of(line, step.units) if line.line_id == step.line_id else line for line in lines]
            lines = [line for line in rest if line]
        else:
            lines += added(step, lines, random)
    return replace(before, lines=tuple(lines))


def added(step: Step, lines: list[BasketLine], random: Random) -> Iterator[BasketLine]:
    known = {line.product.product_id: line.product for line in lines if line.quantity}
    gone = {line.product.product_id: line.product for line in lines}
    shelf = [one for one in (*PLAIN, *VARIANTS) if gone.get(one.product_id, one) == one and one.category != "Alcohol"]
    meant = [
        one
        for one in shelf
        if all(of.matches(one) for of in step.of) and not any(but_not.matches(one) for but_not in step.but_not)
    ]
    random.shuffle(meant)
    fresh = list({one.product_id: one for one in meant if one.product_id not in known}.values())
    held = [one for one in meant if one.product_id in known]
    most = step.units if step.most_products is None else step.most_products
    number = random.randint(step.products, max(min(step.units, most, len(fresh)), step.products))
    if number == 0 and not held:
        number = 1
    chosen = fresh[:number]
    assert len(chosen) == number, "there are as many different products as the change asks for"
    chosen += random.choices([*chosen, *held], k=step.units - number)
    most_minor = step.minor + 3 if step.most_minor is None else step.most_minor
    paid = random.randint(step.minor, most_minor)
    for place, one in enumerate(chosen):
        yield BasketLine(f"new-{len(lines)}-{place}", one, 1, paid if place == 0 else 0)


@settings(max_examples=25)  # each tries hundreds to thousands of baskets
@given(lines=LINES, criteria=CRITERIA, random=st.randoms(use_true_random=False))
def test_no_smaller_change_would_do_and_the_one_named_does(
    lines: Bought, criteria: Clauses, random: Random, basket: Callable[..., Basket], campaign_with: BuildCampaign
) -> None:
    campaign, before = campaign_with(criteria=criteria, exclude={}), basket_of(lines, basket)
    trace = evaluate(campaign, before)
    change = trace.change
    assert change.is_proven
    assert trace.qualifies == (change == Change())
    size = change.size if change.possible else (1, MOST_UNITS + 1, 0)
    if change.possible:
        assert evaluate(campaign, carried_out(change, before, random)).qualifies
    with_money = "spend" in str(criteria)
    for smaller, reached in smaller_changes(before, size, with_money=with_money):
        assert not evaluate(campaign, reached).qualifies, (smaller, reached.lines)
