"""Arms: who is invited and who stands in the control group, as one pure function.

Everybody who needs to know asks here, so nobody can disagree; and nothing is stored, so nothing can
be lost. The campaign's version plays no part: a shopper's arm never changes over a campaign's versions.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from tombola.digests import digest
from tombola.experiments.events import Arm

LABEL = "tombola.arm.v1"
_SPACE = 2**64


@dataclass(frozen=True, slots=True)
class Assignment:
    """The arm of one shopper in one campaign, and the probability that any shopper is put into it."""

    arm: Arm
    propensity: float


def arm(campaign: str, version: int, shopper: str, share: Decimal) -> Assignment:  # noqa: ARG001 (see module: the arm ignores it)
    """Return a shopper's arm, where `share` (0 to 1) of all shoppers are control.

    The first 64 bits of SHA-256 over (label, campaign, shopper) are compared with the whole number
    floor(share x 2^64). `version` is taken so that callers say which rules they act for; it changes nothing.
    """
    drawn = int.from_bytes(digest(LABEL, campaign, shopper)[:8], "big")
    if drawn < _threshold(share):
        return Assignment("control", float(share))
    return Assignment("invited", float(1 - share))


@lru_cache(maxsize=256)
def _threshold(share: Decimal) -> int:
    return int(Fraction(share) * _SPACE)
