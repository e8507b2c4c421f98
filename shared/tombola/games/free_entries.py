"""A free entry in the words of the retailer who took it: somebody takes part without buying."""

from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from tombola.campaigns.wording import Language
from tombola.errors import Fault, Malformed, Problem
from tombola.instants import Instant
from tombola.json_text import check_json
from tombola.orders.doors import AHEAD, MAX_NAMED, Message, Text
from tombola.problems import problems_of


class FreeEntryMessage(Message):
    """What a retailer's server says of one free entry.

    The same `entry_id` of a campaign is the same entry, however often it is sent. `shopper_id` and `household_id` are
    the retailer's own, and never leave this door. `language` is that of the words in the answer.
    """

    type: Literal["entry.free"]
    campaign: Text
    entry_id: Text
    entered_at: Instant
    shopper_id: Text
    household_id: Text | None = None
    language: Language = "en"


def parse_free_entry(body: bytes, now: datetime) -> FreeEntryMessage:
    """Return the free entry that a JSON body holds.

    Raises `Malformed` naming every field at fault, or an instant more than an hour after `now`: it has not happened.
    """
    check_json(body)
    try:
        message = FreeEntryMessage.model_validate_json(body)
    except ValidationError as error:
        raise _malformed(problems_of(error, FreeEntryMessage, most=MAX_NAMED)) from error
    if message.entered_at > now + AHEAD:
        expected = f"at most {AHEAD} after the time here, {now.isoformat(timespec='seconds')}"
        raise _malformed([Problem("entered_at", message.entered_at.isoformat(), expected)])
    return message


def _malformed(problems: list[Problem]) -> Fault:
    return Malformed("the free entry is not stated in the declared form", problems, code="malformed-entry")
