"""Signatures of a retailer's server over what it sends, by the Standard Webhooks specification.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
The signed text is `<webhook-id>.<webhook-timestamp>.<body>`. The library signs and encodes; the age is
checked here, because the library asks the system's clock and everything else here is given an instant.
"""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

from tombola.errors import Problem, Unauthenticated

TOLERANCE = timedelta(minutes=5)
MAX_SIGNATURES = 20
"""More signatures in one header than any rotation needs; each costs a comparison."""
UNSIGNED, STALE, BAD = "unsigned", "stale-signature", "bad-signature"
WORDS = {
    UNSIGNED: "the request is not signed",
    STALE: "the signature is too old or from the future",
    BAD: "the signature does not fit the body",
}
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_ID_FORM = re.compile(r"[A-Za-z0-9_:=+/-]{1,200}")
"""Without a full stop: it separates id, timestamp and body, and must not move between them."""
_TIMESTAMP_FORM = re.compile(r"[1-9][0-9]{0,10}")


def secret_text(secret: bytes) -> str:
    """Return a raw secret the way Standard Webhooks libraries take it: `whsec_` and base64."""
    return "whsec_" + base64.b64encode(secret).decode()


def sign(secret: bytes, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers that sign `body` with one raw secret at the aware instant `at`."""
    return {
        ID: message_id,
        TIMESTAMP: str(int(at.timestamp())),
        SIGNATURE: _signature(secret, message_id, at, body.decode()),
    }


def verify(secret_versions: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Return the message id of a body signed with any version of the secret, at most five minutes off `now`.

    Header names are taken in any case; several signatures may stand in one header, separated by
    spaces, as a sender does who rotates its secret.

    Raises `Unauthenticated` with the code `unsigned` (a header is missing or has no known form),
    `stale-signature` (too old, or from the future) or `bad-signature` (signed by somebody else, or changed).
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id, stated, signatures = _signed_parts(given)
    at = datetime.fromtimestamp(int(stated), UTC)
    if abs(now - at) > TOLERANCE:
        found = f"{at.isoformat()}, while the time here is {now.isoformat(timespec='seconds')}"
        raise _refusal(STALE, Problem(TIMESTAMP, found, f"at most {TOLERANCE} away"))
    if not _any_matches(secret_versions, message_id, at, body, signatures):
        expected = "HMAC-SHA256 over id, timestamp and the exact body under this retailer's secret"
        raise _refusal(BAD, Problem(SIGNATURE, f"{len(signatures)} that do not match", expected))
    return message_id


def _signed_parts(given: Mapping[str, str]) -> tuple[str, str, list[str]]:
    message_id, stated = given.get(ID, ""), given.get(TIMESTAMP, "")
    signatures = [each for each in given.get(SIGNATURE, "").split() if each.startswith("v1,")]
    problems = []
    if not _ID_FORM.fullmatch(message_id):
        problems.append(Problem(ID, _shown(message_id), "1 to 200 letters, digits or any of _:=+/-"))
    if not _TIMESTAMP_FORM.fullmatch(stated):
        problems.append(Problem(TIMESTAMP, _shown(stated), "whole seconds since 1970"))
    if not 1 <= len(signatures) <= MAX_SIGNATURES:
        expected = f"1 to {MAX_SIGNATURES} of the form `v1,<base64>`"
        problems.append(Problem(SIGNATURE, f"{len(signatures)} of version 1", expected))
    if problems:
        raise _refusal(UNSIGNED, *problems)
    return message_id, stated, signatures


def _any_matches(secrets: Sequence[bytes], message_id: str, at: datetime, body: bytes, signatures: list[str]) -> bool:
    """Compare every pair, in constant time each, and do not stop at the first that matches.

    Raises `Unauthenticated` for a body that is no text: what the specification signs is text.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        problem = Problem(
            "body", f"a byte that is not UTF-8 at offset {error.start}", "text in UTF-8, which alone is signed"
        )
        raise _refusal(BAD, problem) from None
    expected = [_signature(secret, message_id, at, text) for secret in secrets]
    matches = [hmac.compare_digest(one.encode(), other.encode()) for one in expected for other in signatures]
    return any(matches)


def _signature(secret: bytes, message_id: str, at: datetime, text: str) -> str:
    return str(Webhook(secret_text(secret)).sign(message_id, at.astimezone(UTC), text))


def _refusal(code: str, *problems: Problem) -> Unauthenticated:
    return Unauthenticated(WORDS[code], problems, code=code)


def _shown(text: str) -> str:
    return repr(text[:80]) if text else "nothing"
