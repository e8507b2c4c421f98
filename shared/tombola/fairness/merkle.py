"""The Merkle tree of RFC 6962, section 2.1: one root over lines in order, of which none can be changed unnoticed."""

import hashlib
from collections.abc import Iterable

_LEAF, _NODE = b"\x00", b"\x01"


def root(lines: Iterable[bytes]) -> bytes:
    """Return the root over these lines: SHA-256 of nothing where there is none.

    A leaf is SHA-256(0x00, line), a node SHA-256(0x01, left, right). What has no partner on its level goes up as it
    is, which makes the tree of the RFC.
    """
    level = [hashlib.sha256(_LEAF + line).digest() for line in lines]
    if not level:
        return hashlib.sha256().digest()
    while len(level) > 1:
        pairs = [hashlib.sha256(_NODE + left + right).digest() for left, right in zip(level[::2], level[1::2])]  # noqa: B905 (an odd one has no partner)
        level = [*pairs, *level[len(pairs) * 2 :]]
    return level[0]
