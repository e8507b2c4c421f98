"""What a check of a campaign file yields: what cannot be right, and what should be looked at again."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tombola.campaigns.model import Campaign
from tombola.problems import Path
from tombola.retailers.model import Retailer


@dataclass(frozen=True, slots=True)
class Finding:
    """What cannot be right at a path of the file."""

    path: Path
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class Note:
    """What is allowed at a path of the file and should be looked at again, in its own words."""

    path: Path
    says: str


Known = Mapping[str, Retailer] | None
"""The file's retailers that are known; None where none can be looked up."""
Check = Callable[[Campaign, Known], Iterator[Finding | Note]]


def looked_up(campaign: Campaign, retailers: Known) -> Iterator[tuple[int, str, Retailer]]:
    """Yield those of a campaign's retailers that are known, with their place in its list."""
    for index, name in enumerate(campaign.retailers):
        if retailers and name in retailers:
            yield index, name, retailers[name]
