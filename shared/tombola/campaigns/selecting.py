"""Which products are meant, and what the lines of a basket must add up to."""

from functools import cached_property
from typing import Annotated

from pydantic import Field, model_validator

from tombola.campaigns.parts import Amount, Name, Rules
from tombola.catalogue.model import Product

Units = Annotated[int, Field(ge=1, le=10**6)]
MOST_FURTHER_TIERS = 9
SELECTED_BY = {
    "product_id": "products", "brand": "brands", "category": "categories", "department": "departments",
    "size": "sizes", "gtin": "gtins",
}  # fmt: skip
"""The field of a selection that names values of a product's field."""


class Selection(Rules):
    """Products meant: every stated field must match one of its values. Nothing stated: every product."""

    products: tuple[Name, ...] = ()
    brands: tuple[Name, ...] = ()
    categories: tuple[Name, ...] = ()
    departments: tuple[Name, ...] = ()
    sizes: tuple[Name, ...] = ()
    gtins: tuple[Annotated[str, Field(pattern=r"^[0-9]{14}$", description="14 digits, zeros in front")], ...] = ()

    @cached_property
    def _wanted(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """The stated fields as sets, made once: every product met is asked about them."""
        stated = ((field, frozenset(getattr(self, values))) for field, values in SELECTED_BY.items())
        return tuple((field, values) for field, values in stated if values)

    def matches(self, product: Product) -> bool:
        """Tell whether a product is meant. Names are compared as written."""
        return all(getattr(product, field) in wanted for field, wanted in self._wanted)


class Part(Rules):
    """One part of a bundle: so many units of what is meant."""

    of: Selection
    quantity: Units = 1


class Condition(Rules):
    """What the matching lines of a basket must add up to. At least one bound is stated.

    Either lines `of` one selection, or a `bundle`: `minimum_bundles` whole sets of all its parts. A line counts for the
    first part that means it, so no unit is counted twice.
    """

    of: Selection = Selection()
    bundle: tuple[Part, ...] = ()
    minimum_quantity: Units | None = None
    maximum_quantity: Annotated[int, Field(ge=0, le=10**6)] | None = None
    minimum_spend: Amount | None = None
    maximum_spend: Amount | None = None
    minimum_distinct_products: Annotated[int, Field(ge=1, le=10**4)] | None = None
    minimum_bundles: Annotated[int, Field(ge=1, le=10**4)] | None = None

    @model_validator(mode="after")
    def _states_a_bound(self) -> "Condition":
        bounds = (
            self.minimum_quantity, self.maximum_quantity, self.minimum_spend, self.maximum_spend,
            self.minimum_distinct_products, self.minimum_bundles,
        )  # fmt: skip
        if all(bound is None for bound in bounds):
            msg = "states no bound; expected a minimum or maximum quantity or spend, distinct products or bundles"
            raise ValueError(msg)
        if bool(self.bundle) != (self.minimum_bundles is not None):
            msg = "a bundle without minimum_bundles, or the other way round; expected both or neither"
            raise ValueError(msg)
        if self.bundle and (self.of != Selection() or any(bound is not None for bound in bounds[:-1])):
            msg = (
                "a bundle with other bounds; expected minimum_bundles alone, and a condition of its own for the others"
            )
            raise ValueError(msg)
        return self


class Criteria(Rules):
    """What a basket must hold: `all` of these, `any` of those (if stated), `none` of the others."""

    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    none: tuple[Condition, ...] = ()


class Exclusions(Rules):
    """Lines and tenders that count neither for the criteria nor for the prize."""

    lines: tuple[Selection, ...] = ()
    tenders: tuple[Name, ...] = ("gift_card", "meal_voucher", "points", "prize")

    @cached_property
    def _tenders(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self.tenders)

    def excludes_tender(self, name: str) -> bool:
        """Tell whether a tender is excluded, whatever its upper and lower case."""
        return name.casefold() in self._tenders
