"""Files of the retailer `corner-shop`, put into the inbox and judged."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tombola.feeds import usecases
from tombola.feeds.events import FeedValidated
from tombola.feeds.receipts import Receipt
from tombola.ports import Ports
from tombola.ports.objects import ObjectRef

HEADER = "order_id,line_id,shopper_id,store_id,ordered_at,product_id,quantity,value,discount,coupon"
LINE = "1,1,42,s1,2017-06-01T10:00:00,p1,1,2.50,0,0"


@pytest.fixture
def put(ports: Ports) -> Callable[..., ObjectRef]:
    """Put text or bytes into the inbox as the shop's file of a feed."""

    def put_it(data: str | bytes, feed: str = "orders", file: str = "file.csv") -> ObjectRef:
        content = data.encode() if isinstance(data, str) else data
        return ports.objects.replace("inbox", f"corner-shop/{feed}/{file}", content)

    return put_it


@pytest.fixture
def judge(ports: Ports, put: Callable[..., ObjectRef]) -> Callable[..., Receipt]:
    """Put a file into the inbox and return its receipt."""
    attempts = itertools.count()

    def judge_it(data: str | bytes, feed: str = "orders", file: str = "file.csv") -> Receipt:
        return usecases.validate_feed(ports, put(data, feed, file), attempt=f"attempt-{next(attempts)}")

    return judge_it


@pytest.fixture
def last_event(published: Callable[[str], list[dict[str, Any]]]) -> Callable[[], FeedValidated]:
    """Return the last `feed-validated` event."""
    return lambda: FeedValidated.model_validate(published("feed-validated")[-1])


@pytest.fixture
def orders() -> Callable[..., str]:
    """Return a maker of orders files: the header, then these lines."""

    def make(*lines: str | Sequence[str], header: str = HEADER) -> str:
        return "\n".join([header, *(line if isinstance(line, str) else ",".join(line) for line in lines)]) + "\n"

    return make
