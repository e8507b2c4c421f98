"""Digests of keys that were seen."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tombola.feeds.seen_keys import SeenKeys


@given(st.lists(st.lists(st.integers(0, 40), unique=True, max_size=20), max_size=8), st.integers(0, 2**58))
def test_a_digest_is_known_from_its_second_time_on(blocks: list[list[int]], stride: int) -> None:
    seen, known = SeenKeys(), set[int]()
    for block in blocks:
        keys = np.unique(np.array(block, np.uint64) * np.uint64(stride))
        assert seen.seen(keys).tolist() == [key in known for key in keys.tolist()]
        known |= set(keys.tolist())


def test_digests_that_were_cut_short_are_found_again_and_only_these() -> None:
    random = np.random.default_rng(7)
    keys = random.integers(0, 2**64, 5_000_000, dtype=np.uint64)
    seen = SeenKeys()
    for block in np.split(keys, 50):
        assert not seen.seen(np.sort(block)).any()
    assert seen.seen(np.sort(keys[::1000])).all()
    assert not seen.seen(np.sort(random.integers(0, 2**64, 100_000, dtype=np.uint64))).any()
