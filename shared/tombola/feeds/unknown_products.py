"""Tell which products the catalogue does not hold, asking it about each of them once per file."""

from collections.abc import Callable, Collection

import numpy as np
import polars as pl

from tombola.feeds.seen_keys import NO_HASHES, Hashes, among, distinct
from tombola.feeds.splitting import Places

REMEMBERED = 1_000_000
"""Products, at 8 bytes each: no retailer sells more. Past it, all are asked about again."""


class UnknownProducts:
    """Remembers products by 64 bits of their ids: should two ever share these, one warning is missing, no more."""

    def __init__(self, known: Callable[[Collection[str]], set[str]]) -> None:
        """Ask `known` which of some products the catalogue holds."""
        self._ask = known
        self._known = self._unknown = NO_HASHES

    def among(self, named: pl.Series) -> tuple[Places, Places]:
        """Return at which places a product is named that the catalogue does not hold, and at which for the first time.

        Nulls name none.
        """
        hashes = named.hash().to_numpy()
        named_here = distinct(hashes)
        fresh = named_here[~among(named_here, self._known) & ~among(named_here, self._unknown)]
        if len(fresh):
            self._look_up(named.filter(pl.Series(among(hashes, fresh))).unique().drop_nulls())
        unknown = among(hashes, self._unknown) & named.is_not_null().to_numpy()
        first = unknown & among(hashes, fresh)
        return np.flatnonzero(unknown), np.flatnonzero(first)[
            named.filter(pl.Series(first)).is_first_distinct().to_numpy()
        ]

    def _look_up(self, fresh: pl.Series) -> None:
        """Remember which of these the catalogue holds; forget the others when they are many."""
        if len(self._known) + len(self._unknown) > REMEMBERED:
            self._known = self._unknown = NO_HASHES
        known = self._ask(fresh.to_list())
        held = fresh.is_in(pl.Series(list(known), dtype=pl.String).implode())
        self._known = distinct(np.concatenate((self._known, _hashes(fresh.filter(held)))))
        self._unknown = distinct(np.concatenate((self._unknown, _hashes(fresh.filter(~held)))))


def _hashes(names: pl.Series) -> Hashes:
    found: Hashes = names.hash().to_numpy()
    return found
