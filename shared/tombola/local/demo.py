"""`tombola demo`: one year of a real grocer, through every function, to a report whose figures add up."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Literal, cast

import yaml

from tombola.campaigns.model import Campaign, Launched
from tombola.campaigns.usecases import commit_campaign, end_campaign, launch_campaign
from tombola.errors import Conflict, Fault, Problem
from tombola.fairness.heads import SIGNING_KEY as HEAD_KEY
from tombola.fairness.usecases import export_audit, reveal_campaign
from tombola.feeds.signing import SIGNING_KEY as RECEIPT_KEY
from tombola.games.tokens import SIGNING_KEY
from tombola.local.counting import Counts, counted, keep_operations
from tombola.local.development import listen, log_file
from tombola.local.journey import RETAILER, Journey
from tombola.local.laptop import Laptop, alone_in, assemble
from tombola.local.queue import queue_of
from tombola.local.replay import Bookmark, MovableClock
from tombola.local.season import Happening, Visit, season
from tombola.local.shop import Shop
from tombola.ports import Ports
from tombola.ports.errors import PreconditionFailed
from tombola.runtime import wiring
from tombola.runtime.outbox import relay
from tombola.runtime.settings import read_settings
from tombola.runtime.topology import OBJECTS

BEGINS = datetime.fromisoformat("2017-01-01T00:00:00-05:00")
ENDS = datetime.fromisoformat("2018-02-01T00:00:00-05:00")
"""When all is over: every return window, and so every prize's maturity, has passed."""
SEALED = ENDS + timedelta(hours=1)
"""When everything that happened by then can be sealed: no function that was called before is still at it."""
WITNESS = "Numbers drawn on 28 September 2017: 04 11 17 23 42"
"""What a bailiff would supply at the launch. Fixed, so that every run of the demo plays the same game."""
CAMPAIGN = "autumn-snacks"

Ground = Literal["embedded", "emulators"]
"""What the functions stand on: files of this machine, or emulators of Google Cloud."""
Notice = Callable[[int, int, datetime], None]
"""Told after every happening: how many are done, of how many, and the instant in the replay."""


@dataclass(frozen=True)
class Demo:
    """A home folder in which the year is lived, and the year."""

    home: Path
    bookmark: Bookmark
    laptop: Laptop
    announce: Callable[[], object]
    """Told after every file put into the inbox."""
    journey: Journey
    campaign: Campaign

    @property
    def ports(self) -> Ports:
        """The laptop's ports."""
        return self.laptop.ports

    def live(self, notice: Notice) -> Launched:
        """Live through the year; what an earlier run has done already is asked for again and changes nothing.

        Raises `Fault` when a message could not be delivered or a function refused what must be accepted.
        """
        self._prepare()
        happenings = season(self.journey, self.campaign)
        with self._served() as port:
            shop = Shop(self.ports, RETAILER, port)
            for number, happening in enumerate(happenings, start=1):
                self._move_to(happening.at)
                self._happen(happening, shop)
                notice(number, len(happenings), happening.at)
        return self._close()

    def _prepare(self) -> None:
        """Write the retailer and its keys; deliver first what a killed run had left in flight."""
        text = yaml.safe_dump(RETAILER.model_dump(mode="json", exclude_defaults=True), sort_keys=False).encode()
        self.ports.objects.replace("config", f"retailers/{RETAILER.retailer}.yaml", text)
        for name in (RETAILER.webhook_key, RETAILER.pseudonym_key, SIGNING_KEY, RECEIPT_KEY, HEAD_KEY):
            if not self.ports.keys.versions(name):
                self.ports.keys.create(name, public_key(name))
        self.laptop.runner.recover()
        relay(self.ports, older_than=timedelta(seconds=-1))
        self.laptop.runner.drain()

    def _happen(self, happening: Happening, shop: Shop) -> None:
        match happening.subject:
            case Visit() as visit:
                VISITS[happening.kind](shop, visit)
                self.laptop.runner.deliver()
            case (kind, month):
                self._send(kind, month)
            case _:
                self._launch()

    def _send(self, kind: str, month: str) -> None:
        """Put one file into the inbox, let its notification and all that follows be delivered, load the warehouse."""
        name = f"{RETAILER.retailer}/{kind}/{month}.csv"
        with suppress(PreconditionFailed):  # an earlier run sent it
            self.ports.objects.replace("inbox", name, self.journey.feed(kind, month), if_generation=0)
        self.announce()
        self.laptop.runner.drain()
        self._call("load_warehouse")

    def _launch(self) -> None:
        id_key, seed = public_key("id"), public_key("seed")
        version = commit_campaign(self.ports, campaign_text(), id_key=id_key, seed=seed)
        if version.status == "committed":  # an earlier run may have lived to the end of it
            launch_campaign(self.ports, self.campaign.campaign, WITNESS)

    def _close(self) -> Launched:
        """Let prizes mature and tokens expire, end the campaign, seal its draws and make its keys public."""
        self._move_to(ENDS)
        self._call_all("settle_plays", "seal_draws", "relay_outbox")
        end_campaign(self.ports, self.campaign.campaign)
        self._move_to(SEALED)
        self._call_all("seal_draws", "relay_outbox")
        return reveal_campaign(self.ports, self.campaign.campaign)

    def export(self, launched: Launched) -> Path:
        """Write what a stranger needs to check the draws, and return the folder."""
        folder = self.home / "exports" / f"{launched.rules.campaign}-v{launched.version}"
        for name, data in export_audit(self.ports, launched.rules.campaign, launched.version):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return folder

    def report(self, launched: Launched) -> Path:
        """Have the campaign's report written, and return its page."""
        asked = {"campaign": launched.rules.campaign, "version": launched.version}
        files: dict[str, str] = json.loads(self._call("export_report", json.dumps(asked).encode()))
        return self.home / files["bucket"] / files["html"]

    def _call_all(self, *functions: str) -> None:
        for function in functions:
            self._call(function)
            self.laptop.runner.drain()

    def _call(self, function: str, body: bytes = b"{}") -> bytes:
        reply = self.laptop.host.call(function, body)
        if not reply.accepted:
            msg = f"{function} answered {reply.status}: {reply.body[:300]!r}"
            raise Fault(msg)
        return reply.body

    def _move_to(self, instant: datetime) -> None:
        """Move the clock, and remember how far it went: a later run never turns it back."""
        clock = cast("MovableClock", self.ports.clock)
        if instant > clock.now():
            self.bookmark.write(instant)
            clock.set(instant)

    @contextmanager
    def _served(self) -> Iterator[int]:
        """Serve every function at a free port of this machine while the block runs."""
        server = listen(self.laptop.host, port=0)
        thread = threading.Thread(target=server.run, name="http", daemon=True)
        thread.start()
        try:
            yield server.effective_port
        finally:
            server.close()


VISITS: dict[str, Callable[[Shop, Visit], None]] = {
    "visit": Shop.visit,
    "order": Shop.order,
    "thank": Shop.thank,
    "play": Shop.play,
    "change": Shop.change,
}


@contextmanager
def demo(home: Path, households: int | None, on: Ground = "embedded") -> Iterator[Demo]:
    """Prepare a home for the year of so many households, or all.

    Raises `Conflict` when the home is in use, and `Missing` for emulators that are not on this machine.
    """
    with alone_in(home), log_file(home):
        _claim(home / "households", households, on)
        with closing(Bookmark(home / "clock")) as bookmark, GROUNDS[on](home, bookmark) as (laptop, announce):
            campaign = Campaign.model_validate(yaml.safe_load(campaign_text()))
            yield Demo(home, bookmark, laptop, announce, Journey(households), campaign)


@contextmanager
def _embedded(home: Path, bookmark: Bookmark) -> Iterator[tuple[Laptop, Callable[[], object]]]:
    """Live in files of the home folder, from where an earlier run came to."""
    chosen = {"home": home, "adapters": "embedded", "replay_from": bookmark.read(BEGINS)}
    fresh = not bookmark.read(BEGINS) > BEGINS
    ports, counts = wiring.build(read_settings().model_copy(update=chosen)), Counts()
    laptop = assemble(home, counted(ports, counts) if fresh else ports, queue=queue_of(ports))
    yield laptop, laptop.watcher.scan
    if fresh:  # a run that was killed, or lived again, tells nothing of what a year takes
        keep_operations(home, laptop.ports, counts)


@contextmanager
def _emulated(home: Path, _bookmark: Bookmark) -> Iterator[tuple[Laptop, Callable[[], object]]]:
    """Live on emulators, which begin empty and end with the block; what people look into is copied to the home."""
    from tombola.local.emulators.cloud import cloud, keep, told  # noqa: PLC0415 (the others need no emulators)

    with cloud(home / "emulated") as emulated:
        chosen = {"home": home, "replay_from": BEGINS}
        queue = emulated.pulled()
        ports = told(wiring.build(read_settings().model_copy(update=chosen)), queue)
        yield assemble(home, ports, queue=queue), lambda: queue.expect(OBJECTS, 1)
        keep(ports, home)


GROUNDS: dict[Ground, Callable[..., AbstractContextManager[tuple[Laptop, Callable[[], object]]]]] = {
    "embedded": _embedded,
    "emulators": _emulated,
}


def campaign_text() -> bytes:
    """Return the demo's campaign file."""
    return resources.files("tombola.local").joinpath("examples", f"{CAMPAIGN}.yaml").read_bytes()


def public_key(name: str) -> bytes:
    """Return a key that everybody can compute, so that every run draws the same. Never use one for a real game."""
    return hashlib.sha256(f"tombola demo, a public key: {name}".encode()).digest()


def _claim(remembered: Path, households: int | None, on: Ground) -> None:
    """Refuse to mix two demos in one home. Raises `Conflict`."""
    wanted = ("all" if households is None else str(households)) + ("" if on == "embedded" else f" on {on}")
    found = remembered.read_text() if remembered.exists() else wanted
    if found != wanted:
        msg = f"{remembered.parent} holds the year of {found} households, not of {wanted}; choose another --home"
        raise Conflict(msg, [Problem("households", wanted, found)], code="another-demo")
    remembered.write_text(wanted)
