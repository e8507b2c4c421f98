"""From facts to a report: sums, local days, the comparison of arms and the reconciliation. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Literal
from zoneinfo import ZoneInfo

from tombola.campaigns.model import Campaign, Launched
from tombola.experiments.analysis import ArmSums, Comparison, Interval, compare
from tombola.reports.checks import book_checks, own_checks, reveal_check
from tombola.reports.facts import CampaignFacts, Happened, PlayTotals, Shoppers
from tombola.reports.model import ArmResult, CampaignReport, Commitment, Counts, Day, Experiment, Money, Range
from tombola.reports.stores import store_rows
from tombola.settling.reconciling import Reconciliation

MOST_DAYS = 1000
"""Days before or after the window that hold a stray fact do not make an endless table."""
_DAILY = ("proposals", "withheld", "tokens", "plays", "wins", "reserved_minor")


def assemble(
    launched: Launched, committed_at: datetime, facts: CampaignFacts, books: Reconciliation, as_of: datetime
) -> CampaignReport:
    """Return the report of one campaign version. `books` are the games' own figures, to check the facts against."""
    rules = launched.rules
    counts = _counts(facts.plays, facts.happened, facts.shoppers)
    money = _money(facts.plays, rules.pool_minor + rules.fallback_minor)
    return CampaignReport(
        campaign=rules.campaign,
        version=launched.version,
        title=rules.title,
        sponsor=rules.sponsor.name,
        retailers=rules.retailers,
        rules_hash=launched.rules_hash,
        rules_url=rules.eligibility.rules_url,
        commitment=_commitment(launched, committed_at),
        opens_at=rules.window.opens_at,
        closes_at=rules.window.closes_at,
        time_zone=rules.window.time_zone,
        currency=rules.pool.currency,
        moments=rules.moments,
        as_of=as_of,
        counts=counts,
        money=money,
        experiment=_experiment(rules, facts.shoppers, money),
        days=_days(rules, facts.happened, as_of),
        stores=store_rows(facts.stores, facts.small_store_shoppers),
        checks=(
            *own_checks(rules, counts, money, facts),
            *book_checks(counts, money, books),
            reveal_check(launched, as_of),
        ),
    )


def _commitment(launched: Launched, committed_at: datetime) -> Commitment:
    return Commitment(
        id_key=launched.commitment["id_key"],
        seed=launched.commitment["seed"],
        witness=launched.witness,
        committed_at=committed_at,
        launched_at=launched.launched_at,
        reveal_by=launched.rules.reveal_by,
    )


def _counts(plays: Iterable[PlayTotals], happened: Iterable[Happened], shoppers: Shoppers) -> Counts:
    plays, happened = list(plays), list(happened)
    made, withheld = sum(each.proposals for each in happened), sum(each.withheld for each in happened)
    first = min((each.tier for each in plays), default=1)

    def in_state(state: str) -> int:
        return sum(each.plays for each in plays if each.state == state)

    return Counts(
        proposals_made=made,
        proposals_shown=made - withheld,
        proposals_withheld=withheld,
        shoppers_reached=shoppers.invited.shoppers + shoppers.control.shoppers,
        qualifying_baskets=sum(each.plays for each in plays if each.tier == first),
        tokens_issued=sum(each.plays for each in plays),
        tokens_open=in_state("open"),
        tokens_played=in_state("played"),
        tokens_expired=in_state("expired"),
        tokens_revoked=in_state("revoked"),
        wins=sum(each.plays for each in plays if each.won),
    )


def _money(plays: Iterable[PlayTotals], pool_minor: int) -> Money:
    """Return where the money is, from the plays alone. What was paid is no longer payable, even in part."""
    plays = list(plays)
    reserved, released = sum(each.reserved_minor for each in plays), sum(each.released_minor for each in plays)

    def held(prize_state: str) -> int:
        some = [each for each in plays if each.prize_state == prize_state]
        return sum(each.reserved_minor - each.released_minor - each.payable_minor for each in some)

    return Money(
        pool_minor=pool_minor,
        reserved_minor=reserved,
        released_minor=released,
        waiting_minor=held("reserved"),
        payable_minor=sum(each.payable_minor for each in plays),
        paid_minor=held("paid") + held("claimed"),
        left_minor=pool_minor - reserved + released,
    )


def _experiment(rules: Campaign, shoppers: Shoppers, money: Money) -> Experiment:
    """Return the comparison of arms, net of prizes only where none but the invited could win."""
    by_invitation = rules.control.mode == "invitation"
    found = compare(
        shoppers.invited,
        shoppers.control,
        share=rules.control.share,
        prizes_minor=money.prizes_minor if by_invitation else None,
    )
    return experiment_part(rules.control.mode, rules.control.share, found)


def experiment_part(mode: Literal["invitation", "banner"], share: Decimal, found: Comparison) -> Experiment:
    """Return a comparison as the report shows it."""
    return Experiment(
        mode=mode,
        share=str(share),
        invited=_arm(found.invited),
        control=_arm(found.control),
        difference_minor=found.difference_minor,
        interval=_range(found.interval),
        ratio=found.ratio,
        prize_minor=found.prize_minor,
        net_minor=found.net_minor,
        net_interval=_range(found.net_interval),
        degrees_of_freedom=found.interval.degrees_of_freedom if found.interval else None,
        decided=found.decided,
        undecided=found.undecided,
        split_probability=found.imbalance,
        balanced=found.balanced,
    )


def _arm(sums: ArmSums) -> ArmResult:
    mean = float(sums.mean) if sums.shoppers else None
    return ArmResult(shoppers=sums.shoppers, value_minor=sums.total_minor, mean_minor=mean)


def _range(interval: Interval | None) -> Range | None:
    return None if interval is None else Range(low_minor=interval.low, high_minor=interval.high)


def _days(rules: Campaign, happened: Sequence[Happened], as_of: datetime) -> tuple[Day, ...]:
    """Return every local day from the opening to the close, the last fact or the present, whichever is right.

    A day on which nothing happened is a row of zeros.
    """
    zone = ZoneInfo(rules.window.time_zone)
    sums: dict[date, dict[str, int]] = {}
    for each in happened:
        day = sums.setdefault(each.at.astimezone(zone).date(), dict.fromkeys(_DAILY, 0))
        for name in _DAILY:
            day[name] += getattr(each, name)
    return tuple(_filled(_span(rules, sums, as_of.astimezone(zone).date()), sums))


def _span(rules: Campaign, sums: Mapping[date, object], today: date) -> list[date]:
    closing = (rules.window.closes - timedelta(microseconds=1)).date()
    first = min(rules.window.opens.date(), *sums, rules.window.opens.date())
    last = max(min(closing, today), first, *sums)
    if (last - first).days >= MOST_DAYS:
        return sorted({*sums, rules.window.opens.date()})
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def _filled(days: Iterable[date], sums: Mapping[date, Mapping[str, int]]) -> Iterable[Day]:
    rows = [(day, sums.get(day) or dict.fromkeys(_DAILY, 0)) for day in days]
    totals = accumulate(row["reserved_minor"] for _, row in rows)
    for (day, row), total in zip(rows, totals, strict=True):
        yield Day(day=day, **row, cumulative_reserved_minor=total)
