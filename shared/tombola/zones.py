"""Time zones by name, with one clear error for every way a name can be wrong."""

from zoneinfo import ZoneInfo


def known_zone(name: str) -> str:
    """Return the name of a time zone there is. Raises `ValueError` for any other (pydantic passes only that on)."""
    try:
        return ZoneInfo(name).key
    except (KeyError, OSError, ValueError):
        msg = f"time zone {name!r}; expected a name of the IANA database such as 'Europe/Paris'"
        raise ValueError(msg) from None
