"""Identity tokens: who calls a function that only the platform may call, where the platform does not ask itself.

Pub/Sub and Cloud Scheduler send an OpenID Connect token with every call that is configured so
(https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions). On Cloud Run, IAM verifies it and takes its
signature away before the function sees it, so this stays off there. It is for any other place: set
`TOMBOLA_PUSH_AUDIENCE` and `TOMBOLA_PUSH_ACCOUNT`.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from tombola.errors import Problem
from tombola.ports.errors import Unavailable
from tombola.runtime import wiring
from tombola.runtime.faults import Misconfigured, UnknownCaller, WrongCaller

if TYPE_CHECKING:
    from jwt import PyJWKClient

ISSUERS = ("https://accounts.google.com", "accounts.google.com")
ALGORITHMS = ("RS256",)
LEEWAY_SECONDS = 30
"""How far the clocks of two machines may lie apart."""
KEYS_KEPT_SECONDS = 300
"""How long a key is trusted after Google has taken it back."""
ASKING_AGAIN_SECONDS = 10
"""A key nobody knows makes us ask Google for its keys, but not more often than this."""
PATIENCE_SECONDS = 5
"""All calls wait while the keys are fetched."""


class Verifier:
    """Knows the one caller that is let in: a Google service account, with tokens made for this audience."""

    def __init__(self, audience: str, account: str, keys: "PyJWKClient") -> None:
        """Believe tokens for `audience`, made for the e-mail address `account`, signed with one of `keys`."""
        self._audience, self._account, self._keys = audience, account, keys

    def check(self, headers: Mapping[str, str]) -> None:
        """Refuse a call without such a token; header names in lower case.

        Raises `UnknownCaller` (401), `WrongCaller` (403), and `Unavailable` when the keys cannot be had.
        """
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unknown("nothing" if not scheme else "something else")
        claims = self._claims(token.strip())
        if claims.get("email") != self._account or claims.get("email_verified") is not True:
            msg = "the caller is known, but may not call this"
            raise WrongCaller(msg, [Problem("authorization", "another account", "the account that pushes here")])

    def _claims(self, token: str) -> Mapping[str, object]:
        import jwt  # noqa: PLC0415 (most deployments never verify)

        try:
            key = self._keys.get_signing_key_from_jwt(token)
            return jwt.decode(
                token, key, algorithms=ALGORITHMS, audience=self._audience, issuer=ISSUERS, leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "aud", "iss"], "strict_aud": True},
            )  # fmt: skip
        except jwt.PyJWKClientConnectionError as error:
            msg = "the keys that verify identity tokens cannot be fetched"
            raise Unavailable(msg) from error
        except jwt.PyJWTError as error:
            found = f"a token refused as {type(error).__name__}"
            raise _unknown(found) from None


def check_caller(headers: Mapping[str, str]) -> None:
    """Refuse a call that is not the platform's, where the settings say that this must be verified here.

    Raises what `Verifier.check` raises, and `Misconfigured` when only one of the two settings is there.
    """
    chosen = wiring.settings()
    if chosen.push_audience is None and chosen.push_account is None:
        return
    if chosen.push_audience is None or chosen.push_account is None:
        msg = "TOMBOLA_PUSH_AUDIENCE and TOMBOLA_PUSH_ACCOUNT: one of them is set; expected both, or none"
        raise Misconfigured(msg)
    Verifier(chosen.push_audience, chosen.push_account, _keys(chosen.push_keys)).check(headers)


@cache
def _keys(address: str) -> "PyJWKClient":
    """Return this process's one copy of the keys."""
    from jwt import PyJWKClient, PyJWKClientConnectionError, PyJWTError  # noqa: PLC0415 (see Verifier)

    class Fetching(PyJWKClient):
        """Where no keys can be had, whatever came instead, nobody can be known: that is no caller's fault."""

        def fetch_data(self) -> Any:  # noqa: ANN401 (its own)
            try:
                return super().fetch_data()
            except (PyJWTError, ValueError, OSError) as error:
                msg = "what came is no set of keys"
                raise PyJWKClientConnectionError(msg) from error

    return Fetching(
        address, lifespan=KEYS_KEPT_SECONDS, cooldown_duration=ASKING_AGAIN_SECONDS, timeout=PATIENCE_SECONDS
    )


def _unknown(found: str) -> UnknownCaller:
    msg = "who calls cannot be verified"
    return UnknownCaller(msg, [Problem("authorization", found, "Bearer and an identity token made for this function")])
