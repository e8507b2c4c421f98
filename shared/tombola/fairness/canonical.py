"""How facts are written for strangers: JSON with sorted names and no spaces, and instants to the second or the day."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime


def line(facts: Mapping[str, object]) -> bytes:
    """Return facts as one line of canonical JSON, UTF-8, without its end."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def second(instant: datetime) -> str:
    """Return an instant to the second, UTC, what is below it cut off: `2017-06-15T13:00:00Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(instant: datetime) -> str:
    """Return the day of an instant, UTC: `2017-06-15`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d")
