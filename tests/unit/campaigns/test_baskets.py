from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.campaigns.baskets import Basket, basket_of
from tombola.campaigns.model import Campaign
from tombola.campaigns.prizes import prize_base_minor, prize_minor
from tombola.catalogue.model import Product
from tombola.orders.facts import Header, Line, Order, Payment, ReturnedLine

Build = Callable[..., Basket]
AT = datetime(2027, 3, 10, 12, tzinfo=UTC)
PRODUCTS = {"plain": Product(product_id="plain", brand="National")}


def line(quantity: int = 2, value: int = 1000, coupon: int = 0, line_id: str = "1", product: str = "plain") -> Line:
    return Line(line_id=line_id, product_id=product, quantity=quantity, value_minor=value, coupon_minor=coupon)


def back(quantity: int, value: int, line_id: str = "1", return_id: str = "r") -> ReturnedLine:
    return ReturnedLine(return_id=return_id, line_id=line_id, quantity=quantity, value_minor=value)


def order(*lines: Line, **more: object) -> Order:
    header = Header(shopper="s", store_id="1", ordered_at=AT, currency="USD")
    known = {"retailer": "corner-shop", "order_id": "o", "revision": 1, "authoritative": True}
    return Order.model_validate({**known, "header": header, "lines": lines, **more})


def left(made: Order) -> list[tuple[int, int]]:
    return [(each.quantity, each.paid_minor) for each in basket_of(made, PRODUCTS).lines]


def test_an_untouched_order_is_its_basket() -> None:
    basket = basket_of(order(line(coupon=150), line(line_id="2", product="?")), PRODUCTS)
    assert [(each.product.product_id, each.product.brand, each.paid_minor) for each in basket.lines] == [
        ("plain", "National", 850),
        ("?", "", 1000),
    ]
    assert (basket.shopper, basket.store_id, basket.ordered_at, basket.currency) == ("s", "1", AT, "USD")


def test_a_cancelled_order_has_an_empty_basket() -> None:
    assert left(order(line(), cancelled_at=AT)) == []


def test_a_return_keeps_the_coupon_in_proportion_and_rounds_against_the_shopper() -> None:
    assert left(order(line(3, 1000, 100), returns=(back(1, 333),))) == [(2, 667 - 67)]


def test_a_line_that_came_back_whole_is_gone_with_its_coupon() -> None:
    assert left(order(line(2, 1000, 1500), returns=(back(1, 500), back(1, 500, return_id="q")))) == []


def test_a_line_without_value_keeps_its_coupon_by_quantity() -> None:
    assert left(order(line(2, 0, 101), returns=(back(1, 0),))) == [(1, -51)]


def test_a_line_with_a_coupon_alone_stays() -> None:
    assert left(order(line(0, 0, 100))) == [(0, -100)]


def test_a_return_of_an_unknown_line_changes_nothing() -> None:
    assert left(order(line(), returns=(back(1, 500, line_id="?"),))) == [(2, 1000)]


def test_promised_lines_are_looked_at_when_asked() -> None:
    made = order(line(), promised_lines=(line(5, 4000),))
    assert basket_of(made, PRODUCTS, promised=True).lines[0].paid_minor == 4000
    assert basket_of(made, PRODUCTS).lines[0].paid_minor == 1000
    assert basket_of(order(line()), PRODUCTS, promised=True).lines[0].paid_minor == 1000


@given(st.integers(1, 50), st.integers(0, 10**6), st.integers(0, 10**6), st.data())
def test_what_is_left_is_never_more_than_there_was(quantity: int, value: int, coupon: int, data: st.DataObject) -> None:
    some, given_back = data.draw(st.integers(0, quantity + 3)), data.draw(st.integers(0, value + 3))
    for each in basket_of(order(line(quantity, value, coupon), returns=(back(some, given_back),)), PRODUCTS).lines:
        assert 0 < each.quantity <= quantity
        assert -coupon <= each.paid_minor <= value
        assert coupon > value or 0 <= each.paid_minor <= value - coupon


def test_tenders_are_summed_by_name() -> None:
    paid = [("1", "card", 500), ("2", "gift_card", 300), ("3", "card", 200)]
    payments = tuple(Payment(payment_id=i, tender=tender, amount_minor=minor) for i, tender, minor in paid)
    assert basket_of(order(line(), payments=payments), PRODUCTS).tenders == (("card", 700), ("gift_card", 300))


@pytest.mark.parametrize(
    ("lines", "tenders", "expected"),
    [
        ([("plain", 2, 1000)], {}, 1000),
        ([("plain", 2, 1000), ("own", 1, -300)], {}, 700),
        ([("plain", 2, 100), ("own", 1, -300)], {}, 0),
        ([("plain", 2, 1000), ("fuel", 9, 4000), ("wine", 1, 900)], {}, 1000),
        ([("plain", 2, 1000)], {"card": 600, "gift_card": 300, "points": 100}, 600),
        ([("plain", 2, 1000)], {"prize": 1200}, 0),
        ([("plain", 2, 1000)], {"Gift_Card": 300, "POINTS": 100}, 600),
        ([("plain", 9, 9000)], {}, 5000),
        ([], {}, 0),
    ],
)
def test_a_prize_is_what_was_paid_for_what_counts_up_to_the_cap(
    lines: list[tuple[str, int, int]], tenders: dict[str, int], expected: int, campaign: Campaign, basket: Build
) -> None:
    assert prize_base_minor(campaign, basket(*lines, tenders=tenders)) == expected


def test_a_fixed_prize_is_its_amount_whatever_the_basket(campaign_with: Callable[..., Campaign], basket: Build) -> None:
    campaign = campaign_with(prizes=[{"name": "note", "kind": "fixed", "amount": "20", "moments": 40}])
    base_minor = prize_base_minor(campaign, basket(("plain", 1, 1)))
    assert (base_minor, prize_minor(campaign, campaign.prizes[0], base_minor)) == (0, 2000)
