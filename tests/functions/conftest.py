"""Real functions under the real functions-framework, over the test's ports."""

from collections.abc import Callable, Iterator
from pathlib import Path

import functions_framework
import pytest
from flask.testing import FlaskClient

from tombola.ports import Ports
from tombola.runtime import testing

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"


@pytest.fixture
def client(ports: Ports) -> Iterator[Callable[[str], FlaskClient]]:
    """Return a maker of clients of functions, given their names."""
    with testing.using(ports):
        yield lambda name: functions_framework.create_app(name, str(FUNCTIONS / name / "main.py"), "http").test_client()
