"""Let a crowd of processes loose on one campaign, kill some in the middle of their work, and look at what is left."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tombola.games.plays import Play
from tombola.settling.usecases import reconcile

from .checks import every, wrong
from .homes import CAMPAIGN, Attack, launched, opened

if TYPE_CHECKING:
    from tombola.settling.reconciling import Reconciliation

ROOT = Path(__file__).parents[2]
LONGEST = 600.0
"""Seconds after which a crowd is said to hang."""


@dataclass
class Member:
    """One process of a crowd. What it says and what it complains of are files, which a kill leaves as they are."""

    process: subprocess.Popen[bytes]
    said: Path
    complained: Path

    @property
    def lines(self) -> list[list[str]]:
        """What it said so far in whole lines, in words."""
        return [line.split() for line in self.said.read_text(encoding="utf-8").split("\n")[:-1]]

    @property
    def done(self) -> int:
        """How many orders it has dealt with."""
        return sum(line[0] == "did" for line in self.lines)

    def kill_after(self, done: int, wait: float) -> None:
        """Let it deal with so many orders, and then live so many seconds more; it dies wherever it is by then."""
        deadline = time.monotonic() + LONGEST
        while self.process.poll() is None and self.done < done:
            assert time.monotonic() < deadline, "a process hangs"
            time.sleep(0.005)
        time.sleep(wait)
        self.process.kill()
        self.process.wait()

    def failure(self) -> list[str]:
        """Wait for its end; say why it was none, if it was not."""
        self.process.wait(timeout=LONGEST)
        last = self.complained.read_text(encoding="utf-8").strip().splitlines()[-1:]
        return [] if self.lines[-1:] == [["done"]] else [f"a process failed: {last}"]


@dataclass
class Crowd:
    """The processes that attack one home. None of them outlives the crowd."""

    home: Path
    words: tuple[str, ...]
    stack: ExitStack
    members: list[Member] = field(default_factory=list)

    def start(self) -> None:
        """Start one more; its number is its seed."""
        number = len(self.members)
        said, complained = (self.home.with_name(f"{what}-{number}") for what in ("said", "complained"))
        command = [sys.executable, "-m", "tests.contention.crowd", str(self.home), *self.words, str(number)]
        out, error = (self.stack.enter_context(file.open("wb")) for file in (said, complained))
        process = self.stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=error))
        self.stack.callback(process.kill)
        self.members.append(Member(process, said, complained))

    def answers(self) -> list[tuple[str, str]]:
        """Return every answer to a play that anybody was given, as token and receipt."""
        lines = (line for member in self.members for line in member.lines)
        return [(line[1], line[2]) for line in lines if line[0] == "answer"]


@dataclass(frozen=True)
class Aftermath:
    """What an attack left: what is wrong, the plays, the books.

    `handled`: how often an order or a free entry was dealt with; `answers`: how often a play was answered.
    """

    wrong: list[str]
    handled: int
    answers: int
    seconds: float
    plays: list[Play]
    books: Reconciliation

    def found(self, kind: str) -> list[str]:
        """Return what is wrong of one kind."""
        return [sentence for sentence in self.wrong if sentence.startswith(f"{kind}: ")]


def attack(folder: Path, adapter: str, kind: str, attacked: Attack, *, processes: int, kills: int) -> Aftermath:
    """Launch a campaign in an empty folder and attack it; every process that is killed is replaced by a new one."""
    home = launched(folder / "home", adapter, attacked.rules)
    chance, began = random.Random(attacked.orders), time.monotonic()  # noqa: S311 (a reproducible sequence)
    with ExitStack() as stack:
        crowd = Crowd(home, (adapter, kind, str(attacked.orders)), stack)
        for _ in range(processes):
            crowd.start()
        for number in range(kills):
            crowd.members[number].kill_after(chance.randrange(attacked.orders // 2), chance.uniform(0, 0.05))
            crowd.start()
        failures = [failure for member in crowd.members[kills:] for failure in member.failure()]
        answers, handled = crowd.answers(), sum(member.done for member in crowd.members)
    seconds, ports = time.monotonic() - began, opened(home, adapter)
    return Aftermath(
        wrong=[*failures, *wrong(ports, attacked.orders, answers)],
        handled=handled,
        answers=len(answers),
        seconds=seconds,
        plays=every(ports, Play, f"{CAMPAIGN}/v1"),
        books=reconcile(ports, CAMPAIGN, 1),
    )
