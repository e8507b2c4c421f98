"""Remember which digests of 52 bits were seen, in little more than 4 bytes each.

The latest million stand whole in a table, at the place that their first bits name or behind it, for these are found
fastest. Of older ones the first 20 bits name a bucket, and the other 32 stand in it, in order.
"""

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
BITS = 52
"""Bits of a digest; they stand first in its 64, and the others are 0."""
PARTS = 16
"""Digests lie in so many arrays, so that making room for new ones takes little extra memory."""
BUCKETS = 2**20 // PARTS
"""Buckets of a part."""
SLOTS, LATEST = 2**21, 1_200_000
"""Places of the table, and how many digests it takes: with more of them, many would stand far from their place."""
_HELD = np.uint64(1)
"""Tells a digest of 0 from a free place."""
NO_HASHES: Hashes = np.zeros(0, np.uint64)


class SeenKeys:
    """A set of digests."""

    def __init__(self) -> None:
        """Begin with none."""
        self._latest = _Table()
        self._cuts = [_Cut() for _ in range(PARTS)]

    def seen(self, keys: Hashes) -> Flags:
        """Return which of these digests, which all differ, are known, and take the others."""
        if self._latest.held + len(keys) > LATEST:
            self._cut_short(self._latest.cleared())
        known = self._known_cut(keys)
        known[~known] = self._latest.seen(keys[~known])
        return known

    def _cut_short(self, keys: Hashes) -> None:
        for cut, some in zip(self._cuts, _parted(keys), strict=True):
            cut.add(some)

    def _known_cut(self, keys: Hashes) -> Flags:
        known = np.zeros(len(keys), np.bool_)
        if any(self._cuts):
            order = np.argsort(keys)
            parts = zip(self._cuts, _parted(keys[order]), strict=True)
            known[order] = np.concatenate([cut.holds(some) for cut, some in parts])
        return known


class _Table:
    """Digests at the place that their first bits name, or at the next one behind it that was free."""

    def __init__(self) -> None:
        self._slots = np.zeros(SLOTS, np.uint64)
        self.held = 0

    def seen(self, keys: Hashes) -> Flags:
        """Return which of these digests stand here, and put the others in. They take one step all at a time."""
        known = np.zeros(len(keys), np.bool_)
        rows, marked = np.arange(len(keys)), keys | _HELD
        places = (keys >> np.uint64(64 - SLOTS.bit_length() + 1)).astype(np.int64)
        while len(rows):
            found = self._slots[places]
            known[rows] = found == marked
            self._slots[places] = np.where(found == 0, marked, found)  # of several the last; the others find it there
            further = np.flatnonzero(self._slots[places] != marked)
            rows, marked, places = rows[further], marked[further], (places[further] + 1) & (SLOTS - 1)
        self.held += len(keys) - int(np.count_nonzero(known))
        return known

    def cleared(self) -> Hashes:
        """Return all digests in order, and hold none."""
        held = np.sort(self._slots[self._slots != 0] ^ _HELD)
        self._slots[:] = 0
        self.held = 0
        return held


class _Cut:
    """Digests cut short: `_kept` is what stands in the buckets, one after the other, `_begins` where each begins."""

    def __init__(self) -> None:
        self._kept = np.zeros(0, np.uint32)
        self._begins = np.zeros(BUCKETS + 1, np.uint32)

    def __len__(self) -> int:
        return len(self._kept)

    def holds(self, keys: Hashes) -> Flags:
        """Return which of these digests are kept."""
        buckets, rests = _divided(keys)
        places = self._places(buckets, rests)
        found: Flags = (places < self._begins[buckets + 1]) & (self._kept.take(places, mode="clip") == rests)
        return found

    def add(self, keys: Hashes) -> None:
        """Keep digests that are in order, and of which none is kept."""
        buckets, rests = _divided(keys)
        self._kept = np.insert(self._kept, self._places(buckets, rests), rests)
        self._begins += np.searchsorted(buckets, np.arange(BUCKETS + 1)).astype(np.uint32)

    def _places(self, buckets: Places, rests: npt.NDArray[np.uint32]) -> Places:
        """Return where each would stand in its bucket, by halving all of them at the same time."""
        begins, ends = self._begins[buckets].astype(np.int64), self._begins[buckets + 1].astype(np.int64)
        while (open_ones := begins < ends).any():
            middles = (begins + ends) >> 1
            behind = open_ones & (self._kept.take(middles, mode="clip") < rests)
            begins = np.where(behind, middles + 1, begins)
            ends = np.where(behind, ends, middles)
        return begins


def _parted(keys: Hashes) -> list[Hashes]:
    """Return the digests of each part; all are in order."""
    bounds = np.arange(1, PARTS, dtype=np.uint64) << np.uint64(64 - (PARTS - 1).bit_length())
    return np.split(keys, np.searchsorted(keys, bounds))


def _divided(keys: Hashes) -> tuple[Places, npt.NDArray[np.uint32]]:
    """Return the bucket of each digest in its part, and what is kept of it there."""
    return ((keys >> np.uint64(44)) & np.uint64(BUCKETS - 1)).astype(np.int64), (keys >> np.uint64(12)).astype(
        np.uint32
    )


def distinct(keys: Hashes) -> Hashes:
    """Return each digest once, in order: many times as fast as numpy's `unique`, which hashes them."""
    placed = np.sort(keys)
    return placed[np.append(True, placed[1:] != placed[:-1])] if len(placed) else placed


def among(keys: Hashes, known: Hashes) -> Flags:
    """Return which digests are among those, which are in order."""
    if not len(known):
        return np.zeros(len(keys), np.bool_)
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    found: Flags = known[places] == keys
    return found
