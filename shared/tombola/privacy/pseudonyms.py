"""Pseudonyms: what stands for a retailer's shopper id everywhere behind the door."""

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

LABEL = "tombola.pseudonym.v1"
DIGITS = 32
_BLOCK = 64
"""Bytes that SHA-256 takes at once."""


def pseudonym(key: bytes, retailer: str, shopper_id: str) -> str:
    """Return 32 hex digits that are always the same for one shopper of one retailer under one key.

    HMAC-SHA256 over label, retailer and shopper id, each prefixed by its length, so that no two
    inputs run into one another and no other use of the key can give the same digest.
    """
    inner, outer = (begun.copy() for begun in _begun(key, retailer))
    inner.update(_part(shopper_id))
    outer.update(inner.digest())
    return outer.hexdigest()[:DIGITS]


@lru_cache(maxsize=100)
def _begun(key: bytes, retailer: str) -> "tuple[_Hash, _Hash]":
    """Return both digests of HMAC (RFC 2104) as far as they are the same for all shoppers: a file may hold millions.

    They are spelled out because copying two begun digests takes less than half of the time of copying a begun HMAC.
    """
    padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ mask for byte in padded)) for mask in (0x36, 0x5C))
    inner.update(_part(LABEL) + _part(retailer))
    return inner, outer


def _part(text: str) -> bytes:
    part = text.encode()
    return len(part).to_bytes(8, "big") + part
