"""Prices: dated, each with the page it stands on."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from importlib import resources
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field


class Price(BaseModel):
    """What `per` units cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    price: Annotated[Decimal, Field(ge=0)]
    per: Annotated[int, Field(gt=0)]
    unit: str
    page: str

    def of(self, units: Decimal) -> Decimal:
        """Return what so many units cost."""
        return units * self.price / self.per


class Prices(BaseModel):
    """A price list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    read_on: date
    currency: str
    prices: Mapping[str, Price]

    @classmethod
    def parse(cls, text: bytes) -> "Prices":
        """Return the list that a YAML file holds. Raises `ValidationError`."""
        return cls.model_validate(yaml.safe_load(text))


def list_prices() -> Prices:
    """Return the list prices that come with this version."""
    return Prices.parse(resources.files("tombola.costs").joinpath("prices.yaml").read_bytes())
