"""Packing: an order's state as bytes. Canonical JSON, so that equal states are equal bytes."""

import json
from typing import Any

from tombola.orders.merging import Layer, OrderTooLarge, Registers, State

MAX_STATE_BYTES = 480 * 1024
"""Less than a document holds (512 KiB), so that the fields beside it have room."""
FORMAT = 1

Rows = list[list[Any]]


def pack(state: State) -> bytes:
    """Return the canonical bytes of a state. Raises `OrderTooLarge` past 480 KiB."""
    members = {
        "format": FORMAT,
        "promised": _packed_layer(state.promised),
        "authoritative": _packed_layer(state.authoritative),
    }
    packed = json.dumps(members, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    if len(packed) > MAX_STATE_BYTES:
        found, limit = f"{len(packed)} bytes of facts", f"{MAX_STATE_BYTES} bytes"
        raise OrderTooLarge(found, limit)
    return packed


def unpack(packed: bytes) -> State:
    """Return the state that `pack` made these bytes of."""
    members = json.loads(packed)
    return State(_unpacked_layer(members["promised"]), _unpacked_layer(members["authoritative"]))


def _packed_layer(layer: Layer) -> dict[str, Any]:
    """Return what is known of a layer, and nothing for what is not: most orders know one layer only."""
    members = {
        "header": None if layer.header is None else [layer.header[0], *layer.header[1]],
        "whole_at": layer.whole_at,
        "lines": _rows(layer.lines),
        "returns": _rows(layer.returns),
        "payments": _rows(layer.payments),
        "cancelled_at": layer.cancelled_at,
    }
    return {name: value for name, value in members.items() if value not in (None, [])}


def _unpacked_layer(members: dict[str, Any]) -> Layer:
    header = members.get("header")
    return Layer(
        header=None if header is None else (header[0], tuple(header[1:])),
        whole_at=members.get("whole_at"),
        lines=_registers(members.get("lines", []), 1),
        returns=_registers(members.get("returns", []), 2),
        payments=_registers(members.get("payments", []), 1),
        cancelled_at=members.get("cancelled_at"),
    )


def _rows(registers: Registers) -> Rows:
    """Return rows of key parts, instant, content; sorted by key."""
    return [[*key, at, *content] for key, (at, content) in sorted(registers.items())]


def _registers(rows: Rows, key_parts: int) -> Registers:
    return {tuple(row[:key_parts]): (row[key_parts], tuple(row[key_parts + 1 :])) for row in rows}
