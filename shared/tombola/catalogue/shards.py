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
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


class Statement(NamedTuple):
    """What one file said of one product. `stated_at` in microseconds since 1970 UTC; `receipt` is the file's."""

    stated_at: int
    product_id: str
    name: str
    brand: str
    category: str
    department: str
    receipt: str
    size: str = ""
    gtin: str = ""

    @property
    def product(self) -> Product:
        """The product as others see it."""
        return Product(
            product_id=self.product_id,
            name=self.name,
            brand=self.brand,
            category=self.category,
            department=self.department,
            size=self.size,
            gtin=self.gtin,
        )


Shard = Mapping[str, str]
"""Product id to the newest statement about it, both as JSON text: few of a shard's many products are ever asked for."""


def shard_of(product_id: str) -> int:
    """Return the shard, 0 to 255, in which a product lives: the first byte of the SHA-256 of its id."""
    return hashlib.sha256(product_id.encode()).digest()[0]


def by_shard(statements: Iterable[Statement]) -> dict[int, list[Statement]]:
    """Group statements by the shard they belong to."""
    groups: defaultdict[int, list[Statement]] = defaultdict(list)
    for statement in statements:
        groups[shard_of(statement.product_id)].append(statement)
    return dict(groups)


def merge(shard: Shard, statements: Iterable[Statement]) -> dict[str, str]:
    """Return the shard with the newest statement per product. Commutative, associative, idempotent."""
    merged = dict(shard)
    for statement in statements:
        known = find(merged, statement.product_id)
        if known is None or statement > known:
            merged[_text(statement.product_id)] = _text(statement)
    return merged


def find(shard: Shard, product_id: str) -> Statement | None:
    """Return the newest statement about a product, or None when there is none."""
    text = shard.get(_text(product_id))
    return None if text is None else Statement(*json.loads(text))


def holds(shard: Shard, product_id: str) -> bool:
    """Tell whether anything was stated about a product."""
    return _text(product_id) in shard


def pack(shard: Shard) -> bytes:
    """Return a shard as bytes that are equal when the shards are: a line per product, sorted, compressed.

    Raises `TooLarge` when the retailer has more products than 256 documents hold.
    """
    text = "\n".join(f"{product_id}\t{statement}" for product_id, statement in sorted(shard.items()))
    packed = zlib.compress(text.encode(), 1)  # 6 takes three times as long for a sixth less
    if len(packed) > MAX_PACKED_BYTES or len(text) > MAX_UNPACKED_BYTES:
        msg = f"{len(shard)} products of one shard take {len(packed)} bytes; at most {MAX_PACKED_BYTES} are allowed"
        raise TooLarge(msg, code="catalogue-too-large")
    return packed


def unpack(packed: bytes) -> dict[str, str]:
    """Return what `pack` was given."""
    text = zlib.decompress(packed).decode()
    return dict(line.split("\t", 1) for line in text.split("\n")) if text else {}


def _text(value: str | Statement) -> str:
    """Return JSON text, in which no tab and no line end stands for itself."""
    return _ENCODER.encode(value)
