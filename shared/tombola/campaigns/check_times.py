"""Checks of when: clocks, weekly hours, the reveal, and whether the rates fit the documents that carry them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tombola.campaigns.audience import DAYS, Hours
from tombola.campaigns.findings import Check, Finding, Known, Note
from tombola.campaigns.liability import most_won
from tombola.campaigns.model import Campaign, Window
from tombola.campaigns.winning import money_chance
from tombola.games.limits import slot_count
from tombola.games.opening import MAX_BALANCES, WINS_PER_SECOND
from tombola.problems import Path

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
WRITES_PER_SECOND = 1
"""What one document sustains in Firestore."""
PEAK = 4
"""Times the average that a busy hour is taken to bring."""


def _revealed_after_the_last_play(campaign: Campaign, _: Known) -> Iterator[Finding]:
    if campaign.reveal_by <= campaign.last_play_at:
        expected = f"an instant after the last play can happen, {campaign.last_play_at.isoformat()}"
        yield Finding(("reveal_by",), campaign.reveal_by.isoformat(), expected)


def _the_clock_shows_it(campaign: Campaign, _: Known) -> Iterator[Finding | Note]:
    zone = ZoneInfo(campaign.window.time_zone)
    for name, local in (("opens", campaign.window.opens), ("closes", campaign.window.closes)):
        if _round_trip(local, zone) != local:
            expected = f"a time that clocks in {campaign.window.time_zone} show; they skip this one"
            yield Finding(("window", name), local.isoformat(), expected)
        elif local.replace(tzinfo=zone).utcoffset() != local.replace(tzinfo=zone, fold=1).utcoffset():
            first = local.replace(tzinfo=zone).astimezone(UTC)
            says = f"clocks in {campaign.window.time_zone} show this time twice; the first counts, {first:%H:%M} UTC"
            yield Note(("window", name), says)


def _round_trip(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)


def _hours_inside_the_window(campaign: Campaign, _: Known) -> Iterator[Finding]:
    for index, hours in enumerate(campaign.weekly_hours):
        if not _meets(hours, campaign.window):
            expected = f"a time inside the window, {campaign.window.opens} to {campaign.window.closes}"
            yield Finding(("weekly_hours", index), f"hours on {', '.join(hours.days)} that never come", expected)


def _meets(hours: Hours, window: Window) -> bool:
    """Tell whether hours come at least once. Within eight days every one of them has begun."""
    midnight = window.opens.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (midnight + number * DAY for number in range(9))
    spans = (_span(hours, day) for day in days if DAYS[day.weekday()] in hours.days)
    return any(begins < window.closes and window.opens < ends for begins, ends in spans)


def _span(hours: Hours, day: datetime) -> tuple[datetime, datetime]:
    ends = datetime.combine(day, hours.ends)
    return datetime.combine(day, hours.begins), ends if ends > day else day + DAY


def _slots_carry_the_limits(campaign: Campaign, _: Known) -> Iterator[Finding | Note]:
    """Compare what each limit lets through, over the time it is open, with what its documents sustain."""
    day, week = _open_time(campaign.weekly_hours)
    whole, limits = campaign.window.closes_at - campaign.window.opens_at, campaign.limits
    in_all = week * (whole / WEEK)
    tokens: tuple[tuple[Path, int | None, timedelta], ...] = (
        (("limits", "per_store"), limits.per_store, in_all),
        (("limits", "per_day"), limits.per_day, day),
        (("limits", "per_week"), limits.per_week, week),
        (("limits", "per_campaign"), limits.per_campaign, in_all),
        (("draw", "maximum_plays"), campaign.draw.maximum_plays, in_all),
    )
    for path, most, span in tokens:
        if most is not None and (seconds := min(span, whole).total_seconds()) > 0:
            yield from _carried(path, most, seconds)


def _carried(path: Path, most: int, seconds: float) -> Iterator[Finding | Note]:
    rate, slots = most / seconds, slot_count(most)
    found = f"{most} tokens in {seconds / 3600:.1f} open hours, {rate:.1f} a second"
    if rate > slots * WRITES_PER_SECOND:
        yield Finding(path, found, f"at most {slots * WRITES_PER_SECOND} a second, which {slots} slots carry")
    elif rate * PEAK > slots * WRITES_PER_SECOND:
        yield Note(path, f"{found}; at {PEAK} times the average its {slots} slots delay check-outs")


def _open_time(weekly: tuple[Hours, ...]) -> tuple[timedelta, timedelta]:
    """Return how long the campaign is open on its longest day and in a whole week."""
    if not weekly:
        return DAY, WEEK
    monday = datetime(2024, 1, 1)  # noqa: DTZ001 (any Monday, local time)
    days = [_open_on(weekly, monday + number * DAY) for number in range(7)]
    return max(days), sum(days, timedelta())


def _open_on(weekly: tuple[Hours, ...], day: datetime) -> timedelta:
    total, upto = timedelta(), day
    for begins, ends in sorted(_span(hours, day) for hours in weekly if DAYS[day.weekday()] in hours.days):
        total += max(ends - max(begins, upto), timedelta())
        upto = max(upto, ends)
    return total


def _documents_carry_the_wins(campaign: Campaign, _: Known) -> Iterator[Finding]:
    """Compare wins a second with what the balances, and the one document of each stock, sustain."""
    seconds = (campaign.window.closes_at - campaign.window.opens_at).total_seconds()
    if campaign.draw.kind == "odds":
        wins = float((campaign.most_tokens or 0) * money_chance(campaign.prizes)) / seconds
        if wins > (most := MAX_BALANCES * WINS_PER_SECOND):
            found = f"{wins:.1f} wins of money a second on average"
            yield Finding(("draw", "maximum_plays"), found, f"at most {most}, which the balances carry")
    for index, prize in enumerate(campaign.prizes):
        won = most_won(campaign, prize)
        expected = float(won * prize.probability) if campaign.draw.kind == "odds" else float(won)
        if prize.stock and (rate := expected / seconds) > WRITES_PER_SECOND:
            found = f"{rate:.1f} wins a second on average"
            yield Finding(("prizes", index, "stock"), found, f"at most {WRITES_PER_SECOND}, which one stock carries")


TIMES: tuple[tuple[tuple[str, ...], Check], ...] = (
    (("reveal_by", "window", "play_within_days"), _revealed_after_the_last_play),
    (("window",), _the_clock_shows_it),
    (("window", "weekly_hours"), _hours_inside_the_window),
    (("window", "weekly_hours", "limits", "draw"), _slots_carry_the_limits),
    (("window", "prizes", "draw", "limits"), _documents_carry_the_wins),
)
"""Each check with the top-level fields it reads."""
