"""What must hold after an attack, counted anew from plays, entries and answers: no limit's document is believed."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from tombola.campaigns.usecases import find_launched
from tombola.games.entries import Entry
from tombola.games.events import PlayChanged
from tombola.games.limits import named_slot
from tombola.games.opening import funded_parts
from tombola.games.plays import Play
from tombola.games.records import version_of
from tombola.ports.documents import Where
from tombola.ports.unit_of_work import all_of
from tombola.runtime import outbox
from tombola.settling.payments import Payment
from tombola.settling.usecases import reconcile

from .crowd import Part, plays_of
from .homes import CAMPAIGN, embedded_topics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tombola.campaigns.model import Campaign
    from tombola.games.records import Record
    from tombola.ports import Ports

R = TypeVar("R", bound="Record")
PLACES = 4
"""Of a token: in the campaign, its store (or the free entries), its day and its week."""


def wrong(ports: Ports, orders: int, answers: Iterable[tuple[str, str]]) -> list[str]:
    """Return a sentence for whatever was given twice, overspent or does not add up. The outbox is relayed first."""
    while outbox.relay(ports, older_than=timedelta(seconds=-1)):
        pass
    launched = find_launched(ports, CAMPAIGN, 1)
    rules, of = launched.rules, version_of(launched).text
    plays, entries = every(ports, Play, of), every(ports, Entry, of)
    cancelled = [play for number in range(orders) for play in cancelled_plays(ports, Part(number))]
    return [
        *over_limits(rules, entries),
        *given_twice(plays, answers),
        *overspent(rules, plays, every(ports, Payment, of)),
        *(f"a cancelled order's token {play.token_id[:8]} is worth something" for play in cancelled if has_rest(play)),
        *untold(ports, plays),
        *reconcile(ports, CAMPAIGN, 1).problems,
    ]


def every(ports: Ports, model: type[R], of: str) -> list[R]:
    return list(all_of(ports.documents, model, Where("campaign", "==", of)))


def over_limits(rules: Campaign, entries: Iterable[Entry]) -> Iterator[str]:
    """Count the tokens that stand by whatever a limit speaks of."""
    standing = [entry for entry in entries if entry.outcome == "issued"]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in standing:
        for holder in entry.holders:
            counts[holder.partition("/")[0]][holder] += 1
        if len(entry.slots) != PLACES:
            yield f"limit: {entry.counted_as} holds {len(entry.slots)} places; expected {PLACES}"
        for scope in (named_slot(name)[0] for name in entry.slots):
            counts[scope.partition("/")[0]][scope] += 1
    counts["store"].update(counts.pop("free", Counter()))
    counts["campaign"] = Counter({"all": len(standing)})
    for kind in ("shopper", "household", "store", "day", "week", "campaign"):
        most = rules.most_tokens if kind == "campaign" else getattr(rules.limits, f"per_{kind}")
        found = max(counts[kind].values(), default=0)
        if most is not None and found > most:
            yield f"limit: {found} tokens of one {kind}; at most {most} are allowed"


def given_twice(plays: Iterable[Play], answers: Iterable[tuple[str, str]]) -> Iterator[str]:
    told: dict[str, set[str]] = defaultdict(set)
    for token, receipt in answers:
        told[token].add(receipt)
    moments = Counter(play.draw.moment for play in plays if play.draw and play.draw.moment is not None)
    codes = Counter(play.prize.code for play in plays if play.prize.code)
    yield from (f"twice: a token was answered in {len(each)} ways" for each in told.values() if len(each) > 1)
    yield from (f"twice: moment {moment} was won {n} times" for moment, n in moments.items() if n > 1)
    yield from (f"twice: coupon {code} was given {n} times" for code, n in codes.items() if n > 1)


def overspent(rules: Campaign, plays: Sequence[Play], payments: Iterable[Payment]) -> Iterator[str]:
    granted = Counter(play.prize.name for play in plays if play.prize.name)
    for prize in rules.prizes:
        for what, most in (("stock", prize.stock), ("moments", prize.moments)):
            if most is not None and granted[prize.name] > most:
                yield f"overspent: {granted[prize.name]} of {prize.name} were given; its {what} are {most}"
    held: Counter[str] = Counter()
    for name, portion in (each for play in plays for each in play.prize.portions.items()):
        held[name] += portion.reserved_minor - portion.released_minor
    funded = funded_parts(rules)
    yield from (
        f"overspent: prizes hold {minor} minor units of balance {name}; {funded[name]} were funded"
        for name, minor in held.items() if minor > funded[name]
    )  # fmt: skip
    yield from overpaid(plays, payments)


def overpaid(plays: Iterable[Play], payments: Iterable[Payment]) -> Iterator[str]:
    paid: Counter[str] = Counter()
    for payment in payments:
        paid[payment.token_id] += payment.counted_minor
    for play in plays:
        most = play.prize.reserved_minor + play.prize.worth_minor
        if paid[play.token_id] > most:
            yield f"overspent: {paid[play.token_id]} minor units were paid for one prize of {most}"


def cancelled_plays(ports: Ports, part: Part) -> list[Play]:
    return plays_of(ports, part) if part.is_cancelled and not part.is_free else []


def has_rest(play: Play) -> bool:
    return play.state == "open" or play.prize.held("reserved") + play.prize.payable_minor > 0


def untold(ports: Ports, plays: Iterable[Play]) -> Iterator[str]:
    """Name it if the last state of a play was told to nobody."""
    told: Mapping[str, int] = last_told(ports)
    silent = sum(told.get(play.token_id) != play.revision for play in plays)
    if silent:
        yield f"untold: the last state of {silent} plays was never published"


def last_told(ports: Ports) -> dict[str, int]:
    """Return the latest revision published of every play."""
    kept = embedded_topics(ports).recent("play-changed", 1_000_000)
    events = [PlayChanged.model_validate_json(each.data) for each in kept]
    return {event.token_id: event.revision for event in sorted(events, key=lambda event: event.revision)}
