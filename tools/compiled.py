"""Compile the project's C code to the WebAssembly that stands beside it: `python tools/compiled.py [--check]`.

The compiler is a wheel pinned by uv.lock, so every machine makes the same bytes. `--check` writes nothing, and fails
if what is there is not what the sources say.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "shared" / "tombola" / "feeds"
COMPILER = (sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-freestanding")
OPTIONS = (
    *("-std=c17", "-Wall", "-Wextra", "-Werror"),
    *("-O3", "-g0", "-msimd128", "-mbulk-memory", "-nostdlib", "-Wl,--no-entry", "-Wl,--strip-all"),
)


def compiled(source: Path) -> bytes:
    """Return the WebAssembly that a C file makes. Raises `CalledProcessError` if it does not compile."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "made.wasm"
        environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder}
        command = [*COMPILER, *OPTIONS, "-o", str(target), source.name]
        subprocess.run(command, check=True, cwd=source.parent, env=environment)  # noqa: S603 (our own compiler)
        return target.read_bytes()


def main(arguments: list[str]) -> int:
    """Compile all, or check all; return 1 if one is not what its source says."""
    stale = False
    for source in sorted(SOURCES.glob("*.c")):
        made, target = compiled(source), source.with_suffix(".wasm")
        same = target.is_file() and target.read_bytes() == made
        if "--check" in arguments:
            stale |= not same
        else:
            target.write_bytes(made)
        state = "as its source says" if same else "not what its source says" if stale else "made anew"
        sys.stdout.write(f"{target.name}: {state}, {len(made)} bytes\n")
    return int(stale)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
