"""Read the cells of blocks of delimited text into typed columns: calls `cell_reader.c`, compiled to WebAssembly.

Compiled because Python reads a cell in microseconds and numpy and Polars need several passes under Python's lock;
WebAssembly because one small file runs on every machine, and cannot reach beyond its own memory whatever a stranger's
file holds. The structures mirror those of the C file, where each of their parts is explained.
"""

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import pyarrow as pa

from tombola.feeds.compiled import Compiled
from tombola.feeds.instants import LONGEST_FORM, PARTS, Form
from tombola.feeds.splitting import Block, Flags

_NOWHERE = 255
_PADDING = 16
_NO_BOUND = 2**63 - 1


class Kind(IntEnum):
    """How a cell is read."""

    TEXT = 0
    WORD = 1
    GTIN = 2
    YES_NO = 3
    NUMBER = 4
    INSTANT = 5


ARROW = {
    Kind.TEXT: pa.string_view(),
    Kind.WORD: pa.string_view(),
    Kind.GTIN: pa.string_view(),
    Kind.YES_NO: pa.bool_(),
    Kind.NUMBER: pa.int64(),
    Kind.INSTANT: pa.timestamp("us", "UTC"),
}
_BYTES = {pa.string_view(): 16, pa.int64(): 8, pa.timestamp("us", "UTC"): 8}
_NO_ROOM = "no room for the cells of a block"


@dataclass(frozen=True, slots=True)
class Field:
    """What a field is. `least` and `most` bound a number in its smallest unit; `most`, an instant in microseconds.

    `words` are all that the cell may say; of a yes or a no, the first `yes` mean yes.
    `default`, a text or a number, is what an empty cell means unless the field is required.
    """

    name: str
    place: int
    kind: Kind
    required: bool
    default: str | int | None = None
    decimals: int = 0
    shortest: int = 1
    longest: int = 2**31
    least: int = -_NO_BOUND
    most: int = _NO_BOUND
    words: Sequence[str] = ()
    yes: int = 0
    forms: Sequence[Form] = ()


Open = tuple[int, str, str]
"""A cell that does not surely say anything: its row, its field, and what stands in it."""


@dataclass(frozen=True, slots=True)
class Found:
    """The cells of a block, read. `sure` are the rows whose cells all surely say what was read.

    `open` are the cells that do not, of rows that have as many cells as there are columns; those of a row stand in the
    order of the fields. `local` says of each instant in which rows it is what a clock
    shows, and not yet UTC.
    """

    columns: Mapping[str, pa.Array]
    sure: Flags
    open: Sequence[Open]
    local: Mapping[str, Flags]


class _Text(ctypes.LittleEndianStructure):
    _fields_ = (("at", ctypes.c_uint32), ("size", ctypes.c_uint32))


class _Form(ctypes.LittleEndianStructure):
    _fields_ = (
        ("size", ctypes.c_uint32),
        ("local", ctypes.c_uint32),
        ("pattern", ctypes.c_uint8 * LONGEST_FORM),
        ("places", ctypes.c_uint8 * len(PARTS)),
    )


class _Field(ctypes.LittleEndianStructure):
    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("place", "kind", "required", "decimals", "shortest", "longest")),
        *((name, ctypes.c_int64) for name in ("least", "most", "default_number")),
        ("default_text", _Text),
        *((name, ctypes.c_uint32) for name in ("has_default", "words", "word_count", "yes_count", "forms")),
        *((name, ctypes.c_uint32) for name in ("form_count", "values", "present", "local", "missing_count")),
        ("last", _Text),
        *((name, ctypes.c_uint32) for name in ("last_sure", "last_local", "last_word")),
        ("last_number", ctypes.c_int64),
    )


class _Block(ctypes.LittleEndianStructure):
    _fields_ = tuple(
        (name, ctypes.c_uint32)
        for name in (
            *("data", "size", "records", "starts", "ends", "width", "delimiter", "quote", "decimal_mark"),
            *("nulls", "null_count", "fields", "field_count", "shaped", "sure", "more", "more_size"),
            *("open", "open_rows", "open_fields", "open_count"),
        )
    )


class CellReader:
    """Reads the blocks of one file, one at a time."""

    def __init__(
        self,
        fields: Sequence[Field],
        *,
        width: int,
        delimiter: str,
        quote: str,
        decimal_mark: str,
        nulls: Sequence[str],
    ) -> None:
        """Read these fields of records that have `width` cells; a cell that is one of the `nulls` is empty."""
        self._fields = fields
        self._quote = ord(quote)
        self._code = Compiled("cell_reader")
        self._base = self._code.call("room", 0)
        plan = _Plan(self._base)
        self._block = _Block(
            width=width,
            delimiter=ord(delimiter),
            decimal_mark=ord(decimal_mark),
            null_count=len(nulls),
            field_count=len(fields),
        )
        self._block.nulls = plan.texts(sorted(nulls))  # the empty one comes first
        self._block.fields = plan.array([_described(field, plan) for field in fields], _Field)
        self._plan = bytes(plan.data)

    def read(self, block: Block) -> Found:
        """Return what the cells of a block say. It is one that `splitting.split` made."""
        rows, data = len(block), block.data
        parts = (self._plan, data, bytes(self._block))
        size = sum(map(len, parts)) + rows * 2 * 4 + (len(parts) + 2) * 2 * _PADDING
        if not self._code.call("room", size):
            raise MemoryError(_NO_ROOM)
        room = _Room(self._code.memory(), self._base)
        room.put(self._plan)
        own = _Block.from_buffer_copy(self._block)
        own.data, own.size, own.records = room.put(data), len(data), rows
        own.starts, own.ends = (room.put(one.astype(np.uint32)) for one in (block.starts, block.ends))
        own.quote = self._quote if block.quoted else 0
        described = room.put(bytes(own))
        if not self._code.call("read_block", described, room.at):
            raise MemoryError(_NO_ROOM)
        memory = self._code.memory()
        return self._found(memory, _Block.from_buffer_copy(memory, described), rows, data)

    def _found(self, memory: Any, own: _Block, rows: int, data: bytes) -> Found:  # noqa: ANN401 (a view of its memory)
        """Copy what was found out of the memory, which the next block will use."""

        def flags(at: int) -> Flags:
            found: Flags = memory[at : at + rows].astype(np.bool_)
            return found

        def copied(at: int, size: int) -> pa.Buffer:
            return pa.py_buffer(memory[at : at + size].tobytes())

        bits = (rows + 7) // 8
        texts = [pa.py_buffer(data), copied(own.more, own.more_size)]
        columns, local = {}, {}
        found = (_Field * own.field_count).from_buffer_copy(memory, own.fields)
        for field, one in zip(self._fields, found, strict=True):
            kind = ARROW[field.kind]
            present = copied(one.present, bits) if one.missing_count else None
            values = copied(one.values, rows * _BYTES[kind] if kind in _BYTES else bits)
            buffers = [present, values, *(texts if kind == pa.string_view() else [])]
            columns[field.name] = pa.Array.from_buffers(kind, rows, buffers, one.missing_count)
            if field.kind == Kind.INSTANT:
                local[field.name] = flags(one.local)
        return Found(columns, flags(own.sure), self._open(own, copied, texts), local)

    def _open(self, own: _Block, copied: Callable[[int, int], pa.Buffer], texts: Sequence[pa.Buffer]) -> list[Open]:
        """Return the cells that are not sure."""
        count = own.open_count
        views = copied(own.open, count * _BYTES[pa.string_view()])
        cells = pa.Array.from_buffers(pa.string_view(), count, [None, views, *texts]).to_pylist()
        rows, numbers = (
            np.frombuffer(copied(at, count * 4), np.uint32).tolist() for at in (own.open_rows, own.open_fields)
        )
        return list(zip(rows, (self._fields[number].name for number in numbers), cells, strict=True))


class _Room:
    """Free memory from an address on, as it is filled."""

    def __init__(self, memory: Any, at: int) -> None:  # noqa: ANN401 (an array of bytes)
        self.memory = memory
        self.at = at

    def put(self, data: Any) -> int:  # noqa: ANN401 (whatever has bytes)
        """Copy bytes to where it is free, with room behind them for reading more than one at a time."""
        at, raw = self.at, np.frombuffer(data, np.uint8)
        self.memory[at : at + len(raw)] = raw
        self.at = _aligned(at + len(raw) + _PADDING)
        return at


class _Plan:
    """Bytes that will stand at an address, as they are put together."""

    def __init__(self, base: int) -> None:
        self._base = base
        self.data = bytearray()

    def put(self, data: bytes) -> int:
        """Append bytes; return their address."""
        at = self._base + len(self.data)
        self.data += data + bytes(_aligned(len(data)) - len(data))
        return at

    def text(self, text: str) -> _Text:
        """Append a text."""
        data = text.encode()
        return _Text(self.put(data), len(data))

    def texts(self, texts: Sequence[str]) -> int:
        """Append texts, and where they are; return the address of the latter."""
        return self.array([self.text(one) for one in texts], _Text)

    def array(self, items: Sequence[Any], kind: type[ctypes.Structure]) -> int:
        """Append structures; return their address."""
        return self.put(bytes((kind * len(items))(*items)))


def _described(field: Field, plan: _Plan) -> _Field:
    """Return a field as the compiled code knows it."""
    made = _Field(
        place=field.place,
        kind=field.kind,
        required=field.required,
        decimals=field.decimals,
        shortest=field.shortest,
        longest=field.longest,
        least=field.least,
        most=field.most,
        words=plan.texts(field.words),
        word_count=len(field.words),
        yes_count=field.yes,
        has_default=field.default is not None,
        forms=plan.array([_form(form) for form in field.forms], _Form),
        form_count=len(field.forms),
    )
    made.default_text = plan.text(field.default if isinstance(field.default, str) else "")
    made.default_number = field.default if isinstance(field.default, int) else 0
    return made


def _form(form: Form) -> _Form:
    made = _Form(size=len(form.pattern), local=form.local)
    made.pattern[: len(form.pattern)] = list(form.pattern)
    made.places[:] = [form.places.get(part, _NOWHERE) for part in PARTS]
    return made


def _aligned(size: int) -> int:
    return -(-size // _PADDING) * _PADDING
