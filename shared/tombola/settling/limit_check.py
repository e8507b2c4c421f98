"""Do the limits hold, and do they count exactly the tokens that stand."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tombola.campaigns.model import Campaign
from tombola.games.entries import Entry
from tombola.games.limits import HOLDER_KINDS, PersonLimit, Slot

PEOPLE = {"shopper": "shoppers", "household": "households"}


def limit_problems(
    rules: Campaign, entries: Iterable[Entry], limits: Sequence[PersonLimit], slots: Sequence[Slot]
) -> Iterator[str]:
    """Yield a sentence for whatever is wrong with the limits of a campaign version. All of each must be given."""
    standing = [entry for entry in entries if entry.outcome == "issued"]
    held = Counter(name for entry in standing for name in entry.slots)
    counted = Counter({slot.name: slot.used for slot in slots if slot.used})
    if counted != held:
        yield f"slots count {counted.total()} places, unlike the {held.total()} of {len(standing)} tokens that stand"
    yield from _over(rules, slots)
    for kind in HOLDER_KINDS:
        most: int | None = getattr(rules.limits, f"per_{kind}")
        if most is not None:
            yield from _person_problems(PEOPLE[kind], most, [each for each in limits if each.kind == kind])
    yield from _uncounted(rules, standing, limits)


def _over(rules: Campaign, slots: Iterable[Slot]) -> Iterator[str]:
    """Yield every scope in which more tokens stand than its limit allows."""
    used: Counter[str] = Counter()
    for slot in slots:
        used[slot.scope] += slot.used
    for scope, stand in sorted(used.items()):
        most = _most(rules)[scope.partition("/")[0]]
        if most is not None and stand > most:
            yield f"{scope}: {stand} tokens stand; expected at most {most}"


def _most(rules: Campaign) -> Mapping[str, int | None]:
    limits = rules.limits
    return {
        "campaign": rules.most_tokens, "store": limits.per_store, "free": limits.per_store, "day": limits.per_day,
        "week": limits.per_week,
    }  # fmt: skip


def _person_problems(people: str, most: int, limits: Sequence[PersonLimit]) -> Iterator[str]:
    over = sum(len(limit.entries) > most for limit in limits)
    if over:
        yield f"{over} {people} have more than {most} tokens"


def _uncounted(rules: Campaign, standing: Iterable[Entry], limits: Iterable[PersonLimit]) -> Iterator[str]:
    limited = {kind for kind in HOLDER_KINDS if getattr(rules.limits, f"per_{kind}") is not None}
    counted = {f"{limit.retailer}/{limit.holder}/{entry}" for limit in limits for entry in limit.entries}
    stand = {
        f"{entry.retailer}/{holder}/{entry.counted_as}"
        for entry in standing
        for holder in entry.holders
        if holder.partition("/")[0] in limited
    }
    if different := counted ^ stand:
        yield f"{len(different)} tokens counted for persons unlike those that stand"
