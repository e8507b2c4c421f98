"""Who may be shown a campaign, when in the week, and who is held back for comparison."""

from datetime import datetime, time
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from tombola.campaigns.parts import Amount, Rules, Share, Word
from tombola.campaigns.selecting import Selection
from tombola.privacy.consent import Purpose

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS: tuple[Day, ...] = get_args(Day)
Weeks = Annotated[int, Field(ge=1, le=156)]
"""Whole weeks back from now: what profiles are counted by. They remember 156."""


def _of_the_window(value: time) -> time:
    if value.tzinfo is not None:
        msg = f"{value.isoformat()}, with a zone; expected a local time of the window's zone"
        raise ValueError(msg)
    return value


LocalTime = Annotated[time, AfterValidator(_of_the_window)]


class Hours(Rules):
    """On these days, local times of the window's zone: `begins` is inside, `ends` is not; 00:00 ends at midnight."""

    days: Annotated[tuple[Day, ...], Field(min_length=1)]
    begins: LocalTime = time(0)
    ends: LocalTime = time(0)

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> "Hours":
        if self.ends != time(0) and self.ends <= self.begins:
            msg = f"hours that end at {self.ends}; expected a time after {self.begins}, or 00:00 for midnight"
            raise ValueError(msg)
        return self

    def hold(self, local: datetime) -> bool:
        """Tell whether a local time lies inside."""
        inside = self.begins <= local.time() and (self.ends == time(0) or local.time() < self.ends)
        return DAYS[local.weekday()] in self.days and inside


class Affinity(Rules):
    """Bought lines `of` this at least so often within so many weeks."""

    of: Selection
    minimum_lines: Annotated[int, Field(ge=1, le=10**6)] = 1
    within_weeks: Weeks = 52


class Segment(Rules):
    """Shoppers by what their profile holds at the instant of the decision. Everything stated must hold.

    `bought_within_weeks`: at least one order in so many weeks. `not_bought_for_weeks`: lapsed; earlier orders, but none
    in so many. `new_within_weeks`: the first order is at most so old, or there is none yet. `minimum_orders`,
    `maximum_orders` and `minimum_spend` look `within_weeks` back. `lists`: on one of these lists of the retailer.
    """

    bought_within_weeks: Weeks | None = None
    not_bought_for_weeks: Weeks | None = None
    new_within_weeks: Weeks | None = None
    minimum_orders: Annotated[int, Field(ge=1, le=10**6)] | None = None
    maximum_orders: Annotated[int, Field(ge=0, le=10**6)] | None = None
    minimum_spend: Amount | None = None
    within_weeks: Weeks = 52
    affinity: tuple[Affinity, ...] = ()
    lists: tuple[Word, ...] = ()


class Audience(Rules):
    """Who may be shown it: whoever is in one of the `segments`; everyone where none is stated.

    `consent`: the purpose that the shopper must have agreed to, or none. A segment reads the profile, so it needs a
    consent of `profile` or more, which `campaign check` sees to.
    """

    consent: Literal["none", "profile", "ads", "partner"] = "none"
    segments: tuple[Segment, ...] = ()

    @property
    def purposes(self) -> frozenset[Purpose]:
        """What a shopper must have agreed to: what is asked for, and to be profiled where there are segments."""
        profiled: frozenset[Purpose] = frozenset({"profile"} if self.segments else ())
        return profiled if self.consent == "none" else profiled | {self.consent}


class Control(Rules):
    """The control group. `invitation`: control gets no banner and no token. `banner`: only the banner is withheld."""

    share: Share
    mode: Literal["invitation", "banner"]
