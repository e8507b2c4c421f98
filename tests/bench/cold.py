"""How long a deployed function takes from the start of its process to its first answer, and how much memory then.

`nox -s bench -- cold [--runs 5] [--only NAME] [--write]`. Every bundle is installed alone. Three take turns in its
environment: the function, on emulators, answering what it is for; functions-framework's hello; and a hello that
imports what the function has imported by its first answer, our own modules and Python's aside. The middle run counts.
Memory is the sum of the peaks of all processes of a function after as many calls at a time as its manifest allows:
what the processes share counts twice, so it is a bound from above.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table
from tests.bundles.emulated import Cloud, emulated
from tests.bundles.serving import ROOT, installed, served
from tests.bundles.shapes import Request, sent
from tests.bundles.stories import STORIES
from tests.bundles.world import World

from tombola.runtime.manifests import Manifest, read_manifests

FIGURES = ROOT / "docs" / "bench" / "cold.json"
GOAL = 1.3
CALLS = 16
HELLO = """\
import functions_framework
{imports}
@functions_framework.http
def hello(request):
    return "hello"
"""
OTHERS = """\
from contextlib import suppress
from importlib import import_module
for name in {names!r}:
    with suppress(Exception):
        import_module(name)
"""
MEBIBYTE = 1024**2


@dataclass(frozen=True)
class Figures:
    """Seconds from start to first answer, and the peak of memory in MiB."""

    seconds: float
    hello: float
    hello_with_imports: float
    peak_mib: int

    @property
    def ratio(self) -> float:
        """How long it takes beside a hello with the same imports."""
        return self.seconds / self.hello_with_imports


@dataclass
class Contest:
    """One function, installed, in a project of its own; every start has a story of its own."""

    manifest: Manifest
    bundle: Path
    program: Path
    world: World
    environment: Mapping[str, str]
    folder: Path
    number: int = 0

    def told(self) -> Request:
        """Let something happen; return what the function is then sent."""
        self.number += 1
        story = STORIES[self.manifest.name](self.world, self.number)
        return sent(next(story), self.environment["TOMBOLA_BUCKET_PREFIX"], self.number)

    def start(self, main: Path, name: str, request: Request) -> float:
        """Start a function; return the seconds until it has answered."""
        began = time.perf_counter()
        with served(self.program, main, name, self.environment, self.folder / "log") as service:
            reply = service.send(request)
            seconds = time.perf_counter() - began
            assert reply.status < 300, (reply.body, service.log())
        return seconds

    def function(self) -> float:
        """Start the function itself."""
        return self.start(self.bundle / "main.py", self.manifest.name, self.told())

    def hello(self, names: list[str]) -> float:
        """Start a hello that imports these."""
        main = self.folder / "hello.py"
        main.write_text(HELLO.format(imports=OTHERS.format(names=names) if names else ""), encoding="utf-8")
        return self.start(main, "hello", Request(method="GET"))

    def imported(self) -> list[str]:
        """Return what the function has imported by its first answer: not ours, not Python's."""
        said, request = self.folder / "imported", self.told()
        environment = {**self.environment, "PYTHONPROFILEIMPORTTIME": "1"}
        with served(self.program, self.bundle / "main.py", self.manifest.name, environment, said) as service:
            service.send(request)
        lines = [line.rpartition("|")[2].strip() for line in said.read_text().splitlines() if "import time:" in line]
        ours = {"tombola", "main", *sys.stdlib_module_names}
        return [
            name for name in dict.fromkeys(lines) if name.partition(".")[0] not in ours and name != "imported package"
        ]

    def peak(self) -> int:
        """Return MiB at the most, of all processes, after many calls."""
        at_once = min(self.manifest.sizing.concurrency, CALLS)
        requests = [self.told() for _ in range(CALLS)]
        name, environment = self.manifest.name, {**self.environment, "THREADS": str(at_once)}
        with served(self.program, self.bundle / "main.py", name, environment, self.folder / "log") as service:
            with ThreadPoolExecutor(at_once) as pool:
                replies = list(pool.map(service.send, requests))
            assert all(reply.status < 300 for reply in replies), service.log()
            return sum(_peaks(service.process.pid)) // MEBIBYTE

    def figures(self, runs: int) -> Figures:
        """Let all take turns."""
        names = self.imported()
        turns = [(self.function(), self.hello([]), self.hello(names)) for _ in range(runs)]
        seconds, hello, with_imports = (round(median(each), 3) for each in zip(*turns, strict=True))
        return Figures(seconds, hello, with_imports, self.peak())


def main() -> None:
    """Measure every bundle; print, and write with `--write`."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--only", action="append", metavar="NAME", help="one function; may be given again")
    options.add_argument("--write", action="store_true", help=f"write {FIGURES.relative_to(ROOT)}")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = dict(_measured(Path(folder), given.only, given.runs))
    _print(found)
    if given.write:
        told = {name: {**asdict(one), "ratio": round(one.ratio, 2)} for name, one in found.items()}
        FIGURES.write_text(json.dumps({"machine": _machine(), "functions": told}, indent=2) + "\n", encoding="utf-8")


def _measured(folder: Path, only: list[str] | None, runs: int) -> Iterator[tuple[str, Figures]]:
    bundles = folder / "bundles"
    subprocess.run([sys.executable, str(ROOT / "tools" / "bundle.py"), "--into", str(bundles)], check=True)
    with emulated(folder / "cloud") as cloud:
        for name, manifest in read_manifests(ROOT / "functions").items():
            if not only or name in only:
                yield name, _contest(cloud, manifest, bundles / name, folder / name).figures(runs)


def _contest(cloud: Cloud, manifest: Manifest, bundle: Path, folder: Path) -> Contest:
    folder.mkdir()
    program = installed(bundle, folder / "environment", "--compile-bytecode")  # as the platform's builder does
    world, environment = cloud.project(
        manifest.name, warehouse=bool(manifest.reads.warehouse or manifest.writes.warehouse)
    )
    return Contest(manifest, bundle, program, world, environment, folder)


def _peaks(pid: int) -> Iterator[int]:
    """Yield the peaks of a process and its children, in bytes."""
    with suppress(FileNotFoundError):
        status = Path(f"/proc/{pid}/status").read_text()
        yield int(status.partition("VmHWM:")[2].split()[0]) * 1024
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from _peaks(int(child))


def _print(found: Mapping[str, Figures]) -> None:
    table = Table("function", "s", "hello", "hello, same imports", "ratio", "peak MiB")
    for name, one in found.items():
        row = (one.seconds, one.hello, one.hello_with_imports, one.ratio, one.peak_mib)
        table.add_row(name, *(f"{value:.2f}" for value in row[:-1]), str(row[-1]))
    console = Console(highlight=False)
    console.print(_machine(), table)
    slow = [name for name, one in found.items() if one.ratio > GOAL]
    console.print(f"goal: at most {GOAL} x hello with the same imports; missed by {', '.join(slow) or 'none'}")


def _machine() -> str:
    machine = f"{os.cpu_count()} cores {platform.machine()}, load {os.getloadavg()[0]:.1f}"
    return f"{machine}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
