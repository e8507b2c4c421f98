"""Digests and keyed digests whose inputs cannot run into one another.

Form, for whoever checks them elsewhere: the label and every part are each preceded by their length
in bytes as an 8-byte big-endian number. Text is UTF-8; a whole number is its decimal digits. The
label names use and version (`tombola.arm.v1`), so no digest made for one use is valid for another.
"""

import hashlib
import hmac

Part = bytes | str | int


def digest(label: str, *parts: Part) -> bytes:
    """Return the 32 bytes of SHA-256 over label and parts, each length-prefixed."""
    return hashlib.sha256(_framed(label, parts)).digest()


def keyed(key: bytes, label: str, *parts: Part) -> bytes:
    """Return the 32 bytes of HMAC-SHA256 (RFC 2104) under `key` over label and parts, each length-prefixed."""
    return hmac.digest(key, _framed(label, parts), "sha256")


def _framed(label: str, parts: tuple[Part, ...]) -> bytes:
    encoded = [_encoded(part) for part in (label, *parts)]
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)


def _encoded(part: Part) -> bytes:
    return part if isinstance(part, bytes) else str(part).encode()
