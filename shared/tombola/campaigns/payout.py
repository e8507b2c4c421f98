"""What a campaign will probably pay out: its draw and its prizes, played many times over, with fixed seeds.

How many win is drawn as the rules say, and what each wins from baskets that were really bought: a compound
distribution, simulated. Everything doubtful errs on the dear side: every winning moment for which there is a play is
claimed, and plays go on when a prize has run out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING

from tombola.campaigns.model import Campaign
from tombola.campaigns.winning import Prize

if TYPE_CHECKING:
    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

RUNS = 10_000
FEWEST_RUNS = 2_000
MOST_DRAWS = 50_000_000
"""Prizes that are drawn in all: with many wins a run there are fewer runs, which then differ little."""
DRAWS_AT_ONCE = 2_000_000
HIGH = 0.999


@dataclass(frozen=True, slots=True)
class Payout:
    """What so many `tokens`, all of them played, cost in `runs` simulations, in minor units.

    `expected_minor` is the mean of everything, coupons at face value and things at their value; `money_minor` the part
    of it that is money. `high_minor`: 99.9% of the runs cost no more. `standard_error_minor` is that of the mean,
    rounded up. `wins`: plays that win on average; `ran_out`: share of the runs in which something ran out.
    """

    tokens: int
    runs: int
    expected_minor: int
    high_minor: int
    standard_error_minor: int
    money_minor: int
    wins: float
    ran_out: float


def simulate(rules: Campaign, bases: Sequence[int], tokens: int, seed: int, runs: int = RUNS) -> Payout:
    """Return what a number of tokens is likely to cost: the same arguments, the same answer.

    `bases` are what prizes by the basket's value are made of, in minor units, one per basket that qualified
    (`tombola.campaigns.prizes.prize_base_minor`); each play draws one of them. Not more tokens are played than the
    rules let be. Raises `ValueError` when bases are needed and there are none.
    """
    import numpy as np  # noqa: PLC0415 (heavy: only where payouts are simulated)

    if not len(bases) and any(prize.kind == "basket_value" for prize in rules.prizes):
        msg = "no basket values; expected at least one where a prize is by the basket's value"
        raise ValueError(msg)
    tokens = tokens if rules.most_tokens is None else min(tokens, rules.most_tokens)
    runs = min(runs, max(FEWEST_RUNS, MOST_DRAWS // max(_expected_wins(rules, tokens), 1)))
    generator = np.random.default_rng(seed)
    wins = _wins(rules, tokens, runs, generator)
    money, ran_out = _money(rules, np.maximum(np.asarray(bases, dtype=np.int64), 0), wins, generator)
    worth, short = _things(rules, wins)
    fallback = rules.when_empty.fallback if rules.when_empty else None
    refused = (ran_out + short) * (rules.minor(fallback.worth) if fallback else 0)
    paid = money + refused if fallback and fallback.kind == "fixed" else money
    total = sorted((money + refused + worth).tolist())
    return Payout(
        tokens=tokens,
        runs=runs,
        expected_minor=round(sum(total) / runs),
        high_minor=total[ceil(HIGH * runs) - 1],
        standard_error_minor=ceil(float(np.std(total)) / sqrt(runs)),
        money_minor=round(sum(paid.tolist()) / runs),
        wins=float(wins.sum(axis=1).mean()),
        ran_out=float(((ran_out + short) > 0).mean()),
    )


def _expected_wins(rules: Campaign, tokens: int) -> int:
    if rules.draw.kind == "winning_moments":
        return min(rules.moments, tokens)
    return ceil(tokens * sum(prize.probability for prize in rules.prizes))


def _wins(rules: Campaign, tokens: int, runs: int, generator: "Generator") -> "Numbers":
    """Return how many of each prize are won: one row per run, one column per prize."""
    if rules.draw.kind == "winning_moments":
        moments = [prize.moments or 0 for prize in rules.prizes]
        return generator.multivariate_hypergeometric(moments, min(sum(moments), tokens), size=runs)
    chances = [prize.probability for prize in rules.prizes]
    shares = [float(chance) for chance in (*chances, 1 - sum(chances))]
    return generator.multinomial(tokens, shares, size=runs)[:, :-1]


def _things(rules: Campaign, wins: "Numbers") -> "tuple[Numbers, Numbers]":
    """Return what coupons and things are worth per run, and how often there was none left."""
    import numpy as np  # noqa: PLC0415 (heavy)

    worth, short = np.zeros(len(wins), dtype=np.int64), np.zeros(len(wins), dtype=np.int64)
    for column, prize in enumerate(rules.prizes):
        if not prize.is_money:
            granted = wins[:, column] if prize.stock is None else np.minimum(wins[:, column], prize.stock)
            worth += granted * rules.worth_minor(prize)
            short += wins[:, column] - granted
    return worth, short


def _money(rules: Campaign, bases: "Numbers", wins: "Numbers", generator: "Generator") -> "tuple[Numbers, Numbers]":
    """Return the money that the pool pays per run, and how many wins it could not pay."""
    import numpy as np  # noqa: PLC0415 (heavy)

    paid, refused = np.zeros(len(wins), dtype=np.int64), np.zeros(len(wins), dtype=np.int64)
    for rows in _batches(wins.sum(axis=1)):
        drawn = [_amounts(rules, prize, bases, wins[rows, n], generator) for n, prize in enumerate(rules.prizes)]
        paid[rows] = sum(_sums(amounts, wins[rows, n]) for n, amounts in enumerate(drawn))
        ends = np.cumsum(wins[rows], axis=0)
        for row in np.flatnonzero(paid[rows] > rules.pool_minor):
            place = rows.start + int(row)
            begins = ends[row] - wins[place]
            parts = [amounts[begin:end] for amounts, begin, end in zip(drawn, begins, ends[row], strict=True)]
            paid[place], refused[place] = _until_empty(generator.permutation(np.concatenate(parts)), rules.pool_minor)
    return paid, refused


def _batches(wins: "Numbers") -> Iterator[slice]:
    """Yield runs that together draw no more than fits into memory."""
    each = max(DRAWS_AT_ONCE // max(int(wins.max(initial=0)), 1), 1)
    return (slice(start, min(start + each, len(wins))) for start in range(0, len(wins), each))


def _amounts(rules: Campaign, prize: Prize, bases: "Numbers", wins: "Numbers", generator: "Generator") -> "Numbers":
    """Return what each win of a prize brings in money, run after run; 0 for a thing or a coupon."""
    import numpy as np  # noqa: PLC0415 (heavy)

    count = int(wins.sum())
    worth = rules.worth_minor(prize) if prize.is_money else 0
    if prize.kind == "basket_value":
        return np.minimum(bases[generator.integers(len(bases), size=count)], worth)
    return np.full(count, worth, dtype=np.int64)


def _sums(amounts: "Numbers", wins: "Numbers") -> "Numbers":
    """Return the sum of every run's amounts."""
    import numpy as np  # noqa: PLC0415 (heavy)

    upto = np.concatenate(([0], np.cumsum(amounts)))
    ends = np.cumsum(wins)
    sums: Numbers = upto[ends] - upto[ends - wins]
    return sums


def _until_empty(amounts: "Numbers", pool: int) -> tuple[int, int]:
    """Return what a pool pays of amounts in this order, each if there is still enough, and how many it does not."""
    import numpy as np  # noqa: PLC0415 (heavy)

    left, refused = pool, 0
    while amounts.size:
        upto = np.cumsum(amounts)
        paid = int(np.searchsorted(upto, left, side="right"))
        left -= int(upto[paid - 1]) if paid else 0
        payable = amounts[paid:][amounts[paid:] <= left]
        refused += amounts.size - paid - payable.size
        amounts = payable
    return pool - left, refused
