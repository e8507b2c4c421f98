"""Errors every port may raise; adapters translate their SDK's errors into these."""


class PortError(Exception):
    """Root of what a port raises."""


class Refused(PortError):
    """The caller asked for something the port never allows (a limit, a bad name). Permanent."""


class NotFound(PortError):
    """The object, document or key asked for does not exist (any more)."""


class PreconditionFailed(PortError):
    """Somebody else wrote first. Nothing of the commit happened: read again and decide again."""


class Unavailable(PortError):
    """The system behind the port is out of order. Try again later; nothing is known to have happened."""
