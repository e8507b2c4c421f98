"""What a decision on one tier rests on, and what it comes to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tombola.campaigns.model import Launched
from tombola.games.eligibility import Evaluation
from tombola.games.entries import FIRST_TIER, Entry
from tombola.games.ledger import Balance
from tombola.games.limits import named_slot
from tombola.games.plays import Play
from tombola.games.records import CampaignVersion, Record, version_of
from tombola.issuing.entrants import Entrant
from tombola.issuing.places import Places, Wanted


@dataclass(frozen=True, slots=True)
class Case:
    """One entrant and one tier of a campaign version, with everything the decision rests on.

    `wanted` are the places a token of it needs. `token_id` and `signing_version` are needed where a token may be
    issued. `products` is what the entry is to remember of the catalogue. `is_erased`: the shopper asked to be
    forgotten, and is given nothing new.
    """

    launched: Launched
    entrant: Entrant
    evaluation: Evaluation
    now: datetime
    wanted: Wanted
    tier: int = FIRST_TIER
    products: bytes = b"{}"
    token_id: str = ""
    signing_version: int = 0
    is_erased: bool = False
    entry: Entry | None = None
    play: Play | None = None

    @property
    def of(self) -> CampaignVersion:
        """The campaign version."""
        return version_of(self.launched)

    @property
    def is_handled(self) -> bool:
        """Tell whether this revision of the order, or a later one, was handled before."""
        return self.entrant.has_handled(self.entry)

    @property
    def may_take(self) -> bool:
        """Tell whether the decision may take a place in a limit: it issues, revives or moves a token."""
        may = self.play is None or self.play.state in {"open", "revoked"}
        return self.evaluation.qualifies and may and not self.is_handled

    def lacks(self, scope: str) -> bool:
        """Tell whether its entry has no place in a scope."""
        return self.entry is None or all(named_slot(name)[0] != scope for name in self.entry.slots)

    @property
    def expires_at(self) -> datetime:
        """Until when a token issued now can be played, in whole seconds."""
        rules = self.launched.rules
        return min(self.now + rules.play_within, rules.last_play_at).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Shared:
    """The documents that all tiers of an entrant write together, as they stand within a decision.

    `balances` are those that gave prizes, by name.
    """

    places: Places = field(default_factory=Places)
    balances: Mapping[str, Balance] = field(default_factory=dict)

    def changed_since(self, before: "Shared") -> Iterator[Record]:
        """Yield the documents that differ from what they were."""
        yield from self.places.changed_since(before.places)
        yield from (balance for name, balance in self.balances.items() if balance != before.balances[name])


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one tier: why, the play as it then is (None: there is no token), and what is written.

    `records` are the entry's own documents; `shared` stands as this decision leaves it.
    """

    reason: str
    shared: Shared
    play: Play | None = None
    records: tuple[Record, ...] = ()

    @property
    def changed_play(self) -> Play | None:
        """The play if it is rewritten, which others must be told."""
        return next((record for record in self.records if isinstance(record, Play)), None)


def tiers_looked_at(
    evaluations: Sequence[Evaluation], entries: Mapping[int, Entry]
) -> Iterator[tuple[int, Evaluation]]:
    """Yield every tier that has an entry or is earned, and the first that is not: it says what is missing."""
    missed = False
    for tier, evaluation in enumerate(evaluations, start=FIRST_TIER):
        if tier in entries or not missed:
            yield tier, evaluation
        missed = missed or not evaluation.qualifies
