"""Checks of what can be won and of the money behind it."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from tombola.campaigns.check_criteria import conditions
from tombola.campaigns.findings import Check, Finding, Known, Note, looked_up
from tombola.campaigns.liability import liability, most_won
from tombola.campaigns.model import Campaign
from tombola.campaigns.selecting import Exclusions
from tombola.campaigns.winning import WORTH, Prize
from tombola.games.winnings import FALLBACK
from tombola.money import EXPONENTS, major_units
from tombola.problems import Path


def _one_currency(campaign: Campaign, retailers: Known) -> Iterator[Finding]:
    currency = campaign.pool.currency
    if currency not in EXPONENTS:
        yield Finding(("pool", "currency"), repr(currency), "a currency of ISO 4217 in the table of tombola.money")
    for index, name, retailer in looked_up(campaign, retailers):
        if retailer.currency != currency:
            expected = f"one currency; {name} sells in {retailer.currency}"
            yield Finding(("retailers", index), f"a pool in {currency}", expected)


Amounts = Callable[[Campaign], Iterator[tuple[Path, Decimal]]]


def _whole_minor_units(amounts: Amounts) -> Check:
    """Return the check that these amounts have no more decimals than the currency; each part of a file has its own."""

    def check(campaign: Campaign, _: Known) -> Iterator[Finding]:
        for path, amount in amounts(campaign) if campaign.pool.currency in EXPONENTS else ():
            try:
                campaign.minor(amount)
            except ValueError as error:
                found, expected = str(error).split("; expected ")
                yield Finding(path, found, expected)

    return check


def _of_pool(campaign: Campaign) -> Iterator[tuple[Path, Decimal]]:
    yield ("pool", "amount"), campaign.pool.amount
    yield ("pool", "unrecovered_returns"), campaign.pool.unrecovered_returns


def _of_prizes(campaign: Campaign) -> Iterator[tuple[Path, Decimal]]:
    for index, prize in enumerate(campaign.prizes):
        yield ("prizes", index, WORTH[prize.kind]), prize.worth


def _of_criteria(campaign: Campaign) -> Iterator[tuple[Path, Decimal]]:
    for path, condition in conditions(campaign):
        for bound in ("minimum_spend", "maximum_spend"):
            if (amount := getattr(condition, bound)) is not None:
                yield (*path, bound), amount


def _of_audience(campaign: Campaign) -> Iterator[tuple[Path, Decimal]]:
    for index, segment in enumerate(campaign.audience.segments):
        if segment.minimum_spend is not None:
            yield ("audience", "segments", index, "minimum_spend"), segment.minimum_spend


def _of_fallback(campaign: Campaign) -> Iterator[tuple[Path, Decimal]]:
    if campaign.when_empty and campaign.when_empty.fallback:
        yield ("when_empty", "fallback", "worth"), campaign.when_empty.fallback.worth


def _of_free_entry(campaign: Campaign) -> Iterator[tuple[Path, Decimal]]:
    if campaign.free_entry:
        yield ("free_entry", "amount"), campaign.free_entry.amount


def _names_of_prizes(campaign: Campaign, _: Known) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, prize in enumerate(campaign.prizes):
        path: Path = ("prizes", index, "name")
        if prize.name == FALLBACK:
            yield Finding(path, repr(FALLBACK), "another name: it is that of the prize once all others are gone")
        elif prize.name in seen:
            yield Finding(path, f"{prize.name!r} a second time", "a name of its own for every prize")
        seen.add(prize.name)


def _prizes_fit_the_draw(campaign: Campaign, _: Known) -> Iterator[Finding]:
    wanted, other = ("chance", "moments") if campaign.draw.kind == "odds" else ("moments", "chance")
    for index, prize in enumerate(campaign.prizes):
        if getattr(prize, wanted) is None:
            yield Finding(("prizes", index), f"no {wanted}", f"{wanted}, as the draw is by {campaign.draw.kind}")
        if getattr(prize, other) is not None:
            path: Path = ("prizes", index, other)
            yield Finding(path, str(getattr(prize, other)), f"none, as the draw is by {campaign.draw.kind}")
    if campaign.draw.kind == "odds" and (total := sum(prize.probability for prize in campaign.prizes)) > 1:
        yield Finding(("prizes",), f"chances of {float(total):.4g} together", "at most 1")


def _says_what_happens_when_empty(campaign: Campaign, _: Known) -> Iterator[Finding | Note]:
    if campaign.when_empty is None:
        if campaign.draw.kind == "odds":
            yield Finding(("when_empty",), "nothing", "with odds, a fallback or the words that announced a loss")
        return
    fallback = campaign.when_empty.fallback
    if fallback is None:
        return
    if fallback.kind == "fixed" and campaign.most_tokens is None:
        expected = "limits.per_campaign: money is set aside for every token there can be"
        yield Finding(("when_empty", "fallback"), "a fallback of money for any number of tokens", expected)
    if campaign.draw.kind == "winning_moments" and all(_lasts(campaign, prize) for prize in campaign.prizes):
        yield Note(("when_empty", "fallback"), "is never won: there is a prize for every winning moment")


def _stock_lasts(campaign: Campaign, _: Known) -> Iterator[Finding | Note]:
    for index, prize in enumerate(campaign.prizes):
        path: Path = ("prizes", index, "stock")
        if _lasts(campaign, prize):
            continue
        if prize.moments is not None and (prize.kind == "physical" or campaign.when_empty is None):
            yield Finding(path, str(prize.stock), f"at least the {prize.moments} moments that win it")
        elif prize.moments is not None:
            yield Note(path, f"{prize.stock} for {prize.moments} moments: the others win what when_empty says")
        elif (expected := prize.probability * most_won(campaign, prize)) > (prize.stock or 0):
            says = f"{prize.stock}, where {float(expected):.0f} wins are to be expected: it will probably run out"
            yield Note(path, says)


def _lasts(campaign: Campaign, prize: Prize) -> bool:
    return prize.stock is None or most_won(campaign, prize) <= prize.stock


def _pool_pays_the_worst_case(campaign: Campaign, _: Known) -> Iterator[Finding]:
    try:
        worst = liability(campaign)
    except ValueError:
        return  # said by _whole_minor_units
    if campaign.draw.kind == "odds":
        yield from _pool_pays_one_win(campaign)
    elif not worst.covered:
        each = (
            f"{prize.moments} moments x {prize.worth}" for prize in campaign.prizes if prize.is_money and prize.moments
        )
        most = f"{' + '.join(each)} = {_money(worst.money_minor, worst.currency)}"
        yield Finding(("pool", "amount"), _money(worst.pool_minor, worst.currency), f"at least the worst case: {most}")


def _money(minor: int, currency: str) -> str:
    return f"{major_units(minor, currency)} {currency}"


def _pool_pays_one_win(campaign: Campaign) -> Iterator[Finding]:
    for index, prize in enumerate(campaign.prizes):
        if prize.is_money and prize.worth > campaign.pool.amount:
            expected = f"at most the pool, {campaign.pool.amount} {campaign.pool.currency}"
            yield Finding(("prizes", index, WORTH[prize.kind]), str(prize.worth), expected)


def _bound_on_returns(campaign: Campaign, _: Known) -> Iterator[Finding | Note]:
    path: Path = ("pool", "unrecovered_returns")
    stated, most = campaign.pool.unrecovered_returns, campaign.pool.amount
    if stated > most:
        yield Finding(path, str(stated), f"at most the pool, {most}: nothing else is paid and can be lost")
    elif not stated and not campaign.matures_after_days and any(prize.is_money for prize in campaign.prizes):
        says = "prizes are due at once, so orders may come back after they are paid; state what may be lost by that"
        yield Note(path, says)


def _excluded_tenders(campaign: Campaign, _: Known) -> Iterator[Note]:
    missing = [name for name in Exclusions().tenders if not campaign.exclude.excludes_tender(name)]
    if missing and any(prize.kind == "basket_value" for prize in campaign.prizes):
        yield Note(("exclude", "tenders"), f"a prize pays back what {', '.join(missing)} paid")


def _limits_that_bind(campaign: Campaign, _: Known) -> Iterator[Note]:
    """Warn of a limit that another one keeps from ever being reached."""
    limits = campaign.limits
    tighter = (
        ("per_shopper", "per_household"), ("per_day", "per_week"), ("per_week", "per_campaign"),
        ("per_store", "per_campaign"),
    )  # fmt: skip
    for inner, outer in tighter:
        low, high = getattr(limits, inner), getattr(limits, outer)
        if low is not None and high is not None and low > high:
            yield Note(("limits", inner), f"{low} is never reached: {outer} is {high}")
    plays = campaign.draw.maximum_plays
    if plays is not None and limits.per_campaign is not None and limits.per_campaign > plays:
        yield Note(("limits", "per_campaign"), f"{limits.per_campaign} is never reached: maximum_plays is {plays}")


MONEY: tuple[tuple[tuple[str, ...], Check], ...] = (
    (("retailers", "pool"), _one_currency),
    (("pool",), _whole_minor_units(_of_pool)),
    (("pool", "prizes"), _whole_minor_units(_of_prizes)),
    (("pool", "criteria", "further_tiers"), _whole_minor_units(_of_criteria)),
    (("pool", "audience"), _whole_minor_units(_of_audience)),
    (("pool", "when_empty"), _whole_minor_units(_of_fallback)),
    (("pool", "free_entry"), _whole_minor_units(_of_free_entry)),
    (("prizes",), _names_of_prizes),
    (("prizes", "draw"), _prizes_fit_the_draw),
    (("prizes", "draw", "when_empty", "limits"), _says_what_happens_when_empty),
    (("prizes", "draw", "when_empty", "limits"), _stock_lasts),
    (("pool", "prizes", "draw", "limits", "when_empty"), _pool_pays_the_worst_case),
    (("pool", "prizes", "matures_after_days"), _bound_on_returns),
    (("exclude", "prizes"), _excluded_tenders),
    (("limits", "draw"), _limits_that_bind),
)
"""Each check with the top-level fields it reads."""
