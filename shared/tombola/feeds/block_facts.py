"""What is true of a whole block of text: so much need not be asked of each cell."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tombola.feeds.splitting import Block

_ODD_SPACES = (b"\xc2\x85", b"\xc2\xa0", b"\xe1\x9a\x80", b"\xe2\x80", b"\xe2\x81\x9f", b"\xe3\x80\x80")
"""Where the UTF-8 of blanks that are not the space begins."""
_PART_OF_NUMBER = np.isin(np.arange(256), np.frombuffer(b"0123456789.,+-", np.uint8))


@dataclass(frozen=True, slots=True)
class Facts:
    """`calm`: no cell holds a control character, or a blank other than the space. `ascii`, `spaced`: what `data` holds.

    `exponents`: somewhere an `e` stands between what may be parts of a number. `longest`: bytes that no record exceeds.
    """

    calm: bool
    ascii: bool
    spaced: bool
    exponents: bool
    longest: int


def facts_of(block: Block, delimiter: str, sizes: Sequence[int]) -> Facts:
    """Return the facts of a block that has records. `sizes`, in order, are those that `longest` will be compared with.

    It is one of them, or endless: so blocks that are judged alike have the same facts.
    """
    data = block.data
    in_ascii = data.isascii()
    longest = int((block.ends - block.starts).max())
    return Facts(
        calm=_calm(block, delimiter, in_ascii=in_ascii),
        ascii=in_ascii,
        spaced=b" " in data,
        exponents=_may_hold_exponents(data),
        longest=next((size for size in sizes if longest <= size), sys.maxsize),
    )


def _calm(block: Block, delimiter: str, *, in_ascii: bool) -> bool:
    """Tell whether no character of the block is a control character, or a blank other than the space."""
    data = block.data
    if block.quoted and (delimiter == "\t" or block.line_count != len(block)):
        return False
    ends = data.count(b"\n") + data.count(b"\r") if b"\r" in data else block.line_count - (not data.endswith(b"\n"))
    buffer = np.frombuffer(data, np.uint8)
    low = int(np.count_nonzero(buffer < 32))  # noqa: PLR2004 (control characters of ASCII)
    if b"\x7f" in data or low != ends + (data.count(b"\t") if delimiter == "\t" else 0):
        return False
    if in_ascii:
        return True
    if any(space in data for space in _ODD_SPACES):
        return False
    if b"\xc2" not in data:
        return True
    return not (buffer[1:][buffer[:-1] == 0xC2] < 0xA0).any()  # noqa: PLR2004 (U+0080 to U+009F)


def _may_hold_exponents(data: bytes) -> bool:
    """Tell whether anywhere an `e` stands between what may be parts of a number."""
    buffer = np.frombuffer(data, np.uint8)
    places = np.flatnonzero((buffer | 32) == ord("e"))
    before, behind = (buffer[np.clip(places + step, 0, len(buffer) - 1)] for step in (-1, 1))
    return bool((_PART_OF_NUMBER[before] & _PART_OF_NUMBER[behind]).any())
