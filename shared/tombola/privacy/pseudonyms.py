"""Pseudonyms: what stands for a retailer's shopper id everywhere behind the door."""

import hashlib
import hmac
from functools import lru_cache

LABEL = "tombola.pseudonym.v1"
DIGITS = 32


def pseudonym(key: bytes, retailer: str, shopper_id: str) -> str:
    """Return 32 hex digits that are always the same for one shopper of one retailer under one key.

    HMAC-SHA256 over label, retailer and shopper id, each prefixed by its length, so that no two
    inputs run into one another and no other use of the key can give the same digest.
    """
    mac = _begun(key, retailer).copy()
    mac.update(_part(shopper_id))
    return mac.hexdigest()[:DIGITS]


@lru_cache(maxsize=100)
def _begun(key: bytes, retailer: str) -> hmac.HMAC:
    """Return the HMAC as far as it is the same for all shoppers: a file may hold a million of them."""
    return hmac.new(key, _part(LABEL) + _part(retailer), hashlib.sha256)


def _part(text: str) -> bytes:
    part = text.encode()
    return len(part).to_bytes(8, "big") + part
