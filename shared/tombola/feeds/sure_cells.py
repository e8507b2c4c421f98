"""Column operations that read cells, and tell which of them surely say what was read."""

from collections.abc import Sequence
from functools import reduce
from operator import add, and_

import numpy as np
import polars as pl

from tombola.feeds.block_facts import Facts
from tombola.feeds.field_rules import Rules
from tombola.feeds.fields import GTIN_LENGTHS
from tombola.feeds.splitting import Flags

YES = [word for one in ("yes", "y", "true", "1") for word in (one, one.upper(), one.title())]
NO = [word for one in ("no", "n", "false", "0") for word in (one, one.upper(), one.title())]
_LONGEST = 15
"""Digits and mark of a number that a float tells from every other of as many digits."""


def is_one_of(text: pl.Expr, words: Sequence[str]) -> pl.Expr:
    """Tell where a text is one of these words."""
    return text == words[0] if len(words) == 1 else text.is_in(list(words))


def are_one_of(texts: pl.Series, words: Sequence[str]) -> Flags:
    """Tell which texts are one of these words."""
    found: Flags = texts.to_frame("text").select(is_one_of(pl.col("text"), words)).to_series().to_numpy()
    return found


def text_sure(text: pl.Expr, stripped: pl.Expr, known: Rules, facts: Facts) -> pl.Expr:
    """Tell where a text, and what is left of it without the blanks around it, is of the size and kind asked for."""
    longest = known.longest or 1 << 20
    if known.shortest <= 1 and facts.longest <= longest:
        long = stripped != ""
    else:
        size = stripped.str.len_bytes() if facts.ascii else stripped.str.len_chars()
        long = (size >= max(known.shortest, 1)) & (size <= longest)
    return long if facts.calm else long & ~text.str.contains(r"[\x00-\x1f\x7f-\x9f]|^\s|\s$")


def gtin_sure(text: pl.Expr) -> pl.Expr:
    """Tell where a text is digits of which the weights 1, 3, 1, 3, ... from the right add up to tens."""
    number = text.cast(pl.Int64, strict=False)  # which takes digits and a sign before them
    weighed = [(number // 10**place % 10) * (1, 3)[place % 2] for place in range(max(GTIN_LENGTHS))]
    sums: pl.Expr = reduce(add, weighed)
    sized = text.str.len_bytes().is_in(list(GTIN_LENGTHS))
    return (text >= "0") & (text < ":") & sized & number.is_not_null() & (sums % 10 == 0)


def number(text: pl.Expr, mark: str, decimals: int, known: Rules, *, calm_numbers: bool) -> tuple[pl.Expr, pl.Expr]:
    """Read plain digits with at most one mark between them: exact, for they are few. What is none of these is null.

    The bounds of what is not whole are for `in_minor_units`.
    """
    short = text.str.len_bytes() <= _LONGEST
    if decimals == 0:
        value = text.cast(pl.Int64, strict=False)  # which takes digits, and a sign before them
        return value, reduce(and_, _bounds(value, known), short & value.is_not_null())
    plain = text if mark == "." else text.str.replace(mark, ".", literal=True)
    strange = [] if calm_numbers else [text.str.contains(one, literal=True) for one in ("e", "E")]
    strange += [text.str.contains(".", literal=True)] if mark != "." else []
    begun = text >= "0"  # with a digit, or a word such as `inf`: no sign, and no mark
    return plain.cast(pl.Float64, strict=False), reduce(and_, [begun & short, *(~one for one in strange)])


def _bounds(value: pl.Expr, known: Rules) -> list[pl.Expr]:
    checks = [value >= known.least] if known.least is not None else []
    return checks + ([value <= known.most] if known.most is not None else [])


def in_minor_units(given: pl.Series, decimals: int, known: Rules) -> tuple[pl.Series, Flags]:
    """Return amounts as whole numbers, and which have no more decimals than that and stand within their bounds.

    A float tells numbers of up to 15 digits apart, and dividing rounds to the nearest float: so a whole number
    that gives the very float back is the number that was written. (Polars would multiply by the inverse,
    which does not round so.)
    """
    amounts = given.to_numpy()
    with np.errstate(all="ignore"):  # what is no number, or a huge one, is not exact
        whole = np.rint(amounts * 10**decimals)
        exact: Flags = whole / 10**decimals == amounts
    least, most = -(10**_LONGEST) if known.least is None else known.least, known.most or 10**_LONGEST
    exact &= (whole >= least) & (whole <= min(most, 10**_LONGEST))
    if not exact.all():
        whole[~exact] = 0
    return pl.Series(given.name, whole.astype(np.int64)), exact
