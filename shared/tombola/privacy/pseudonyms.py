"""Pseudonyms: what stands for a retailer's ids of shoppers and households everywhere behind the door."""

import hashlib
from collections.abc import Callable
from functools import lru_cache

SHOPPER, HOUSEHOLD = "tombola.pseudonym.v1", "tombola.household.v1"
"""Labels: a household and a shopper with the same id are not the same pseudonym."""
DIGITS = 32
_BLOCK = 64
"""Bytes that SHA-256 takes at once."""


def pseudonym(key: bytes, retailer: str, own_id: str, label: str = SHOPPER) -> str:
    """Return 32 hex digits that are always the same for one shopper (or household) of one retailer under one key.

    HMAC-SHA256 over label, retailer and the retailer's own id, each prefixed by its length, so that no two
    inputs run into one another and no other use of the key can give the same digest.
    """
    return pseudonyms(key, retailer, label)(own_id)


@lru_cache(maxsize=100)
def pseudonyms(key: bytes, retailer: str, label: str = SHOPPER) -> Callable[[str], str]:
    """Return what makes the pseudonyms of one retailer's shoppers under one key: a file may hold millions of them.

    Both digests of HMAC (RFC 2104) are begun here, as far as they are the same for all of them. They are spelled
    out because copying two begun digests takes less than half of the time of copying a begun HMAC.
    """
    padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ mask for byte in padded)) for mask in (0x36, 0x5C))
    inner.update(_part(label) + _part(retailer))
    begin, end = inner.copy, outer.copy

    def of(own_id: str) -> str:
        first, last = begin(), end()
        text = own_id.encode()
        first.update(len(text).to_bytes(8, "big") + text)  # as `_part` does, without a call for every shopper
        last.update(first.digest())
        return last.hexdigest()[:DIGITS]

    return of


def pseudonyms_by_column(key: bytes, retailer: str) -> dict[str, Callable[[str], str]]:
    """Return what makes one retailer's pseudonyms under one key, by the column they stand in."""
    return {"shopper": pseudonyms(key, retailer), "household": pseudonyms(key, retailer, HOUSEHOLD)}


def _part(text: str) -> bytes:
    part = text.encode()
    return len(part).to_bytes(8, "big") + part
