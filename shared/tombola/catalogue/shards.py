"""A retailer's catalogue in shards: every product belongs to one of 256 packed maps.

A shard's state is the newest statement per product. Newest wins, ties by content, so that files can
be handled in any order and any number of times, and equal knowledge is equal bytes.
"""

import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tombola.catalogue.model import Product
from tombola.errors import TooLarge

SHARDS = 256
MAX_PACKED_BYTES = 480 * 1024
"""Below the port's 512 KiB a document; more than a million products of ordinary text in 256 shards."""
MAX_UNPACKED_BYTES = 16 * 1024 * 1024


class Statement(NamedTuple):
    """What one file said of one product. `stated_at` in microseconds since 1970 UTC; `receipt` is the file's.

    A tuple, because a shard is read with all its products for the sake of a few, and tuples cost least.
    """

    stated_at: int
    product_id: str
    name: str
    brand: str
    category: str
    department: str
    receipt: str

    @property
    def product(self) -> Product:
        """The product as others see it."""
        return Product(
            product_id=self.product_id,
            name=self.name,
            brand=self.brand,
            category=self.category,
            department=self.department,
        )


Shard = Mapping[str, Statement]
"""Product id to the newest statement about it."""


def shard_of(product_id: str) -> int:
    """Return the shard, 0 to 255, in which a product lives: the first byte of the SHA-256 of its id."""
    return hashlib.sha256(product_id.encode()).digest()[0]


def by_shard(statements: Iterable[Statement]) -> dict[int, list[Statement]]:
    """Group statements by the shard they belong to."""
    groups: defaultdict[int, list[Statement]] = defaultdict(list)
    for statement in statements:
        groups[shard_of(statement.product_id)].append(statement)
    return dict(groups)


def merge(shard: Shard, statements: Iterable[Statement]) -> dict[str, Statement]:
    """Return the shard with the newest statement per product. Commutative, associative, idempotent."""
    merged = dict(shard)
    for statement in statements:
        known = merged.get(statement.product_id)
        if known is None or statement > known:
            merged[statement.product_id] = statement
    return merged


def pack(shard: Shard) -> bytes:
    """Return a shard as bytes that are equal when the shards are.

    Raises `TooLarge` when the retailer has more products than 256 documents hold.
    """
    rows = {
        product_id: [s.name, s.brand, s.category, s.department, s.stated_at, s.receipt]
        for product_id, s in shard.items()
    }
    text = json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    packed = zlib.compress(text.encode(), 1)  # 6 takes three times as long for a sixth less
    if len(packed) > MAX_PACKED_BYTES or len(text) > MAX_UNPACKED_BYTES:
        msg = f"{len(rows)} products of one shard take {len(packed)} bytes; at most {MAX_PACKED_BYTES} are allowed"
        raise TooLarge(msg, code="catalogue-too-large")
    return packed


def unpack(packed: bytes) -> dict[str, Statement]:
    """Return what `pack` was given."""
    rows = json.loads(zlib.decompress(packed))
    return {
        product_id: Statement(stated_at, product_id, name, brand, category, department, receipt)
        for product_id, (name, brand, category, department, stated_at, receipt) in rows.items()
    }
