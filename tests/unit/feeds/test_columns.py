"""The columns of staged files."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from tombola.feeds.columns import Columns
from tombola.feeds.contracts import ShopperRow
from tombola.feeds.typed_columns import schema

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def shoppers(ids: list[str]) -> pl.DataFrame:
    filled = {"shopper_id": ids, "consented_at": [NOW] * len(ids)}
    return pl.DataFrame({name: filled.get(name, [None] * len(ids)) for name in ShopperRow.model_fields}).cast(
        dict(schema(ShopperRow))
    )


def test_rows_were_stated_by_the_first_of_their_fields_that_is_present_or_when_they_arrived() -> None:
    earlier = datetime(2025, 1, 1, tzinfo=UTC)
    rows = shoppers(["a", "b", "c"]).with_columns(
        pl.Series("updated_at", [None, NOW, None], pl.Datetime("us", "UTC")),
        pl.Series("consented_at", [earlier, earlier, None], pl.Datetime("us", "UTC")),
    )
    columns = Columns("shoppers", ShopperRow, "corner-shop", {"shopper": pl.Series.clone})
    latest = datetime(2026, 2, 2, tzinfo=UTC)
    assert columns.staged(rows, np.arange(3), latest)["stated_at"].to_list() == [earlier, NOW, latest]
