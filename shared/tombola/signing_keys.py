"""Ed25519 keys (RFC 8032) by name and version, and how others are told the public half."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "EdDSA"


def base64url(data: bytes) -> str:
    """Return base64url without padding (RFC 7515, section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One version of a signing key: a 32-byte seed, which no repr shows. Subclasses say whose key it is by `NAME`."""

    NAME: ClassVar[str]

    version: int
    seed: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """The `kid` of what it signs."""
        return f"{self.NAME}-v{self.version}"

    @property
    def private_key(self) -> Ed25519PrivateKey:
        """What signs."""
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def public_key(self) -> Ed25519PublicKey:
        """What verifies it."""
        return self.private_key.public_key()

    def jwk(self) -> dict[str, str]:
        """Return the public key as a JWK (RFC 8037)."""
        x = base64url(self.public_key.public_bytes_raw())
        return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.key_id, "alg": ALGORITHM, "use": "sig"}
