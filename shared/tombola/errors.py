"""Faults: what a sender did wrong, said so that it can be mended.

A fault is permanent: sending the same again fails the same way. Event handlers put the message on
the dead-letter topic with the fault's words; HTTP functions answer `application/problem+json`
(RFC 9457). Outages are not faults: they are `tombola.ports.errors.Unavailable`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: where (a field path, a line), what was found, what was expected."""

    where: str
    found: str
    expected: str


class Fault(Exception):
    """A permanent refusal. Subclasses fix the `code` (stable, in kebab case) and the HTTP status."""

    code = "fault"
    status = 400
    retry_after: int | None = None
    """Seconds after which the very same may be sent again; None when waiting mends nothing."""

    def __init__(self, message: str, problems: Sequence[Problem] = (), *, code: str | None = None) -> None:
        """Say what happened in one sentence; name every problem at once."""
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)
        self.code = code or type(self).code

    def as_problem(self) -> dict[str, object]:
        """Return the RFC 9457 members: type, title, status, detail, and `problems`."""
        return {
            "type": f"urn:tombola:problem:{self.code}",
            "title": self.code.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": self.message,
            "problems": [asdict(problem) for problem in self.problems],
        }


class Malformed(Fault):
    """The body, event or file does not have the declared form."""

    code = "malformed"
    status = 422


class Unauthenticated(Fault):
    """A signature or token is missing, stale or wrong."""

    code = "unauthenticated"
    status = 401


class Forbidden(Fault):
    """Well known and well signed, but not allowed to do this."""

    code = "forbidden"
    status = 403


class Unknown(Fault):
    """Names something that does not exist."""

    code = "unknown"
    status = 404


class Conflict(Fault):
    """Contradicts what is already recorded."""

    code = "conflict"
    status = 409


class Overdrawn(Conflict):
    """An account would fall below zero. What was read may be torn, one part of it older than the other: ask again."""

    code = "overdrawn"


class Gone(Fault):
    """Existed, and is over: expired, revoked, superseded."""

    code = "gone"
    status = 410


class TooLarge(Fault):
    """Larger than allowed."""

    code = "too-large"
    status = 413


class NotSetUp(Fault):
    """What was asked for is known, but a file or a key of ours for it is missing or broken.

    That is our fault, not the sender's: an HTTP caller is told to come again, and an event waits among the dead
    letters until it is mended.
    """

    code = "not-set-up"
    status = 503
