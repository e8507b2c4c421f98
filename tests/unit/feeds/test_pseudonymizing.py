"""Pseudonyms of whole columns."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.feeds.pseudonymizing import Cmac, pseudonyms_by_column
from tombola.privacy.pseudonyms import HOUSEHOLD, SHOPPER, pseudonym

LABELS = {"shopper": SHOPPER, "household": HOUSEHOLD}

texts = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=25),
    st.integers(0, 100).map(lambda size: ("1234567890" * 10)[:size]),
)
runs = st.lists(st.tuples(st.none() | texts, st.integers(1, 4)), max_size=12)


def in_rows(runs: list[tuple[str | None, int]]) -> list[str | None]:
    return [text for text, length in runs for _ in range(length)]


@given(st.binary(max_size=80), st.text(st.characters(codec="utf-8"), max_size=9), st.sampled_from([*LABELS]), runs)
def test_a_column_holds_the_pseudonyms_that_its_ids_have_one_by_one(
    key: bytes, retailer: str, column: str, runs: list[tuple[str | None, int]]
) -> None:
    ids = in_rows(runs)
    found = pseudonyms_by_column(key, retailer)[column](pl.Series(column, ids, pl.String))
    one_by_one = [None if one is None else pseudonym(key, retailer, one, LABELS[column]) for one in ids]
    assert found.equals(pl.Series(column, one_by_one, pl.String), check_dtypes=True, check_names=True)


def test_a_column_that_was_cut_from_a_longer_one_holds_its_own_pseudonyms() -> None:
    ids = pl.Series("shopper", [f"{number % 3}" * (number % 40) for number in range(99)])
    of = pseudonyms_by_column(b"k", "corner-shop")["shopper"]
    assert of(ids[40:60]).equals(of(ids)[40:60])
    assert of(pl.concat([ids[:9], ids[30:]], rechunk=False)).equals(pl.concat([of(ids)[:9], of(ids)[30:]]))


def test_a_column_of_no_ids_stays_as_it_is() -> None:
    nobody = pl.Series("household", [None, None], pl.String)
    assert pseudonyms_by_column(b"k", "corner-shop")["household"](nobody) is nobody


KEY = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
MESSAGE = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
TAGS = {
    0: "028962f61b7bf89efc6b551f4667d983",
    16: "28a7023f452e8f82bd4bf28d8c37c35c",
    40: "aaf3d8f1de5640c232f5b169b9c911e6",
    64: "e1992190549f6ed5696a2c056c315410",
}
"""By length of the message: the examples of NIST SP 800-38B, D.3 (AES-256)."""


@pytest.mark.parametrize("sizes", [[size] for size in TAGS] + [[*TAGS], [*TAGS][::-1], [64, 0, 64, 40, 16, 16]])
def test_messages_have_the_tags_that_the_standard_publishes(sizes: list[int]) -> None:
    data = np.frombuffer(b"".join(MESSAGE[:size] for size in sizes), np.uint8)
    found = Cmac(bytes.fromhex(KEY)).tags(data, np.cumsum([0, *sizes], dtype=np.int64))
    assert [tag.tobytes().hex() for tag in found] == [TAGS[size] for size in sizes]
