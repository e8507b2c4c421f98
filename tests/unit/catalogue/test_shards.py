"""Shards: equal knowledge is equal bytes, in whatever order it came."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.catalogue.shards import SHARDS, Statement, by_shard, find, holds, merge, pack, shard_of, unpack
from tombola.errors import TooLarge

WORDS = st.sampled_from(["", "a", "b", "\u00e9"])
STATEMENTS = st.lists(
    st.builds(Statement, st.integers(0, 3), st.sampled_from(["p1", "p2", "p3"]), WORDS, WORDS, WORDS, WORDS, WORDS),
    max_size=12,
)


@given(STATEMENTS, st.randoms(use_true_random=False), st.integers(0, 12))
def test_statements_may_come_in_any_order_and_twice(statements: list[Statement], random: object, cut: int) -> None:
    shuffled = [*statements, *statements[:cut]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    whole = merge({}, statements)
    parts = merge(merge({}, shuffled[:cut]), shuffled[cut:])
    assert pack(parts) == pack(whole)
    assert unpack(pack(whole)) == whole


def test_the_newest_statement_wins() -> None:
    old, new = Statement(1, "p", "Z", "", "", "", "r2"), Statement(2, "p", "A", "", "", "", "r1")
    for statements in ([old, new], [new, old]):
        assert find(merge({}, statements), "p") == new


def test_products_spread_over_all_shards() -> None:
    statements = [Statement(0, str(number), "", "", "", "", "") for number in range(20_000)]
    groups = by_shard(statements)
    assert len(groups) == SHARDS
    assert max(map(len, groups.values())) < 130
    assert all(shard_of(one.product_id) == number for number, group in groups.items() for one in group)


def test_a_shard_beyond_its_document_is_refused() -> None:
    words = [hashlib.sha512(str(number).encode()).hexdigest() for number in range(8_000)]
    with pytest.raises(TooLarge) as caught:
        pack(merge({}, [Statement(0, word, word, "", "", "", "") for word in words]))
    assert caught.value.code == "catalogue-too-large"


@given(st.text(), st.text())
def test_any_text_is_found_again_and_no_other(product_id: str, name: str) -> None:
    shard = unpack(pack(merge({}, [Statement(0, product_id, name, "", "", "", "")])))
    found = find(shard, product_id)
    assert found is not None
    assert found.name == name
    assert holds(shard, product_id)
    assert not holds(shard, product_id + "x")
