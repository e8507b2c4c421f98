"""Sign receipts, and check them: Ed25519 (RFC 8032) over the receipt's canonical JSON without `signature`.

Canonical is RFC 8785: no blanks, names in the order of their UTF-16 code units, numbers as JavaScript writes them.
Whoever holds a receipt and the public key can check it without this code.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tombola.errors import Malformed, Problem, Unauthenticated
from tombola.signing_keys import SigningKey, base64url

SIGNING_KEY = "receipt-signing"
"""Name in the key store: 32-byte Ed25519 seeds. The latest version signs new receipts, all verify."""
SIGNATURE = "signature"
EXACT = 2**53
"""Whole numbers beyond it are not the same to every reader of JSON."""
UNSIGNED, FOREIGN, FORGED = "unsigned-receipt", "foreign-receipt", "forged-receipt"
KEY_CHARACTERS = 43
"""Base64url of 32 bytes."""


class ReceiptSigner(SigningKey):
    """One version of the key that signs receipts."""

    __slots__ = ()
    NAME = SIGNING_KEY

    def sign(self, document: Mapping[str, object]) -> str:
        """Return the signature of a receipt's JSON, base64url without padding."""
        return base64url(self.private_key.sign(signed_bytes(document)))


def signed_bytes(document: Mapping[str, object]) -> bytes:
    """Return what is signed of a receipt: its canonical JSON (RFC 8785) without the signature."""
    return _canonical({name: value for name, value in document.items() if name != SIGNATURE}).encode()


def verify(document: Mapping[str, object], keys: Mapping[str, Ed25519PublicKey]) -> str:
    """Return the id of the key that signed this very receipt.

    Raises `Unauthenticated`: `unsigned-receipt`, `foreign-receipt` for a key that is not among `keys`,
    `forged-receipt` when a single character was changed.
    """
    signature = document.get(SIGNATURE)
    if not isinstance(signature, Mapping):
        raise _refused(UNSIGNED, "the receipt is not signed", SIGNATURE, "none")
    key_id, value = signature.get("key"), signature.get("value")
    key = keys.get(key_id) if isinstance(key_id, str) else None
    if key is None or not isinstance(key_id, str):
        raise _refused(FOREIGN, "the receipt names a key that is not known", "signature.key", key_id)
    try:
        key.verify(_decoded(value), signed_bytes(document))
    except (InvalidSignature, ValueError) as error:
        words = "the receipt is not the one that was signed"
        raise _refused(FORGED, words, "signature.value", value) from error
    return key_id


def public_keys(jwks: object) -> dict[str, Ed25519PublicKey]:
    """Return the keys of a JWK set (RFC 7517) that can verify receipts, by their id. Raises `Malformed`."""
    listed = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(listed, list):
        msg = "this is no JWK set"
        raise Malformed(msg, [Problem("keys", type(listed).__name__, "a list, as `list_keys` answers it")])
    fitting = [one for one in listed if isinstance(one, Mapping) and one.get("crv") == "Ed25519"]
    return {str(one.get("kid")): _public_key(one) for one in fitting}


def _public_key(jwk: Mapping[str, object]) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(_decoded(jwk.get("x")))
    except ValueError as error:
        msg = "a key of the JWK set is none"
        raise Malformed(msg, [Problem("x", repr(jwk.get("x"))[:80], f"{KEY_CHARACTERS} of base64url")]) from error


def _canonical(value: object) -> str:
    if isinstance(value, Mapping):
        names = sorted(value, key=lambda name: str(name).encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_canonical(str(name))}:{_canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _decoded(text: object) -> bytes:
    """Return the bytes of strict base64url. Raises `ValueError`."""
    if not isinstance(text, str):
        msg = "no text"
        raise ValueError(msg)  # noqa: TRY004 (one error for all that is no base64url)
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64url(data) != text:
        msg = "not base64url in its one form"
        raise ValueError(msg)
    return data


def _refused(code: str, words: str, where: str, found: object) -> Unauthenticated:
    expected = "the signature made when it was issued" if code == FORGED else "a key that `list_keys` lists"
    return Unauthenticated(words, [Problem(where, str(found)[:80], expected)], code=code)
