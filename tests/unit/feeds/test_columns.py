"""The columns of staged files."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from tombola.feeds.columns import REMEMBERED, Columns
from tombola.feeds.contracts import ShopperRow
from tombola.feeds.typed_columns import schema

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def shoppers(ids: list[str]) -> pl.DataFrame:
    filled = {"shopper_id": ids, "consented_at": [NOW] * len(ids)}
    return pl.DataFrame({name: filled.get(name, [None] * len(ids)) for name in ShopperRow.model_fields}).cast(
        dict(schema(ShopperRow))
    )


def test_a_block_of_many_shoppers_takes_no_pseudonym_from_one_that_is_being_made_at_the_same_time() -> None:
    crowds = [[f"{letter}{number}" for number in range(REMEMBERED + 1)] for letter in "ab"]

    def pseudonym(own_id: str) -> str:
        if own_id == "last":
            for crowd in crowds:
                stage(crowd)
        return f"pseudonym of {own_id}"

    def stage(ids: list[str]) -> list[str]:
        found: list[str] = columns.staged(shoppers(ids), np.arange(len(ids)), NOW)["shopper"].to_list()
        return found

    columns = Columns("shoppers", ShopperRow, "corner-shop", {"shopper": pseudonym})
    assert stage(["first"]) == ["pseudonym of first"]
    assert stage(["first", "last"]) == ["pseudonym of first", "pseudonym of last"]


def test_rows_were_stated_by_the_first_of_their_fields_that_is_present_or_when_they_arrived() -> None:
    earlier = datetime(2025, 1, 1, tzinfo=UTC)
    rows = shoppers(["a", "b", "c"]).with_columns(
        pl.Series("updated_at", [None, NOW, None], pl.Datetime("us", "UTC")),
        pl.Series("consented_at", [earlier, earlier, None], pl.Datetime("us", "UTC")),
    )
    columns = Columns("shoppers", ShopperRow, "corner-shop", {"shopper": str})
    latest = datetime(2026, 2, 2, tzinfo=UTC)
    assert columns.staged(rows, np.arange(3), latest)["stated_at"].to_list() == [earlier, NOW, latest]
