"""Pseudonyms: what stands for a retailer's shopper id everywhere behind the door."""

import hashlib
from collections.abc import Callable
from functools import lru_cache

LABEL = "tombola.pseudonym.v1"
DIGITS = 32
_BLOCK = 64
"""Bytes that SHA-256 takes at once."""


def pseudonym(key: bytes, retailer: str, shopper_id: str) -> str:
    """Return 32 hex digits that are always the same for one shopper of one retailer under one key.

    HMAC-SHA256 over label, retailer and shopper id, each prefixed by its length, so that no two
    inputs run into one another and no other use of the key can give the same digest.
    """
    return pseudonyms(key, retailer)(shopper_id)


@lru_cache(maxsize=100)
def pseudonyms(key: bytes, retailer: str) -> Callable[[str], str]:
    """Return what makes the pseudonyms of one retailer's shoppers under one key: a file may hold millions of them.

    Both digests of HMAC (RFC 2104) are begun here, as far as they are the same for all shoppers. They are spelled
    out because copying two begun digests takes less than half of the time of copying a begun HMAC.
    """
    padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ mask for byte in padded)) for mask in (0x36, 0x5C))
    inner.update(_part(LABEL) + _part(retailer))

    def of(shopper_id: str) -> str:
        first, last = inner.copy(), outer.copy()
        first.update(_part(shopper_id))
        last.update(first.digest())
        return last.hexdigest()[:DIGITS]

    return of


def _part(text: str) -> bytes:
    part = text.encode()
    return len(part).to_bytes(8, "big") + part
