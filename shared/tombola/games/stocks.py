"""How many of a prize are left: of things always, of coupons where the rules say how many there are."""

from collections.abc import Iterator
from typing import ClassVar

from tombola.campaigns.model import Campaign
from tombola.games.records import CampaignVersion, Record


class Stock(Record):
    """What is left of one prize. A win takes one in the commit that grants it, and none is ever put back.

    A thing whose order falls stays with the sponsor, as a claimed moment is never opened again: so the draws alone
    tell what was left for each of them.
    """

    COLLECTION: ClassVar[str] = "stocks"

    prize: str
    left: int

    @property
    def parts(self) -> tuple[str, ...]:
        """Campaign, version and the prize's name."""
        return (*self.of.parts, self.prize)

    def taken(self) -> "Stock":
        """Return it with one less."""
        return self.model_copy(update={"left": self.left - 1, "revision": self.revision + 1})

    def touched(self) -> "Stock":
        """Return it as it is with the next revision: for a decision that rests on what it said."""
        return self.model_copy(update={"revision": self.revision + 1})


def opening_stocks(of: CampaignVersion, rules: Campaign) -> Iterator[Stock]:
    """Yield the stocks of a campaign version at its launch."""
    return (Stock(campaign=of.text, prize=each.name, left=each.stock) for each in rules.prizes if each.stock)
