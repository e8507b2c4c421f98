"""Pseudonyms: what stands for a retailer's shopper id everywhere behind the door."""

import hashlib
import hmac

LABEL = "tombola.pseudonym.v1"
DIGITS = 32


def pseudonym(key: bytes, retailer: str, shopper_id: str) -> str:
    """Return 32 hex digits that are always the same for one shopper of one retailer under one key.

    HMAC-SHA256 over label, retailer and shopper id, each prefixed by its length, so that no two
    inputs run into one another and no other use of the key can give the same digest.
    """
    parts = (part.encode() for part in (LABEL, retailer, shopper_id))
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:DIGITS]
