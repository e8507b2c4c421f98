"""Drawing by odds: every token has a number below 2^64, and every prize a range of them.

The number follows from the seed, the rules, the witness and the token's id, so it was fixed before anyone could order.
Ranges stand in the order of the file's prizes, from 0 up; what lies behind the last one loses. Their limits are whole
numbers, published with the rules: nothing is rounded at the draw, and there is no remainder to be biased.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from tombola.campaigns.winning import SPACE, Prize
from tombola.digests import keyed

ODDS_LABEL = "tombola.odds.v1"
_BYTES = 8


def thresholds(prizes: Sequence[Prize]) -> tuple[int, ...]:
    """Return where each prize's range ends, exclusive: floor(2^64 x the chances up to and with it)."""
    return tuple(int(chance * SPACE) for chance in accumulate(prize.probability for prize in prizes))


def number(seed: bytes, rules_hash: str, witness: str, token_id: str) -> int:
    """Return a token's number: the first 8 bytes, big-endian, of HMAC-SHA256(seed, label, rules hash, witness, id)."""
    return int.from_bytes(keyed(seed, ODDS_LABEL, rules_hash, witness, token_id)[:_BYTES], "big")


def prize_of(drawn: int, limits: Sequence[int]) -> int | None:
    """Return the index of the prize in whose range a number lies; None if it loses."""
    index = bisect_right(limits, drawn)
    return index if index < len(limits) else None
