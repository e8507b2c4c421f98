"""What a campaign's fields must say together. Tables of checks, each for the fields it needs.

A check runs as soon as its own fields are sound, so one broken field hides nothing about the others.
"""

from tombola.campaigns.check_criteria import CRITERIA
from tombola.campaigns.check_money import MONEY
from tombola.campaigns.check_people import PEOPLE
from tombola.campaigns.check_times import TIMES
from tombola.campaigns.findings import Check

CHECKS: tuple[tuple[tuple[str, ...], Check], ...] = (*PEOPLE, *TIMES, *CRITERIA, *MONEY)
"""Each check with the top-level fields it reads."""
