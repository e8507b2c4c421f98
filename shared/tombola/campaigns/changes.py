"""The smallest change of a basket that meets all criteria together: what to add, what to take out.

The order of preference: nothing taken out before something; then the fewest units added and taken out, together; then
the least money. A unit may be of any product that counts and cost anything, so what must be added in money is said in
minor units. A unit taken out takes its share of what its line cost along.
"""

from dataclasses import dataclass
from typing import Literal

from tombola.campaigns.selecting import Selection


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a change.

    `add`: exactly `units` units of products that every selection `of` and none `but_not` means, for at least `minor`
    minor units together, and at most `most_minor`. `products` of them, and at most `most_products`, must be different
    products that are not in the basket yet. `take_out`: so many units of the line `line_id`, worth `minor`; a line
    without units leaves whole.
    """

    action: Literal["add", "take_out"]
    units: int
    minor: int = 0
    of: tuple[Selection, ...] = (Selection(),)
    but_not: tuple[Selection, ...] = ()
    most_minor: int | None = None
    products: int = 0
    most_products: int | None = None
    line_id: str = ""
    product_id: str = ""
    product_name: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """The smallest change: all its steps together. Without steps none is needed; if not `possible`, none would do.

    `is_proven`: nothing smaller exists. It is False only where criteria are so entangled that the search was cut short;
    the change then still does, but a smaller one may too, and where none is `possible` one may exist.
    """

    steps: tuple[Step, ...] = ()
    possible: bool = True
    is_proven: bool = True

    @property
    def size(self) -> tuple[int, int, int]:
        """1 if anything is taken out, the units, and the minor units, in the order of preference."""
        takes_out = any(step.action == "take_out" for step in self.steps)
        return int(takes_out), sum(step.units for step in self.steps), sum(step.minor for step in self.steps)
