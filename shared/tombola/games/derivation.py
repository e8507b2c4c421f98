"""What follows from a campaign's two keys: token ids from the id key, winning moments from the seed.

Both were committed to before anyone could order, and the witness came after the commitment, so the
outcome of every possible entry was fixed before the first one. Inputs are length-prefixed and begin
with a versioned label and the hash of the rules (`tombola.digests` has the exact form).
"""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from tombola.digests import keyed
from tombola.games.records import CampaignVersion

TOKEN_LABEL = "tombola.token.v1"  # noqa: S105 (a label, no secret)
MOMENT_LABEL = "tombola.moment.v1"
COUPON_LABEL = "tombola.coupon.v1"
CODE_CHARACTERS = 12
"""60 bits: a code cannot be guessed among the codes there are."""
_MICROSECOND = timedelta(microseconds=1)
_BITS = 128


def token_id(id_key: bytes, rules_hash: str, campaign: str, retailer: str, entry: str, tier: int) -> str:
    """Return the id of the one token of an entry: 64 hex digits, the same through any door."""
    return keyed(id_key, TOKEN_LABEL, rules_hash, campaign, retailer, entry, tier).hex()


def coupon_code(seed: bytes, rules_hash: str, token_id: str) -> str:
    """Return what a token's coupon says, if it wins one: 12 characters of base32 (RFC 4648), the same for ever."""
    return base64.b32encode(keyed(seed, COUPON_LABEL, rules_hash, token_id)).decode()[:CODE_CHARACTERS]


class Moment(NamedTuple):
    """An instant that wins, and the index of the prize it wins among those of the rules."""

    at: datetime
    prize: int


def winning_moments(
    seed: bytes, witness: str, rules_hash: str, of: CampaignVersion, window: tuple[datetime, datetime],
    counts: Sequence[int],
) -> tuple[Moment, ...]:  # fmt: skip
    """Return `counts[p]` instants for every prize p, inside `window` (closing exclusive), ascending by instant.

    They are numbered through in the order of the prizes; equal ones stay in that order, and each wins once.
    Moment i is the opening plus floor(u x window / 2^128) microseconds, where u is the first 128 bits,
    big-endian, of HMAC-SHA256(seed, label, rules hash, witness, campaign, version, i).
    """
    opens_at, closes_at = window
    span = (closes_at - opens_at) // _MICROSECOND
    prizes = [prize for prize, count in enumerate(counts) for _ in range(count)]
    drawn = (keyed(seed, MOMENT_LABEL, rules_hash, witness, *of, index) for index in range(len(prizes)))
    offsets = (int.from_bytes(each[: _BITS // 8], "big") * span >> _BITS for each in drawn)
    found = sorted(zip(offsets, range(len(prizes)), prizes, strict=True))
    return tuple(Moment(opens_at + timedelta(microseconds=offset), prize) for offset, _, prize in found)
