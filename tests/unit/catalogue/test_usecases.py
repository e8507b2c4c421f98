"""The catalogue: what was stated last is found, wherever it is asked for."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tombola.adapters.embedded.clock import ReplayClock
from tombola.catalogue.model import Product, unknown
from tombola.catalogue.usecases import find_products, known_products, update_catalogue
from tombola.errors import Gone
from tombola.feeds import usecases as feeds
from tombola.feeds.events import FeedValidated
from tombola.ports import Ports
from tombola.ports.memo import Memo
from tombola.ports.objects import ObjectRef

HEADER = "product_id,name,brand,category,department,updated_at\n"
Publish = Callable[..., FeedValidated]


@pytest.fixture
def publish(ports: Ports) -> Publish:
    """Validate a products file of the corner shop and return its event."""

    def validated(*rows: str, file: str = "products.csv") -> FeedValidated:
        data = (HEADER + "".join(f"{row}\n" for row in rows)).encode()
        ref = ports.objects.replace("inbox", f"corner-shop/products/{file}", data)
        receipt = feeds.validate_feed(ports, ref, attempt="one")
        return FeedValidated(
            event_id="e",
            retailer="corner-shop",
            feed="products",
            receipt=receipt.receipt,
            verdict=receipt.verdict,
            files=receipt.files,
        )

    return validated


def test_a_stated_product_is_found_and_others_are_known_by_their_id_alone(ports: Ports, publish: Publish) -> None:
    update_catalogue(ports, publish("p1,Milk,Acme,DAIRY,FOOD,2017-01-01", "p2,,,,,2017-01-01"))
    found = find_products(ports, "corner-shop", ["p1", "p2", "p3"])
    assert found["p1"] == Product(product_id="p1", name="Milk", brand="Acme", category="DAIRY", department="FOOD")
    assert found["p2"] == Product(product_id="p2")
    assert found["p3"] == unknown("p3")
    assert known_products(ports, "corner-shop", ["p1", "p2", "p3"]) == {"p1", "p2"}
    assert known_products(ports, "other-shop", ["p1"]) == set()


def test_an_update_is_seen_at_once_where_it_was_made(ports: Ports, publish: Publish) -> None:
    assert known_products(ports, "corner-shop", ["p1"]) == set()
    update_catalogue(ports, publish("p1,Milk,,,,2017-01-01"))
    assert find_products(ports, "corner-shop", ["p1"])["p1"].name == "Milk"


def test_elsewhere_an_update_is_seen_within_a_minute(ports: Ports, publish: Publish, clock: ReplayClock) -> None:
    here = ports.memo
    update_catalogue(ports, publish("p1,Milk,,,,2017-01-01"))
    find_products(ports, "corner-shop", ["p1"])
    elsewhere = Ports(
        ports.objects, ports.topics, ports.documents, ports.warehouse, ports.keys, ports.clock, memo=Memo()
    )
    update_catalogue(elsewhere, publish("p1,Oat milk,,,,2017-01-02", file="next.csv"))
    assert find_products(ports, "corner-shop", ["p1"])["p1"].name == "Milk"
    clock.advance(timedelta(seconds=61))
    assert find_products(ports, "corner-shop", ["p1"])["p1"].name == "Oat milk"
    assert here is ports.memo


def test_the_same_file_again_changes_nothing_and_an_older_one_neither(ports: Ports, publish: Publish) -> None:
    event = publish("p1,Oat milk,,,,2017-01-02", *(f"x{number},,,,,2017-01-02" for number in range(3000)))
    assert update_catalogue(ports, event) == 256
    assert update_catalogue(ports, event) == 0
    assert update_catalogue(ports, publish("p1,Milk,,,,2017-01-01", file="old.csv")) == 0
    assert find_products(ports, "corner-shop", ["p1"])["p1"].name == "Oat milk"


def test_other_feeds_are_none_of_its_business(ports: Ports, publish: Publish) -> None:
    event = publish("p1,Milk,,,,2017-01-01").model_copy(update={"feed": "orders"})
    assert update_catalogue(ports, event) == 0


def test_a_staged_file_that_is_gone_is_a_fault(ports: Ports, publish: Publish) -> None:
    event = publish("p1,Milk,,,,2017-01-01")
    (file,) = event.files
    ports.objects.delete(ObjectRef(file.bucket, file.name, file.generation))
    with pytest.raises(Gone):
        update_catalogue(ports, event)
