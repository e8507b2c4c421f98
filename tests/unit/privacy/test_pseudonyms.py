"""One pseudonym per shopper, retailer and key."""

import hashlib
import hmac
import re
import subprocess
import sys

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
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
    assert known == "40a135ba9028ac706b6e82ca88d40425"
    assert re.fullmatch(r"[0-9a-f]{32}", known)


@given(st.binary(max_size=200), words, words)
def test_a_pseudonym_is_the_cmac_of_the_id_under_a_key_of_label_and_retailer(
    key: bytes, retailer: str, shopper: str
) -> None:
    message = b"".join(len(part).to_bytes(8, "big") + part for part in (SHOPPER.encode(), retailer.encode()))
    cmac = CMAC(AES(hmac.new(key, message, hashlib.sha256).digest()))
    cmac.update(shopper.encode())
    assert pseudonym(key, retailer, shopper) == cmac.finalize().hex()


def test_who_imports_pseudonyms_pays_for_a_cipher_only_when_one_is_made() -> None:
    """Not at every cold start: functions that publish what is staged come by here too, and have no cipher at all."""
    script = "import sys, tombola.privacy.pseudonyms; print({'cryptography', 'numpy', 'polars'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "set()\n"
    )
