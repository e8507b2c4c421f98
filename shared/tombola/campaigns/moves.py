"""What moves sums between their bounds: units that leave a basket and units that come in, and what that costs.

A row is a sum that must come to lie between a low and a high figure. `Take`s lower sums, by units of a line of the
basket; `Add`s raise them, by units of a kind of product at any price.
"""

from dataclasses import dataclass
from typing import NamedTuple

from tombola.campaigns.counting import FAR

MOST_STEPS = 10_000
"""Far beyond what real criteria need: some tenths of a second."""


class Row(NamedTuple):
    """A sum as it is, and what it must be, both inclusive. `is_minor`: of minor units, which prices decide."""

    value: int
    low: int = -FAR
    high: int = FAR
    is_minor: bool = False


class Take(NamedTuple):
    """Units of a line that may leave: each lowers the sums of `rows` by one and those of `minor_rows` by its price.

    A line without units leaves whole, as one. With the last unit of `product`, `product_rows` fall by one.
    """

    units: int
    paid_minor: int
    rows: tuple[int, ...]
    minor_rows: tuple[int, ...]
    product: str
    product_rows: tuple[int, ...]

    @property
    def most(self) -> int:
        """How many units can leave."""
        return max(self.units, 1)

    def lowers(self, taken: int) -> int:
        """Return by how many minor units the line falls: what is left is in proportion, rounded down."""
        return self.paid_minor - self.paid_minor * (self.most - taken) // self.most


class Add(NamedTuple):
    """Units that may come in: each raises `rows` by one, and `minor_rows` by whatever is paid. They count in `slots`.

    `needs`: only while one of these products is in the basket, or the add of this number brings one in.
    """

    rows: tuple[int, ...]
    minor_rows: tuple[int, ...]
    products: frozenset[str] = frozenset()
    needs: int | None = None
    is_more: bool = False
    slots: tuple[int, ...] = ()


class Size(NamedTuple):
    """How large a change is: units moved, then minor units moved."""

    units: int
    minor: int


class Solution(NamedTuple):
    """How many units of each take leave, of each add come in, and for how much money."""

    size: Size
    taken: tuple[int, ...]
    added: tuple[int, ...]
    paid: tuple[int, ...]


@dataclass(slots=True)
class Budget:
    """How many more steps a search may take. `spent` tells that something was left untried."""

    left: int = MOST_STEPS
    spent: bool = False

    def allows(self) -> bool:
        """Take one step, if there is one left."""
        self.left -= 1
        self.spent = self.spent or self.left < 0
        return self.left >= 0
