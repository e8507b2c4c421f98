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
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

from rich.console import Console
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
HEAD = """\
| seconds / of CPU | hello | hello, same imports | function | once more | to the imports | peak MiB |
|---|---:|---:|---:|---:|---:|---:|"""


class Start(NamedTuple):
    """One start until the first answer: seconds that passed, and seconds of CPU of all processes."""

    seconds: float
    cpu: float


@dataclass(frozen=True)
class Figures:
    """Medians of starts, of a second answer (`again`) by the same process, and the peak of memory in MiB."""

    function: Start
    again: Start
    hello: Start
    hello_with_imports: Start
    peak_mib: int

    @property
    def ratio(self) -> float:
        """How long it takes beside a hello with the same imports."""
        return round(self.function.seconds / self.hello_with_imports.seconds, 2)

    @property
    def cpu_ratio(self) -> float:
        """The same of CPU, which is disturbed least by what else the machine does."""
        return round(self.function.cpu / self.hello_with_imports.cpu, 2)

    def told(self) -> dict[str, object]:
        """Return the figures by their names."""
        starts = {name: getattr(self, name)._asdict() for name in ("function", "again", "hello", "hello_with_imports")}
        return {**starts, "ratio": self.ratio, "cpu_ratio": self.cpu_ratio, "peak_mib": self.peak_mib}


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

    def start(self, main: Path, name: str, *requests: Request) -> list[Start]:
        """Start a function and have it answer, one request after the other."""
        took = []
        began = time.perf_counter()
        with served(self.program, main, name, self.environment, self.folder / "log") as service:
            for request in requests:
                reply = service.send(request)
                assert reply.status < 300, (reply.body, service.log())
                took.append(Start(time.perf_counter() - began, sum(_cpu(service.process.pid))))
        return took

    def function(self) -> tuple[Start, Start]:
        """Start the function itself; return what it took, and what it takes to answer once more."""
        requests = self.told(), self.told()
        first, second = self.start(self.bundle / "main.py", self.manifest.name, *requests)
        return first, Start(second.seconds - first.seconds, second.cpu - first.cpu)

    def hello(self, names: list[str]) -> Start:
        """Start a hello that imports these."""
        main = self.folder / "hello.py"
        main.write_text(HELLO.format(imports=OTHERS.format(names=names) if names else ""), encoding="utf-8")
        return self.start(main, "hello", Request(method="GET"))[0]

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
        requests = [self.told() for _ in range(at_once)]
        name, environment = self.manifest.name, {**self.environment, "THREADS": str(at_once)}
        with served(self.program, self.bundle / "main.py", name, environment, self.folder / "log") as service:
            with ThreadPoolExecutor(at_once) as pool:
                replies = list(pool.map(service.send, requests))
            assert all(reply.status < 300 for reply in replies), service.log()
            return sum(_peaks(service.process.pid)) // MEBIBYTE

    def figures(self, runs: int) -> Figures:
        """Let all take turns."""
        names = self.imported()
        turns = [(*self.function(), self.hello([]), self.hello(names)) for _ in range(runs)]
        return Figures(*(_middle(starts) for starts in zip(*turns, strict=True)), peak_mib=self.peak())


def main() -> None:
    """Measure every bundle; print, and write with `--write`."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--only", action="append", metavar="NAME", help="one function; may be given again")
    options.add_argument("--write", action="store_true", help=f"into {FIGURES.relative_to(ROOT)}")
    given = options.parse_args()
    say = Console(highlight=False, soft_wrap=True).print
    say(machine := _machine(), "", HEAD, sep="\n")
    told = json.loads(FIGURES.read_bytes())["functions"] if FIGURES.exists() else {}
    slow = []
    with tempfile.TemporaryDirectory() as folder:
        for name, one in _measured(Path(folder), given.only, given.runs):
            say(_row(name, one))
            told[name] = one.told()
            slow += [name] if one.ratio > GOAL else []
            if given.write:
                FIGURES.write_text(_text({"machine": machine, "functions": told}), encoding="utf-8")
    say(f"\ngoal: at most {GOAL} x hello with the same imports; missed by {', '.join(slow) or 'none'}")


def _measured(folder: Path, only: list[str] | None, runs: int) -> Iterator[tuple[str, Figures]]:
    bundles = folder / "bundles"
    subprocess.run([sys.executable, str(ROOT / "tools" / "bundle.py"), "--into", str(bundles)], check=True)
    with emulated(folder / "cloud") as cloud:
        for name, manifest in read_manifests(ROOT / "functions").items():
            if not only or name in only:
                yield name, _contest(cloud, manifest, bundles / name, folder / name).figures(runs)


def _contest(cloud: Cloud, manifest: Manifest, bundle: Path, folder: Path) -> Contest:
    folder.mkdir()
    program = installed(bundle, folder / "environment")  # a first start, which does not count, compiles what it imports
    world, environment = cloud.project(
        manifest.name, warehouse=bool(manifest.reads.warehouse or manifest.writes.warehouse)
    )
    return Contest(manifest, bundle, program, world, environment, folder)


def _middle(starts: Sequence[Start]) -> Start:
    return Start(*(round(median(each), 2) for each in zip(*starts, strict=True)))


def _family(pid: int) -> Iterator[int]:
    """Yield a process and those that it started."""
    with suppress(FileNotFoundError):
        yield pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from _family(int(child))


def _peaks(pid: int) -> Iterator[int]:
    """Yield the peak of memory of a process and of those that it started, in bytes."""
    for each in _family(pid):
        status = Path(f"/proc/{each}/status").read_text()
        yield int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _cpu(pid: int) -> Iterator[float]:
    """Yield the seconds of CPU of a process and of those that it started."""
    for each in _family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        yield (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _row(name: str, one: Figures) -> str:
    cells = [
        f"{start.seconds:.2f} / {start.cpu:.2f}"
        for start in (one.hello, one.hello_with_imports, one.function, one.again)
    ]
    return f"| `{name}` | {' | '.join(cells)} | {one.ratio:.2f} x / {one.cpu_ratio:.2f} x | {one.peak_mib} |"


def _text(told: Mapping[str, object]) -> str:
    return json.dumps(told, indent=2, sort_keys=True) + "\n"


def _machine() -> str:
    machine = f"{os.cpu_count()} cores {platform.machine()}, load {os.getloadavg()[0]:.1f}"
    return f"{machine}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
