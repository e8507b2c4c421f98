"""What a campaign brought: the invited against the control group, by assignment.

The unit is the shopper. Everybody who reached the decision point counts in the arm they were assigned
to, whether they then saw a banner, bought anything, or played; never those who were exposed against
those who were not, who differ in more than the banner. Amounts are minor units.

Per arm only a count and two exact whole-number sums are needed, so that a warehouse adds them up, in any
order, to the same last digit.

Sources: B. L. Welch, "The generalization of 'Student's' problem when several different population
variances are involved", Biometrika 34 (1947), for the interval; F. E. Satterthwaite, "An approximate
distribution of estimates of variance components", Biometrics Bulletin 2 (1946), for its degrees of freedom.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

CONFIDENCE = 0.95
IMBALANCE_BELOW = 0.001
"""Group sizes less likely than this are called a fault of the experiment, not chance."""
SMALLEST_GROUP = 2
"""One shopper has no spread, so nothing can be said about the uncertainty of their mean."""
TELLING_GROUP = 30
"""Means of fewer shoppers hang on one or two baskets: no ratio is made of them, and words say how few they are."""

Undecided = Literal["no-control", "too-few-shoppers", "no-spread"]


@dataclass(frozen=True, slots=True)
class ArmSums:
    """One arm: how many shoppers, the sum of their values and the sum of their squared values."""

    shoppers: int
    total_minor: int
    squares: int

    @classmethod
    def of(cls, values_minor: Iterable[int]) -> "ArmSums":
        """Return the sums over one value per shopper."""
        values = list(values_minor)
        return cls(len(values), sum(values), sum(value * value for value in values))

    @property
    def mean(self) -> Fraction:
        """Mean value per shopper, exact. Raises `ZeroDivisionError` for an empty arm."""
        return Fraction(self.total_minor, self.shoppers)

    @property
    def variance(self) -> Fraction:
        """Sample variance, exact. Raises `ZeroDivisionError` for fewer than two shoppers."""
        return (self.squares - self.total_minor * self.mean) / (self.shoppers - 1)


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval of minor units, and the degrees of freedom it was computed with."""

    low: float
    high: float
    degrees_of_freedom: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Value per shopper, invited minus control.

    `difference_minor` and `interval` are before prizes. `prize_minor` is what prizes cost per invited
    shopper, a known sum and not a sample, so it moves the interval and does not widen it; None where
    both arms could win, for then prizes cannot be told apart by arm. `ratio` is invited over control,
    where it can be told: both arms of `TELLING_GROUP` shoppers, and an interval that does not reach below the
    invited having spent nothing at all.
    `undecided` says why there is no interval. `imbalance` is the probability of group sizes at least
    this far from the share, were the assignment sound; None without a share.
    """

    invited: ArmSums
    control: ArmSums
    difference_minor: float | None
    ratio: float | None
    interval: Interval | None
    undecided: Undecided | None
    prize_minor: float | None
    imbalance: float | None

    @property
    def balanced(self) -> bool:
        """Whether the group sizes agree with the share they were drawn with."""
        return self.imbalance is None or self.imbalance >= IMBALANCE_BELOW

    @property
    def decided(self) -> bool:
        """Whether the interval before prizes leaves zero out: chance alone would seldom do this."""
        return self.interval is not None and not self.interval.low <= 0 <= self.interval.high

    @property
    def net_minor(self) -> float | None:
        """Difference after prizes. None where either is unknown."""
        if self.difference_minor is None or self.prize_minor is None:
            return None
        return self.difference_minor - self.prize_minor

    @property
    def net_interval(self) -> Interval | None:
        """The interval after prizes. None where either is unknown."""
        if self.interval is None or self.prize_minor is None:
            return None
        low, high = self.interval.low - self.prize_minor, self.interval.high - self.prize_minor
        return Interval(low, high, self.interval.degrees_of_freedom)


def compare(invited: ArmSums, control: ArmSums, *, share: Decimal, prizes_minor: int | None) -> Comparison:
    """Compare the arms of one campaign.

    `share` is the probability of control, 0 where there is no control group. `prizes_minor` is what all
    prizes cost together where only the invited could win, else None.
    """
    undecided = _undecided(invited, control, share)
    both = bool(invited.shoppers and control.shoppers)
    interval = None if undecided else welch_interval(invited, control)
    return Comparison(
        invited=invited,
        control=control,
        difference_minor=float(invited.mean - control.mean) if both else None,
        ratio=float(invited.mean / control.mean) if interval and _can_tell_ratio(invited, control, interval) else None,
        interval=interval,
        undecided=undecided,
        prize_minor=prizes_minor / invited.shoppers if prizes_minor is not None and invited.shoppers else None,
        imbalance=sample_ratio_mismatch(invited.shoppers, control.shoppers, share) if 0 < share < 1 else None,
    )


def _undecided(invited: ArmSums, control: ArmSums, share: Decimal) -> Undecided | None:
    if share == 0 and not control.shoppers:
        return "no-control"
    if min(invited.shoppers, control.shoppers) < SMALLEST_GROUP:
        return "too-few-shoppers"
    return None if invited.variance or control.variance else "no-spread"


def _can_tell_ratio(invited: ArmSums, control: ArmSums, interval: Interval) -> bool:
    """Tell whether a percentage would mean something; an interval past -100% says that it would not."""
    enough = min(invited.shoppers, control.shoppers) >= TELLING_GROUP
    return enough and control.total_minor > 0 and interval.low >= -control.mean


def welch_interval(invited: ArmSums, control: ArmSums, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of the difference of means that Welch's t gives.

    Both arms need two shoppers, and one of them some spread (`ZeroDivisionError` otherwise).
    """
    from scipy.special import stdtrit  # noqa: PLC0415 (costs a second, and only reports need it)

    errors = [arm.variance / arm.shoppers for arm in (invited, control)]
    total = sum(errors, Fraction())
    parts = zip(errors, (invited, control), strict=True)
    freedom = float(total**2 / sum(error**2 / (arm.shoppers - 1) for error, arm in parts))
    reach = float(stdtrit(freedom, (1 + confidence) / 2)) * float(total) ** 0.5
    difference = float(invited.mean - control.mean)
    return Interval(difference - reach, difference + reach, freedom)


def sample_ratio_mismatch(invited: int, control: int, share: Decimal) -> float:
    """Return the exact two-sided binomial probability of so uneven a split: twice the smaller tail, at most 1."""
    from scipy.special import bdtr, bdtrc  # noqa: PLC0415 (costs a second, and only reports need it)

    total = invited + control
    if not total:
        return 1.0
    at_most = float(bdtr(control, total, float(share)))
    at_least = float(bdtrc(control - 1, total, float(share))) if control else 1.0
    return min(1.0, 2 * min(at_most, at_least))
