"""Faults that only the runtime finds."""

from tombola.errors import Fault


class Misconfigured(Exception):
    """The environment or the folder of functions is not as it must be. Its words name settings, never data."""


class UnsupportedMediaType(Fault):
    """The body is not declared to be JSON."""

    code = "unsupported-media-type"
    status = 415


class MethodNotAllowed(Fault):
    """The function does not take this method."""

    code = "method-not-allowed"
    status = 405


class UnknownCaller(Fault):
    """Only the platform may call this, and whoever calls does not show that it is the platform."""

    code = "unknown-caller"
    status = 401


class WrongCaller(Fault):
    """Shows who calls, and it is somebody else than the one who may."""

    code = "wrong-caller"
    status = 403


class BeyondLimits(Fault):
    """Asks for something that a port never allows. The port's own words may show what lies inside: they stay here."""

    code = "beyond-limits"
    status = 422

    def __init__(self) -> None:
        """Say so, without a word of the port."""
        super().__init__("this asks for something beyond a limit")
