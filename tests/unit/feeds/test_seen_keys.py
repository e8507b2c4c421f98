"""Digests of keys that were seen."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tombola.feeds.contracts import OrderLineRow
from tombola.feeds.duplicates import Hasher
from tombola.feeds.seen_keys import BITS, Hashes, SeenKeys


@given(st.lists(st.lists(st.integers(0, 40), unique=True, max_size=20), max_size=8), st.integers(0, 2**46))
def test_a_digest_is_known_from_its_second_time_on(blocks: list[list[int]], stride: int) -> None:
    seen, known = SeenKeys(), set[int]()
    for block in blocks:
        keys = np.unique(np.array(block, np.uint64) * np.uint64(stride)) << np.uint64(12)
        assert seen.seen(keys).tolist() == [key in known for key in keys.tolist()]
        known |= set(keys.tolist())


def digests(begin: int, end: int) -> Hashes:
    """Return digests all over their range; those of other numbers are others, for the factor is odd."""
    return (np.arange(begin, end, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) << np.uint64(12)


def test_digests_that_were_cut_short_are_found_again_and_only_these() -> None:
    keys = digests(0, 3_000_000)
    seen = SeenKeys()
    for block in np.split(keys, 30):
        assert not seen.seen(np.sort(block)).any()
    assert seen.seen(np.sort(keys[::1000])).all()
    assert not seen.seen(np.sort(digests(3_000_000, 3_100_000))).any()


def test_keys_have_no_more_bits_than_are_remembered() -> None:
    values = pl.DataFrame({"order_id": [str(number) for number in range(1_000)], "line_id": ["1"] * 1_000})
    keys = Hasher(OrderLineRow).keys(values)
    assert not (keys & np.uint64(2 ** (64 - BITS) - 1)).any()
    assert len(np.unique(keys)) == 1_000


def test_digests_that_crowd_one_place_are_told_apart() -> None:
    crowd = (np.uint64(7) << np.uint64(44)) + (np.arange(20_000, dtype=np.uint64) << np.uint64(4))
    at_the_end = ~np.uint64(0) - (np.arange(3_000, dtype=np.uint64) << np.uint64(4))
    seen = SeenKeys()
    for keys in (crowd, at_the_end & ~np.uint64(15), digests(0, 700_000)):
        assert not seen.seen(keys).any()
        assert seen.seen(keys[::-1]).all()
    assert not seen.seen(crowd + (np.uint64(1) << np.uint64(40))).any()


def test_the_same_digest_twice_at_once_is_known_the_second_time() -> None:
    keys = np.array([16, 32, 16, 0, 0, 32], np.uint64)
    assert SeenKeys().seen(keys).tolist() == [False, False, True, False, True, True]
