"""Find rows that were seen before, exactly, with some 5 bytes of memory a row.

At first sight a row's key is known by 60 bits. Where these were seen before, the row is a *suspect*: it is put off
until the file has been read, and judged when the file is read again, by 124 bits of its key and 64 of all it says,
kept for the suspects alone. So two keys that share 60 bits cost time and never a row.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from tombola.feeds.contracts import Row
from tombola.feeds.seen_keys import BITS, NO_HASHES, Flags, Hashes, SeenKeys, among, distinct

Seen = Literal["known", "new", "duplicate", "conflict"]


class Hasher:
    """Digests of rows: of what names them, and of all they say."""

    def __init__(self, row: type[Row], bits: int = BITS) -> None:
        """Keep `bits` of a key's first digest; fewer make collisions, which tests want."""
        self._key = list(row.KEY)
        self._mask = np.uint64((2**bits - 1) << (64 - bits))

    def keys(self, values: pl.DataFrame) -> Hashes:
        """Return what a row's key is known by at first sight."""
        return values[self._key].hash_rows(seed=1).to_numpy() & self._mask

    def exact(self, values: pl.DataFrame) -> tuple[Hashes, Hashes]:
        """Return another digest of the keys, and one of all the rows say."""
        return values[self._key].hash_rows(seed=2).to_numpy(), values.hash_rows(seed=3).to_numpy()


class FirstSight:
    """The digests of all keys so far."""

    def __init__(self) -> None:
        """Know none."""
        self._seen = SeenKeys()
        self._suspects: list[Hashes] = []

    def judge(self, keys: Hashes) -> Flags:
        """Return which keys are seen for the first time, and remember them."""
        again = self._seen.seen(keys)
        if again.any():
            self._suspects.append(distinct(keys[again]))
        return ~again

    def suspects(self) -> Hashes:
        """Return the keys that were seen more than once, in order."""
        return distinct(np.concatenate([NO_HASHES, *self._suspects]))


class SecondLook:
    """Tells rows under suspicion apart, when the file is read again from its first row on."""

    def __init__(self, suspects: Hashes) -> None:
        """Look at rows of these keys only."""
        self._suspects = suspects
        self._met = np.zeros(len(suspects), np.bool_)
        self._keys = np.zeros(len(suspects), np.uint64)
        self._rows = np.zeros(len(suspects), np.uint64)
        self._others: dict[tuple[int, int], int] = {}

    def concerns(self, keys: Hashes) -> Flags:
        """Return which rows are to be judged."""
        return among(keys, self._suspects)

    def judge(self, keys: Hashes, exact_keys: Hashes, rows: Hashes) -> Sequence[Seen]:
        """Judge rows in the order of the file: `known` is the one that was taken at first sight."""
        places = np.searchsorted(self._suspects, keys).tolist()
        return [
            self._judge(place, key, row)
            for place, key, row in zip(places, exact_keys.tolist(), rows.tolist(), strict=True)
        ]

    def _judge(self, place: int, key: int, row: int) -> Seen:
        if not self._met[place]:
            self._met[place], self._keys[place], self._rows[place] = True, key, row
            return "known"
        if int(self._keys[place]) == key:
            return "duplicate" if int(self._rows[place]) == row else "conflict"
        first = self._others.setdefault((place, key), -1)
        if first == -1:
            self._others[place, key] = row
            return "new"
        return "duplicate" if first == row else "conflict"
