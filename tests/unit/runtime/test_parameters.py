"""Parameters and secrets: read late, kept short, and a broken one says where."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import BaseModel

from tombola.adapters.embedded.clock import ReplayClock
from tombola.errors import NotSetUp
from tombola.ports import Ports
from tombola.runtime.parameters import parameter, secret


class Checkout(BaseModel):
    country: str
    fee: Decimal
    steps: list[int] = []
    test: bool = False


def put(ports: Ports, text: str) -> None:
    ports.objects.replace("config", "parameters/checkout.yaml", text.encode())


def test_a_parameter_is_read_into_its_model(ports: Ports) -> None:
    put(ports, "country: NO\nfee: 1.10\nsteps: [1, 2]\ntest: true\n")
    assert parameter(ports, "checkout", Checkout) == Checkout(
        country="NO", fee=Decimal("1.10"), steps=[1, 2], test=True
    )  # fmt: skip


def test_a_parameter_may_be_json(ports: Ports) -> None:
    put(ports, '{"country": "SE", "fee": "2"}')
    assert parameter(ports, "checkout", Checkout).fee == 2


def test_a_change_is_seen_after_thirty_seconds(ports: Ports, clock: ReplayClock) -> None:
    put(ports, "{country: NO, fee: 1}")
    assert parameter(ports, "checkout", Checkout).fee == 1
    put(ports, "{country: NO, fee: 2}")
    clock.advance(timedelta(seconds=30))
    assert parameter(ports, "checkout", Checkout).fee == 1
    clock.advance(timedelta(seconds=1))
    assert parameter(ports, "checkout", Checkout).fee == 2


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("country: NO\nfees: 1\n", {("line 2, column 1: fees", "the field fee")}),
        (
            "fee: much\ncuntry: NO\n",
            {("line 1, column 1: fee", "a number"), ("line 2, column 1: cuntry", "the field country")},
        ),
        ("country: NO\nfee: 1\nfee: 2\n", {("line 3, column 1: fee", "every field once")}),
        ("country: [", {("line 2, column 1", "`name: value` lines")}),
        ("just text", {("line 1, column 1", "a mapping of field names to values")}),
    ],
)  # fmt: skip
def test_a_broken_parameter_names_every_problem_and_its_line(
    ports: Ports, text: str, problems: set[tuple[str, str]]
) -> None:
    put(ports, text)
    with pytest.raises(NotSetUp, match=r"parameters/checkout\.yaml is not as it must be") as caught:
        parameter(ports, "checkout", Checkout)
    assert {(problem.where, problem.expected) for problem in caught.value.problems} == problems
    assert (caught.value.status, caught.value.code) == (503, "malformed-parameter")


def test_a_missing_parameter_says_what_to_put_where(ports: Ports) -> None:
    with pytest.raises(NotSetUp) as caught:
        parameter(ports, "checkout", Checkout)
    (problem,) = caught.value.problems
    assert (problem.where, problem.expected) == ("parameters/checkout.yaml", "a Checkout in YAML")


def test_a_secret_is_its_latest_version_within_a_minute(ports: Ports, clock: ReplayClock) -> None:
    ports.keys.create("mail-password", b"first")
    assert secret(ports, "mail-password") == b"first"
    ports.keys.rotate("mail-password", b"second")
    assert secret(ports, "mail-password") == b"first"
    clock.advance(timedelta(seconds=61))
    assert secret(ports, "mail-password") == b"second"


def test_a_missing_secret_is_named(ports: Ports) -> None:
    with pytest.raises(NotSetUp, match="mail-password does not exist") as caught:
        secret(ports, "mail-password")
    assert caught.value.code == "unknown-key"
