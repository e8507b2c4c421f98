"""What all tests share: real parts on one machine, a clock that is set by hand, one small retailer."""

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tombola.adapters.embedded.clock import ReplayClock
from tombola.ports import Ports
from tombola.runtime import testing

CORNER_SHOP = b"""\
retailer: corner-shop
name: The Corner Shop
country: US
currency: USD
time_zone: America/New_York
feeds:
  products: {}
  orders: {time_zone: America/New_York}
  shoppers: {}
  returns: {time_zone: America/New_York}
"""

MEMORY = Path("/dev/shm")  # noqa: S108 (pytest makes private folders in it)
ENOUGH_MEMORY = 4 * 1024**3
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY:
    # Every test has a home of its own with databases in it: on a busy disk, most of the time went into waiting for it.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

NOT_A_STOPWATCH = [hypothesis.HealthCheck.too_slow]  # how fast examples are made says how busy the machine is
hypothesis.settings.register_profile("laptop", deadline=None, suppress_health_check=NOT_A_STOPWATCH)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=NOT_A_STOPWATCH)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "laptop")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--adapters", choices=("embedded", "google"), default="embedded", help="what keeps the promises")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is about the other set of adapters: its libraries may not be here."""
    other = {"embedded": "test_google_", "google": "test_embedded_"}[config.getoption("--adapters")]
    return True if collection_path.name.startswith(other) else None


@pytest.fixture
def clock() -> ReplayClock:
    """Stand at noon of a summer's day until the test moves it."""
    return testing.fake_clock()


@pytest.fixture
def ports_in(clock: ReplayClock) -> Callable[[Path], Ports]:
    """Return a maker of the embedded adapters in a home that knows the retailer `corner-shop` and its keys."""
    return lambda home: make_ports(home, clock)


@pytest.fixture
def ports(tmp_path: Path, ports_in: Callable[[Path], Ports]) -> Ports:
    """Return the embedded adapters in a fresh home that knows the retailer `corner-shop` and its keys."""
    return ports_in(tmp_path / "home")


def make_ports(home: Path, clock: ReplayClock) -> Ports:
    """Return the embedded adapters in a home that knows the retailer `corner-shop` and its keys."""
    ports = testing.recorded_ports(home, clock)
    ports.objects.replace("config", "retailers/corner-shop.yaml", CORNER_SHOP)
    for name in ("webhook-corner-shop", "pseudonym-corner-shop"):
        ports.keys.create(name, f"{name}, 32 bytes or more of it".encode())
    ports.keys.create("receipt-signing", bytes(range(32)))
    ports.keys.create("head-signing", bytes(range(32, 64)))
    return ports


@pytest.fixture
def published_in() -> Callable[[Ports, str], list[dict[str, Any]]]:
    """Return a reader of everything published to a topic, decoded, in order; it consumes nothing."""
    return testing.published


@pytest.fixture
def published(
    ports: Ports, published_in: Callable[[Ports, str], list[dict[str, Any]]]
) -> Callable[[str], list[dict[str, Any]]]:
    """Return a reader of everything published to a topic of `ports`."""
    return partial(published_in, ports)
