"""How what does not add up is named."""

from collections.abc import Iterable, Iterator

SOME = 3
"""How many ids of what does not add up are named."""


def differing(what: str, ids: Iterable[str]) -> Iterator[str]:
    """Yield a sentence that says how many `ids` are wrong in what way, and names some; none where there are none."""
    found = sorted(set(ids))
    if found:
        yield f"{len(found)} {what}, such as {', '.join(token[:12] for token in found[:SOME])}"
