"""One pseudonym per shopper, retailer and key."""

import hashlib
import hmac
import re

from hypothesis import given
from hypothesis import strategies as st

from tombola.privacy.pseudonyms import SHOPPER, pseudonym

words = st.text(st.characters(codec="utf-8"), max_size=20)


@given(words, words, words, words)
def test_two_shoppers_never_share_a_pseudonym_however_their_ids_run_together(
    retailer: str, shopper: str, other_retailer: str, other_shopper: str
) -> None:
    same = (retailer, shopper) == (other_retailer, other_shopper)
    assert (pseudonym(b"k", retailer, shopper) == pseudonym(b"k", other_retailer, other_shopper)) == same


def test_text_that_moves_from_retailer_to_shopper_makes_another_pseudonym() -> None:
    assert pseudonym(b"k", "ab", "c") != pseudonym(b"k", "a", "bc")


def test_another_key_makes_another_pseudonym() -> None:
    assert pseudonym(b"k", "a", "b") != pseudonym(b"l", "a", "b")


def test_a_pseudonym_never_changes_between_versions_of_this_code() -> None:
    known = pseudonym(bytes(range(32)), "corner-shop", "1364")
    assert known == "72274c5c3bbc4fcf0363d321a4547e8c"
    assert re.fullmatch(r"[0-9a-f]{32}", known)


@given(st.binary(max_size=200), words, words)
def test_a_pseudonym_is_the_hmac_of_label_retailer_and_shopper(key: bytes, retailer: str, shopper: str) -> None:
    parts = [part.encode() for part in (SHOPPER, retailer, shopper)]
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    assert pseudonym(key, retailer, shopper) == hmac.new(key, message, hashlib.sha256).hexdigest()[:32]
