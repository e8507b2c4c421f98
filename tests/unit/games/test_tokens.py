"""A token is genuine, for here, and in time; or it is refused with the reason."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.errors import Fault, Unauthenticated
from tombola.games.tokens import (
    AUDIENCE,
    RECEIPT_AUDIENCE,
    Signer,
    jwks,
    read_token,
    sign_token,
    signing_version,
)

SIGNER, OTHER = Signer(1, bytes(32)), Signer(1, bytes([1]) * 32)
KEYS = {SIGNER.key_id: SIGNER.public_key}
TOKEN_ID = "ab" * 32
NOW = datetime(2017, 6, 15, 12, tzinfo=UTC)
EXPIRES = NOW + timedelta(days=14)
TOKEN = sign_token(SIGNER, TOKEN_ID, "june-wheel", EXPIRES)
CLAIMS = {"jti": TOKEN_ID, "aud": AUDIENCE, "campaign": "june-wheel", "exp": int(EXPIRES.timestamp())}


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def with_header(**header: object) -> str:
    _, payload, signature = TOKEN.split(".")
    return f"{encoded(header)}.{payload}.{signature}"


def hmac_with_the_public_key() -> str:
    """Sign with HMAC under our public key, which is what careless verifiers accept."""
    public = SIGNER.public_key.public_bytes_raw()
    return jwt.encode(CLAIMS, public, algorithm="HS256", headers={"kid": SIGNER.key_id})


def test_a_token_says_its_id_campaign_and_time_and_nothing_else() -> None:
    claims = read_token(TOKEN, KEYS)
    assert (claims.token_id, claims.campaign, claims.expires_at) == (TOKEN_ID, "june-wheel", EXPIRES)
    assert set(jwt.decode(TOKEN, options={"verify_signature": False})) == {"jti", "aud", "campaign", "exp"}
    assert jwt.get_unverified_header(TOKEN) == {"alg": "EdDSA", "typ": "JWT", "kid": "token-signing-v1"}


def test_a_token_asked_for_twice_is_the_same_text() -> None:
    assert sign_token(Signer(1, bytes(32)), TOKEN_ID, "june-wheel", EXPIRES) == TOKEN


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "forged-token"),
        ("no token", "forged-token"),
        ("a.b.c", "forged-token"),
        ("é.é.é", "forged-token"),
        (TOKEN + "\n", "forged-token"),
        (TOKEN * 20, "forged-token"),
        (TOKEN[:-20] + ("A" * 20), "forged-token"),
        (sign_token(OTHER, TOKEN_ID, "june-wheel", EXPIRES), "forged-token"),
        (f"{TOKEN.split('.')[0]}.{encoded({**CLAIMS, 'jti': 'cd' * 32})}.{TOKEN.split('.')[2]}", "forged-token"),
        (f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{encoded(CLAIMS)}.AA", "foreign-token"),
        (with_header(alg="none", kid=SIGNER.key_id), "foreign-token"),
        (with_header(alg="EdDSA"), "foreign-token"),
        (with_header(alg="EdDSA", kid="token-signing-v2"), "foreign-token"),
        (with_header(alg="EdDSA", kid="../../etc/passwd"), "foreign-token"),
        (with_header(alg="RS256", kid=SIGNER.key_id), "foreign-token"),
        (SIGNER.sign({**CLAIMS, "aud": RECEIPT_AUDIENCE}), "foreign-token"),
        (SIGNER.sign({**CLAIMS, "aud": "another-house"}), "foreign-token"),
        (SIGNER.sign({name: value for name, value in CLAIMS.items() if name != "exp"}), "foreign-token"),
        (SIGNER.sign({**CLAIMS, "exp": "soon"}), "foreign-token"),
        (SIGNER.sign({**CLAIMS, "jti": "short"}), "foreign-token"),
    ],
)
def test_what_is_not_a_token_of_ours_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        read_token(text, KEYS)
    assert refused.value.code == code
    assert refused.value.problems


def test_a_public_key_is_no_shared_secret() -> None:
    with pytest.raises(Unauthenticated) as refused:
        read_token(hmac_with_the_public_key(), KEYS)
    assert refused.value.code == "foreign-token"


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_no_text_does_anything_but_be_refused(text: str) -> None:
    with pytest.raises(Fault):
        read_token(text, KEYS)
    assert signing_version(text) is None


def test_a_token_names_the_version_that_signed_it() -> None:
    assert signing_version(sign_token(Signer(7, bytes(32)), TOKEN_ID, "x", EXPIRES)) == 7


def test_a_verifier_needs_the_jwk_set_alone() -> None:
    listed = jwks({2: Signer(2, OTHER.seed), 1: SIGNER})
    assert [key["kid"] for key in listed["keys"]] == ["token-signing-v1", "token-signing-v2"]
    assert all("d" not in key for key in listed["keys"])
    key = jwt.PyJWKSet.from_dict(listed)["token-signing-v1"]
    options = {"verify_exp": False}
    assert jwt.decode(TOKEN, key, algorithms=["EdDSA"], audience=AUDIENCE, options=options)["jti"] == TOKEN_ID  # type: ignore[arg-type]


def test_a_signer_does_not_show_its_key() -> None:
    assert repr(OTHER) == "Signer(version=1)"
