"""Make the pseudonyms of a whole column, exactly as `tombola.privacy.pseudonyms` makes each of them.

One call of the cipher takes a block of every id, so that no line of Python is run for each row. Nearly all ids are
one block of 16 bytes.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from tombola.feeds.instants import Numbers
from tombola.privacy.pseudonyms import HOUSEHOLD, SHOPPER, derived_key

Blocks = npt.NDArray[np.uint64]
"""Blocks of 16 bytes as rows of two words, in whose bits nothing is counted: their byte order is the machine's."""
BLOCK = 16
_POLYNOMIAL = 1 << 128 | 0x87
"""What the standard reduces by when it doubles a block of 128 bits (its R_b)."""


class Cmac:
    """AES-CMAC (NIST SP 800-38B, RFC 4493) of many messages at once, under one key."""

    def __init__(self, key: bytes) -> None:
        """Use a key of 16, 24 or 32 bytes."""
        self._cipher = Cipher(AES(key), ECB())  # noqa: S305 (the blocks are chained by hand, across messages)
        subkey = _doubled(int.from_bytes(self._encrypted(np.zeros((1, 2), np.uint64)).tobytes(), "big"))
        self._keep, self._flip = _endings(whole=subkey, padded=_doubled(subkey))

    def tags(self, data: npt.NDArray[np.uint8], offsets: Numbers) -> Blocks:
        """Return the tags of n messages, a row each, as `Blocks`.

        `data` holds the messages one after the other; the n + 1 `offsets` say where in it each begins, and the last
        one ends.
        """
        # An item for every byte: the block that begins there. The last message may end in the middle of one.
        begun = np.ndarray(len(data) + 1, "V16", np.concatenate([data, np.zeros(BLOCK, np.uint8)]), strides=1)
        at, left = offsets[:-1], np.diff(offsets)
        tags = self._encrypted(self._ended(begun[at], left))
        rows = np.flatnonzero(left > BLOCK)
        while len(rows):
            at, left = at[left > BLOCK] + BLOCK, left[left > BLOCK] - BLOCK
            tags[rows] = self._encrypted(tags[rows] ^ self._ended(begun[at], left))
            rows = rows[left > BLOCK]
        return tags

    def _ended(self, begun: npt.NDArray[np.void], left: Numbers) -> Blocks:
        """Return blocks of messages of which so many bytes are left, padded and masked where it is their last one."""
        kinds = np.minimum(left, BLOCK + 1)
        return (begun.view(np.uint64).reshape(-1, 2) & self._keep.take(kinds, axis=0)) ^ self._flip.take(kinds, axis=0)

    def _encrypted(self, blocks: Blocks) -> Blocks:
        """Encrypt each block by itself, in one call; by an encryptor of its own, for any thread may ask."""
        encrypted = bytearray(self._cipher.encryptor().update(blocks.tobytes()))  # mutable: longer messages go on
        return np.frombuffer(encrypted, np.uint64).reshape(-1, 2)


def pseudonyms_by_column(key: bytes, retailer: str) -> dict[str, Callable[[pl.Series], pl.Series]]:
    """Return what makes one retailer's pseudonyms under one key, by the column they stand in.

    It takes the retailer's own ids, as a series of texts, and returns as many texts of 32 hex digits, by the same
    name. Nulls stay null.
    """
    labels = {"shopper": SHOPPER, "household": HOUSEHOLD}
    return {
        column: partial(_pseudonyms_of, Cmac(derived_key(key, retailer, label))) for column, label in labels.items()
    }


def _pseudonyms_of(cmac: Cmac, ids: pl.Series) -> pl.Series:
    """Make one pseudonym for rows of the same person that follow each other: the lines of an order do."""
    if ids.null_count() == len(ids):
        return ids
    runs = ids.rle().struct.unnest()
    followed = runs["value"]
    found = _hex(ids.name, cmac.tags(*_utf8(followed)))
    if followed.null_count():  # a null has a tag too, the one of an empty text
        found = found.zip_with(followed.is_not_null(), pl.Series([None], dtype=pl.String))
    return found[np.repeat(np.arange(len(found)), runs["len"].to_numpy())]


def _utf8(texts: pl.Series) -> tuple[npt.NDArray[np.uint8], Numbers]:
    """Return the UTF-8 of all texts, and where in it each begins, and the last one ends."""
    array = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    begins = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(texts) + 1]
    return np.frombuffer(data or b"", np.uint8), begins


def _hex(name: str, blocks: Blocks) -> pl.Series:
    """Return the hex digits of each block."""
    array = pa.Array.from_buffers(pa.binary(BLOCK), len(blocks), [None, pa.py_buffer(blocks)])
    return pl.Series(name, array).bin.encode("hex")


def _doubled(block: int) -> int:
    """Return twice a block, in the field of the standard's subkeys."""
    return block << 1 ^ (_POLYNOMIAL if block >> 127 else 0)


def _endings(whole: int, padded: int) -> tuple[Blocks, Blocks]:
    """Return what is kept, and then flipped, of a block from which on 0, 1, ... 16 bytes are left, or more.

    A last block of 16 bytes takes the subkey `whole`; a shorter one is padded with a bit and zeros, and takes
    the subkey `padded`.
    """
    keep = [b"\xff" * size + bytes(BLOCK - size) for size in range(BLOCK + 1)]
    flip = [(padded ^ 0x80 << 8 * (BLOCK - 1 - size)).to_bytes(BLOCK, "big") for size in range(BLOCK)]
    return _blocks([*keep, keep[-1]]), _blocks([*flip, whole.to_bytes(BLOCK, "big"), bytes(BLOCK)])


def _blocks(rows: list[bytes]) -> Blocks:
    return np.frombuffer(b"".join(rows), np.uint64).reshape(-1, 2)
