import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.digests import digest, keyed
from tombola.zones import known_zone

PARTS = st.lists(st.text(max_size=5) | st.binary(max_size=5), max_size=4)


@given(one=PARTS, other=PARTS)
def test_different_inputs_never_run_into_one_another(one: list[str | bytes], other: list[str | bytes]) -> None:
    same = [part.encode() if isinstance(part, str) else part for part in one] == [
        part.encode() if isinstance(part, str) else part for part in other
    ]
    assert (digest("label", *one) == digest("label", *other)) == same
    assert (keyed(b"key", "label", *one) == keyed(b"key", "label", *other)) == same


def test_a_stranger_computes_the_same_from_the_description() -> None:
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in (b"a.v1", "é".encode(), b"\x00", b"42"))
    assert digest("a.v1", "é", b"\x00", 42) == hashlib.sha256(framed).digest()
    assert keyed(b"key", "a.v1", "é", b"\x00", 42) == hmac.new(b"key", framed, hashlib.sha256).digest()


def test_another_label_is_another_digest() -> None:
    assert digest("a.v1", "x") != digest("a.v2", "x")


@pytest.mark.parametrize("name", ["America", "Mars/Olympus", "../etc/passwd", "", "a\0b"])
def test_a_time_zone_that_is_none_is_one_kind_of_error(name: str) -> None:
    with pytest.raises(ValueError, match="IANA database"):
        known_zone(name)
    assert known_zone("Europe/Paris") == "Europe/Paris"
