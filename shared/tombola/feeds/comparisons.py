"""Rules across columns, as column operations."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, or_

import polars as pl

from tombola.feeds.rules import Comparison, Times, Wrong


def expression(when: Sequence[Comparison]) -> pl.Expr:
    """Return where all comparisons hold; never null."""
    return reduce(and_, map(_compared, when)).fill_null(value=False)


def breaks(rules: Sequence[Wrong]) -> pl.Expr:
    """Return where any rule is broken."""
    return reduce(or_, (expression(rule.when) for rule in rules), pl.lit(value=False))


def _compared(comparison: Comparison) -> pl.Expr:
    field, operator, other = comparison
    left = pl.col(field)
    right = pl.col(other.field) * other.factor if isinstance(other, Times) else pl.lit(other)
    found: Mapping[str, Callable[[], pl.Expr]] = {
        "==": lambda: left == right,
        ">": lambda: left > right,
        "contains": lambda: left.str.contains(right, literal=True),
        "missing": left.is_null,
        "given": left.is_not_null,
    }
    return found[operator]()
