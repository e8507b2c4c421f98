"""What a retailer's file may say."""

import pytest
from pydantic import ValidationError

from tombola.errors import NotSetUp
from tombola.retailers.model import Dialect, Retailer
from tombola.retailers.usecases import read_retailer

SHOP = {"retailer": "corner-shop", "name": "Corner Shop", "country": "US", "currency": "USD", "feeds": {}}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "US/\0"])
def test_a_time_zone_is_one_that_there_is(zone: str) -> None:
    for model, said in ((Retailer, SHOP), (Dialect, {})):
        with pytest.raises(ValidationError, match="expected a name of the IANA database"):
            model.model_validate({**said, "time_zone": zone})


@pytest.mark.parametrize(
    "dialect",
    [
        {"delimiter": '"'},
        {"delimiter": "\n"},
        {"quote": "\r"},
        {"delimiter": "\0"},
        {"decimal_mark": ",", "thousands_mark": ","},
    ],
)
def test_marks_that_cannot_be_told_apart_are_refused(dialect: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="expected two characters"):
        Dialect.model_validate(dialect)


@pytest.mark.parametrize("text", [b"\xff\xfe", b"[", b"[" * 5_000, b"since: 2026-99-99", b"name: !!int x", b"", b"[]"])
def test_a_file_that_cannot_be_read_is_a_shop_that_is_not_set_up(text: bytes) -> None:
    with pytest.raises(NotSetUp):
        read_retailer(text, "retailers/corner-shop.yaml")
