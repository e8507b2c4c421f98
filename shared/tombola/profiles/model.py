"""A profile as others read it."""

from dataclasses import dataclass, field
from datetime import datetime

from tombola.privacy.consent import Consent, Purpose, agreed
from tombola.profiles.facts import ShopperFacts
from tombola.profiles.reading import HALF_LIFE_WEEKS, Scores, read


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of one shopper (a pseudonym). A shopper nobody has heard of has an empty one, revision 0."""

    retailer: str
    shopper: str
    revision: int = 0
    counts: bytes = b""
    facts: ShopperFacts = field(default_factory=ShopperFacts)

    @property
    def consents(self) -> tuple[Consent, ...]:
        """Every dated consent and refusal."""
        return self.facts.consents

    def agreed(self, purpose: Purpose, at: datetime) -> bool:
        """Tell whether the shopper agreed to `purpose`, as of the aware instant `at`; without a word, no."""
        return agreed(self.facts.consents, purpose, at)

    def scores(self, at: datetime, half_life_weeks: float = HALF_LIFE_WEEKS) -> Scores:
        """Return the shopper's tastes as of `at`: empty unless the shopper then agrees to be profiled."""
        return read(self.counts if self.agreed("profile", at) else b"", half_life_weeks, at)
