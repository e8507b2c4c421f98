"""Tokens and receipts: compact JWS over EdDSA (RFC 7515, 8037), checked against a given instant.

A token carries its id, audience, campaign, expiry and key id alone: whoever holds it may play, and
nothing in it says who or what for. Ed25519 signs the same text the same way every time, so a token
asked for twice is the same text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tombola.errors import Gone, Problem, Unauthenticated
from tombola.signing_keys import ALGORITHM, SigningKey

SIGNING_KEY = "token-signing"
"""Name in the key store: 32-byte Ed25519 seeds. The latest version signs new tokens, all verify."""
AUDIENCE = "tombola-play"
RECEIPT_AUDIENCE = "tombola-receipt"
MAX_TOKEN_CHARACTERS = 2_000
FORGED, FOREIGN, EXPIRED = "forged-token", "foreign-token", "expired-token"

_KEY_ID = re.compile(rf"{SIGNING_KEY}-v([1-9][0-9]{{0,3}})")
_TOKEN_ID = re.compile(r"[0-9a-f]{64}")
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REQUIRED = ("jti", "aud", "campaign", "exp")


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a verified token says."""

    token_id: str
    campaign: str
    expires_at: datetime


class Signer(SigningKey):
    """One version of the key that signs tokens and the receipts of plays."""

    __slots__ = ()
    NAME = SIGNING_KEY

    def sign(self, claims: Mapping[str, object]) -> str:
        """Return the compact text over these claims."""
        return jwt.encode(dict(claims), self.private_key, algorithm=ALGORITHM, headers={"kid": self.key_id})


def sign_token(signer: Signer, token_id: str, campaign: str, expires_at: datetime) -> str:
    """Return the token's text."""
    exp = int(expires_at.timestamp())
    return signer.sign({"jti": token_id, "aud": AUDIENCE, "campaign": campaign, "exp": exp})


def signing_version(text: str) -> int | None:
    """Return the version of the signing key that a token names, unverified; None when it names none of ours."""
    try:
        named = jwt.get_unverified_header(text).get("kid") if _COMPACT.fullmatch(text) else None
    except jwt.InvalidTokenError:
        return None
    found = _KEY_ID.fullmatch(named) if isinstance(named, str) else None
    return int(found[1]) if found else None


def read_token(text: str, public_keys: Mapping[str, Ed25519PublicKey]) -> TokenClaims:
    """Return what an authentic token says, whether or not its time is over: the play remembers when that is.

    Raises `Unauthenticated`: `foreign-token` when it is well made for something else (another audience,
    algorithm or key), `forged-token` otherwise.
    """
    header = _header(text)
    if header.get("alg") != ALGORITHM:
        raise _refused(FOREIGN, "alg", header.get("alg"), ALGORITHM)
    public_key = public_keys.get(str(header.get("kid")))
    if public_key is None:
        raise _refused(FOREIGN, "kid", header.get("kid"), "a key listed by list-keys")
    return _claims(text, public_key)


def expired(at: datetime) -> Gone:
    """Return the fault that says a token's time is over."""
    msg = f"the token could be played until {at.isoformat()}"
    return Gone(msg, [Problem("token", f"expired at {at.isoformat()}", "a token that has not expired")], code=EXPIRED)


def jwks(signers: Mapping[int, Signer]) -> dict[str, list[dict[str, str]]]:
    """Return the public keys of all versions, oldest first, as a JWK set (RFC 7517, 8037)."""
    return {"keys": [signers[version].jwk() for version in sorted(signers)]}


def _header(text: str) -> dict[str, object]:
    if len(text) > MAX_TOKEN_CHARACTERS or not _COMPACT.fullmatch(text):
        raise _refused(FORGED, "token", f"{len(text)} characters", "three parts of base64url joined by dots")
    try:
        return dict(jwt.get_unverified_header(text))
    except jwt.InvalidTokenError as error:
        raise _refused(FORGED, "token", "an unreadable header", "a compact JWS") from error


def _claims(text: str, public_key: Ed25519PublicKey) -> TokenClaims:
    # The library would compare `exp` with the system's clock; every instant here is given, so we do.
    options = {"require": list(_REQUIRED), "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    try:
        claims = jwt.decode(text, public_key, algorithms=[ALGORITHM], audience=AUDIENCE, options=options)  # type: ignore[arg-type]
    except (jwt.InvalidAudienceError, jwt.MissingRequiredClaimError) as error:
        raise _refused(FOREIGN, "claims", type(error).__name__, f"{', '.join(_REQUIRED)}; aud {AUDIENCE}") from error
    except jwt.InvalidTokenError as error:
        raise _refused(FORGED, "signature", "one that does not fit", "the signature made at issue") from error
    token_id, campaign, exp = claims["jti"], claims["campaign"], claims["exp"]
    if not isinstance(exp, int) or not isinstance(campaign, str) or not _TOKEN_ID.fullmatch(str(token_id)):
        raise _refused(FOREIGN, "claims", "other types", "a token of this house")
    return TokenClaims(str(token_id), campaign, datetime.fromtimestamp(exp, UTC))


def _refused(code: str, where: str, found: object, expected: str) -> Unauthenticated:
    words = "the token is not ours to play" if code == FOREIGN else "the token is not genuine"
    return Unauthenticated(words, [Problem(where, str(found)[:80], expected)], code=code)
