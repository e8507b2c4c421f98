"""What the console shows, read through ports alone: files, messages, dead letters, campaigns, outbox, log."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from tombola.campaigns.lifecycle import phase
from tombola.campaigns.model import Launched
from tombola.campaigns.usecases import started_campaigns
from tombola.fairness.revealing import failed_audit
from tombola.local.queue import Kept, Queue
from tombola.money import major_units
from tombola.ports import Ports
from tombola.ports.documents import Snapshot, Where
from tombola.ports.errors import NotFound
from tombola.ports.objects import ObjectInfo
from tombola.runtime.dead_letters import SOURCE_SUBSCRIPTION, SOURCE_TOPIC
from tombola.runtime.topology import DEAD_LETTERS, OBJECTS

FILES_SHOWN = 200
LETTERS_SHOWN = 100
LINES_SHOWN = 60
NAME_SHOWN = 200
"""Characters of an object's name."""
_TAIL_BYTES = 64 * 1024
SOON = timedelta(seconds=1)
_LATER = timedelta(seconds=4)

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Lane:
    """Where a subscription's messages go, for people."""

    subscription: str
    topic: str
    lane: str
    goes_to: str


def files(ports: Ports) -> list[Facts]:
    """Return the receipts there are, the newest first."""
    infos = ports.memo.read(("console", "receipts"), SOON, lambda: _receipts(ports))
    return [_file(ports, info) for info in infos]


def queues(queue: Queue, lanes: Sequence[Lane]) -> list[Facts]:
    """Return what waits, is in flight and will be retried, per subscription, in the order of `lanes`."""
    counts = queue.counts()
    shown = []
    for lane in lanes:
        count = counts.get(lane.subscription)
        numbers = {name: getattr(count, name, 0) for name in ("ready", "in_flight", "waiting")}
        shown.append(
            {"subscription": lane.subscription, "topic": lane.topic, "lane": lane.lane, "to": lane.goes_to, **numbers}
        )
    return shown


def dead_letters(queue: Queue, limit: int = LETTERS_SHOWN) -> list[Facts]:
    """Return the latest dead letters: why, where, since when, of which object of the inbox. Never what is in them."""
    return [
        {
            "message_id": letter.message_id,
            "at": letter.published_at.isoformat(),
            "reason": letter.attributes.get("reason", "not-acknowledged"),
            "detail": letter.attributes.get("detail") or letter.attributes.get("CloudPubSubDeadLetterReason", ""),
            "function": letter.attributes.get("function", ""),
            "subscription": letter.attributes.get(SOURCE_SUBSCRIPTION, "").rpartition("/")[2],
            "type": letter.attributes.get("type", ""),
            "object": _object_name(letter),
        }
        for letter in reversed(queue.recent(DEAD_LETTERS, limit))
    ]


def campaigns(ports: Ports) -> list[Facts]:
    """Return every campaign version with its window, its pool and what was played; counts are at most 4 s old."""
    return ports.memo.read(("console", "campaigns"), _LATER, lambda: _campaigns(ports))


def outbox(ports: Ports) -> Facts:
    """Return how many events wait to be published, and since when."""
    waiting = [cast("datetime", found.fields["created_at"]) for found in ports.documents.query("outbox", [])]
    return {"waiting": len(waiting), "oldest": min(waiting).isoformat() if waiting else None}


def log_lines(file: Path) -> list[Facts]:
    """Return the last warnings and errors, then fill up with what else was logged last; the newest first."""
    lines = [line for line in map(_parsed, reversed(_tail(file).splitlines())) if line]
    serious = [line for line in lines if line.get("severity") in {"WARNING", "ERROR", "CRITICAL"}]
    rest = [line for line in lines if line.get("severity") not in {"WARNING", "ERROR", "CRITICAL"}]
    chosen = [*serious[: LINES_SHOWN // 2], *rest[: LINES_SHOWN // 2]]
    return sorted(chosen, key=lambda line: str(line.get("time", "")), reverse=True)


def _object_name(letter: Kept) -> str:
    """Return which object of the inbox a letter was about, printable; empty for every other letter.

    A notification names it in an attribute; a file whose name could be none has it in the body alone.
    """
    if letter.attributes.get(SOURCE_TOPIC, "").rpartition("/")[2] != OBJECTS:
        return ""
    name = letter.attributes.get("objectId") or (_parsed(letter.data) or {}).get("name")
    if not isinstance(name, str):
        return ""
    return (name if name.isprintable() else repr(name))[:NAME_SHOWN]


def _receipts(ports: Ports) -> list[ObjectInfo]:
    found = [info for info in ports.objects.list("receipts") if info.ref.name.endswith("/receipt.json")]
    return sorted(found, key=lambda info: info.updated_at, reverse=True)[:FILES_SHOWN]


def _file(ports: Ports, info: ObjectInfo) -> Facts:
    """Return what a receipt says in a line. Receipts never change, so each is read once."""
    always = timedelta(days=365)
    return ports.memo.read(("console", info.ref), always, lambda: _summary(ports, info))


def _summary(ports: Ports, info: ObjectInfo) -> Facts:
    try:
        with ports.objects.open(info.ref) as stream:
            receipt = json.loads(stream.read())
    except (NotFound, ValueError):
        receipt = {}
    wanted = ("retailer", "feed", "object", "rows", "accepted", "rejected", "duplicates", "verdict", "bytes", "seconds")
    notes = [
        {"code": note.get("code"), "field": note.get("field"), "count": note.get("count"), "level": level}
        for level in ("errors", "warnings")
        for note in receipt.get(level, ())
    ]
    return {
        **{name: receipt.get(name) for name in wanted},
        "notes": notes,
        "receipt": info.ref.name,
        "at": info.updated_at.isoformat(),
    }


def _campaigns(ports: Ports) -> list[Facts]:
    return [campaign_facts(ports, launched) for launched in started_campaigns(ports)]


def campaign_facts(ports: Ports, launched: Launched) -> Facts:
    """Return what is to be said of one campaign version now; amounts as text, in whole units of its currency."""
    rules, version, currency = launched.rules, launched.version, launched.rules.pool.currency
    plays = list(ports.documents.query("plays", [Where("campaign", "==", f"{rules.campaign}/v{version}")]))
    states = Counter(str(play.fields.get("state")) for play in plays)
    wins = sum(1 for play in plays if _won(play))
    accounts = _accounts(ports, f"{rules.campaign}/v{version}")
    return {
        "campaign": rules.campaign,
        "version": version,
        "title": rules.title,
        "sponsor": rules.sponsor.name,
        "status": launched.status,
        "phase": phase(launched.status, rules.window, ports.clock.now()),
        "audit": failed_audit(rules.reveal_by, launched.revealed_at, ports.clock.now()),
        "window": rules.window.model_dump(mode="json"),
        "currency": currency,
        "accounts": {account: str(major_units(amount, currency)) for account, amount in accounts.items()},
        "tokens": len(plays),
        "states": dict(states),
        "wins": wins,
        "report": _report(ports, f"{rules.campaign}/v{version}/report.html"),
    }


def _accounts(ports: Ports, campaign: str) -> Counter[str]:
    """Return the money of all balances of a campaign version together, by account."""
    total: Counter[str] = Counter()
    for balance in ports.documents.query("balances", [Where("campaign", "==", campaign)]):
        total.update(cast("Mapping[str, int]", balance.fields["accounts"]))
    return total


def _report(ports: Ports, name: str) -> str | None:
    """Return the report's name if it was made."""
    try:
        return ports.objects.stat("reports", name).ref.name
    except NotFound:
        return None


def _won(play: Snapshot) -> bool:
    draw = play.fields.get("draw")
    return isinstance(draw, Mapping) and bool(draw.get("prize"))


def _tail(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _TAIL_BYTES))
            return stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def _parsed(line: str | bytes) -> Facts | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def retailers(ports: Ports) -> list[str]:
    """Return the ids of the retailers that are configured."""
    return ports.memo.read(("console", "retailers"), _LATER, lambda: _retailers(ports))


def _retailers(ports: Ports) -> list[str]:
    prefix = "retailers/"
    names = [info.ref.name for info in ports.objects.list("config", prefix)]
    return [name.removeprefix(prefix).removesuffix(".yaml") for name in names if name.endswith(".yaml")]
