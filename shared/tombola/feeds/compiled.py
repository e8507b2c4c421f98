"""Run this project's C code as WebAssembly: one small file for every machine, and a memory that it cannot leave.

`nox -s compiled` makes `NAME.wasm` from `NAME.c`, byte for byte the same everywhere.
"""

import ctypes
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from wasmtime import Engine, Func, Instance, Memory, Module, Store


class Compiled:
    """The code of one file with a memory of its own. One thread at a time may call it; others go on meanwhile."""

    def __init__(self, name: str) -> None:
        """Begin with the memory as the code has it."""
        self._store = Store(_engine())
        self._exports = Instance(self._store, _module(name), []).exports(self._store)
        memory = self._exports["memory"]
        assert isinstance(memory, Memory)  # noqa: S101 (it exports one by that name)
        self._memory = memory

    def call(self, function: str, *numbers: int) -> int:
        """Call a function of 32-bit numbers; it returns one, or nothing, which is 0."""
        code = self._exports[function]
        assert isinstance(code, Func)  # noqa: S101 (only functions are asked for)
        found: int | None = code(self._store, *numbers)
        return (found or 0) & 0xFFFF_FFFF

    def memory(self) -> Any:  # noqa: ANN401 (an array of bytes)
        """Return the memory's bytes, until the next call."""
        at = ctypes.addressof(self._memory.data_ptr(self._store).contents)
        return np.ctypeslib.as_array((ctypes.c_uint8 * self._memory.data_len(self._store)).from_address(at))


@cache
def _engine() -> Engine:
    return Engine()


@cache
def _module(name: str) -> Module:
    """Compile a file for this machine, once in a process: a few milliseconds."""
    return Module(_engine(), (files("tombola.feeds") / f"{name}.wasm").read_bytes())
