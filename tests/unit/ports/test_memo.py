"""Memo: what may be stale is stale by no more than was said."""

from datetime import timedelta

from tombola.ports.memo import Memo

MINUTE = timedelta(minutes=1)


def test_a_value_is_loaded_again_after_its_time() -> None:
    now = [0.0]
    memo, loads = Memo(lambda: now[0]), iter(range(9))
    assert [memo.read("key", MINUTE, lambda: next(loads)) for _ in range(2)] == [0, 0]
    now[0] = 61.0
    assert memo.read("key", MINUTE, lambda: next(loads)) == 1


def test_what_was_forgotten_is_loaded_again_and_the_rest_is_not() -> None:
    memo, loads = Memo(), iter(range(9))
    assert [memo.read(key, MINUTE, lambda: next(loads)) for key in "ab"] == [0, 1]
    memo.forget("a", "never there")
    assert [memo.read(key, MINUTE, lambda: next(loads)) for key in "ab"] == [2, 1]
    memo.clear()
    assert memo.read("b", MINUTE, lambda: next(loads)) == 3


def test_a_load_that_was_under_way_when_its_key_was_forgotten_is_not_remembered() -> None:
    memo = Memo()

    def load_while_another_writes() -> str:
        memo.forget("key")
        return "old"

    assert memo.read("key", MINUTE, load_while_another_writes) == "old"
    assert memo.read("key", MINUTE, lambda: "new") == "new"
