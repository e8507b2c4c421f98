"""Pseudonyms: what stands for a retailer's ids of shoppers and households everywhere behind the door.

`tombola.feeds.pseudonymizing` makes the same ones for whole columns.
"""

from collections.abc import Callable
from functools import lru_cache

from tombola.digests import keyed

SHOPPER, HOUSEHOLD = "tombola.pseudonym.v2", "tombola.household.v2"
"""Labels: a household and a shopper with the same id are not the same pseudonym."""


def pseudonym(key: bytes, retailer: str, own_id: str, label: str = SHOPPER) -> str:
    """Return 32 hex digits that are always the same for one shopper (or household) of one retailer under one key.

    They are the AES-CMAC (NIST SP 800-38B, RFC 4493) of the UTF-8 of the retailer's own id, under the `derived_key`.
    """
    return pseudonyms(key, retailer, label)(own_id)


@lru_cache(maxsize=100)
def pseudonyms(key: bytes, retailer: str, label: str = SHOPPER) -> Callable[[str], str]:
    """Return what makes the pseudonyms of one retailer's shoppers, or households, under one key, one at a time."""
    from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: PLC0415 (most who import us make none)
    from cryptography.hazmat.primitives.cmac import CMAC  # noqa: PLC0415 (see above)

    begin = CMAC(AES(derived_key(key, retailer, label))).copy

    def of(own_id: str) -> str:
        begun = begin()
        begun.update(own_id.encode())
        return begun.finalize().hex()

    return of


def derived_key(key: bytes, retailer: str, label: str) -> bytes:
    """Return the 32 bytes under which one retailer's shoppers, or households, get their pseudonyms.

    HMAC-SHA256 under the pseudonym key over label and retailer, each prefixed by its length: no two retailers, no
    shoppers and households, and no other use of the key share one.
    """
    return keyed(key, label, retailer)
