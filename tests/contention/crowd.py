"""One process of a crowd: orders through two doors, free entries, plays, revisions, returns, cancellations, claims.

Every process of a crowd goes through everything, in a sequence of its own: whatever one does, the others do too,
before, meanwhile or after. What it was answered it writes down, a line at a time, before it goes on. Run as
`python -m tests.contention.crowd HOME ADAPTER KIND ORDERS SEED`.
"""

from __future__ import annotations

import json
import random
import sys
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tombola.draws.usecases import play_game
from tombola.errors import Fault
from tombola.games.answers import PlayRequest
from tombola.games.entries import Entry
from tombola.games.plays import Play
from tombola.games.tokens import Signer, sign_token
from tombola.games.usecases import check_out, enter_free, issue_tokens
from tombola.orders.doors import parse_message, statement_of
from tombola.orders.signatures import sign
from tombola.orders.usecases import record_order
from tombola.ports.documents import DocumentKey, Where
from tombola.ports.errors import Unavailable
from tombola.runtime.races import decide_again
from tombola.settling.claiming import ClaimRequest
from tombola.settling.usecases import claim_prize, record_payment, settle_version

from .homes import CAMPAIGN, NOW, OPENS, RETAILER, TOKEN_SEED, opened, secret_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tombola.ports import Ports

T = TypeVar("T")
SHOPPERS, HOUSEHOLDS, STORES, DAYS = 5, 13, 4, 5
"""Orders per shopper and per household; stores and days that the orders come from."""
TOGETHER = 6
"""So many orders all processes begin with at the same time."""
PAUSES = {"guarded": 0.002, "naive": 0.03}
"""Seconds. Where nobody looks again, a longer pause has races lost on every machine, however fast or busy."""
SIGNER = Signer(1, TOKEN_SEED)


class Part(NamedTuple):
    """What is special about one number: each is an order, or a free entry."""

    number: int

    @property
    def is_free(self) -> bool:
        return self.number % 8 == 7

    @property
    def is_checked_out(self) -> bool:
        return self.number % 2 == 0

    @property
    def quantity(self) -> int:
        """Every third order earns two tokens."""
        return 4 if self.number % 3 == 0 else 2

    @property
    def is_restated(self) -> bool:
        """It falls short for a while, then stands again as another shopper's in another store."""
        return self.number % 6 == 1

    @property
    def is_returned(self) -> bool:
        return self.number % 7 == 3

    @property
    def is_paid(self) -> bool:
        return self.number % 4 < 2

    @property
    def is_cancelled(self) -> bool:
        return self.number % 5 == 0

    @property
    def is_cancelled_unplayed(self) -> bool:
        return self.number % 10 == 5

    @property
    def name(self) -> str:
        return f"o-{self.number}"

    @property
    def ordered_at(self) -> datetime:
        return OPENS + timedelta(days=1 + self.number % DAYS, hours=12)


def done(work: Callable[[], T]) -> T:
    """Return what `work` returns, asking again when a race or the answer was lost, as those do who ask."""
    while True:
        with suppress(Unavailable):
            return decide_again(work)


def happens(ports: Ports, part: Part) -> Iterator[tuple[str, str]]:
    """Let everything of one number happen; yield what was answered, as token id and answer."""
    if part.is_free:
        yield from entered(ports, part)
        return
    stated(ports, part, minute=1, quantity=part.quantity)
    if not part.is_cancelled_unplayed:
        yield from played(ports, plays_of(ports, part))
    if part.is_restated:
        stated(ports, part, minute=2, quantity=1)
        stated(ports, part, minute=3, quantity=part.quantity, owner=part.number + 1)
        yield from played(ports, plays_of(ports, part))
    if part.is_paid:
        paid(ports, plays_of(ports, part))
    if part.is_returned:
        back = [{"return_id": "r", "line_id": "1", "quantity": 0, "value": "5.00"}]
        stated(ports, part, minute=4, quantity=part.quantity, returns=back)
    if part.is_cancelled:
        stated(ports, part, minute=5, quantity=part.quantity, cancelled_at=part.ordered_at.isoformat())
        yield from played(ports, plays_of(ports, part))


def stated(ports: Ports, part: Part, minute: int, quantity: int, **more: Any) -> None:  # noqa: ANN401 (any field)
    """State an order: at its first minute perhaps by a check-out, later by the retailer's own system."""
    at_door = part.is_checked_out and minute == 1
    owner = more.pop("owner", part.number)
    message = {
        "type": "order.checked_out" if at_door else "order.stated", "order_id": part.name, "scope": "whole",
        "stated_at": (part.ordered_at + timedelta(minutes=minute)).isoformat(), "shopper_id": f"s-{owner // SHOPPERS}",
        "household_id": f"h-{owner // HOUSEHOLDS}", "store_id": f"{owner % STORES}",
        "ordered_at": part.ordered_at.isoformat(), "currency": "USD",
        "lines": [{"line_id": "1", "product_id": "milk", "quantity": quantity, "value": f"{10 + part.number % 13}.50"}],
        **more,
    }  # fmt: skip
    body = json.dumps(message).encode()
    if at_door:
        headers = sign(secret_of("webhook"), "m", NOW, body)
        done(lambda: check_out(ports, RETAILER, headers, body))
        return
    statement = statement_of(parse_message(body), RETAILER, "webhook", secret_of("pseudonym"))
    order = done(lambda: record_order(ports, statement, lane="live"))
    assert order is not None
    done(lambda: issue_tokens(ports, order, lane="live"))


def entered(ports: Ports, part: Part) -> Iterator[tuple[str, str]]:
    """Enter without an order, and play the token."""
    message = {
        "type": "entry.free", "campaign": CAMPAIGN, "entry_id": part.name, "entered_at": part.ordered_at.isoformat(),
        "shopper_id": f"s-{part.number // SHOPPERS}", "household_id": f"h-{part.number // HOUSEHOLDS}",
    }  # fmt: skip
    body = json.dumps(message).encode()
    headers = sign(secret_of("webhook"), "m", NOW, body)
    offer = done(lambda: enter_free(ports, RETAILER, headers, body))
    if offer.token is not None:
        yield from answered(ports, offer.token)


def plays_of(ports: Ports, part: Part) -> list[Play]:
    found = ports.documents.query("entries", [Where("order", "==", f"{RETAILER}/{part.name}")])
    entries = [Entry.model_validate(each.fields) for each in found]
    plays = ports.documents.get([DocumentKey("plays", (entry.token_id,)) for entry in entries])
    return [Play.model_validate(snapshot.fields) for snapshot in plays if snapshot is not None]


def played(ports: Ports, plays: list[Play]) -> Iterator[tuple[str, str]]:
    for play in plays:
        yield from answered(ports, sign_token(SIGNER, play.token_id, CAMPAIGN, play.expires_at))


def paid(ports: Ports, plays: list[Play]) -> None:
    """Claim what was won and have it paid, by two payers who do not know of each other."""
    for play in plays:
        token = sign_token(SIGNER, play.token_id, CAMPAIGN, play.expires_at)
        request = ClaimRequest(token=token, country="US", age_confirmed="seen at the till")
        with suppress(Fault):  # nothing won, or void meanwhile
            done(lambda request=request: claim_prize(ports, request))
            for payer in ("bank", "till"):
                told_paid(ports, play, payer)


def told_paid(ports: Ports, play: Play, payer: str) -> None:
    money = {"amount": str(Decimal(play.prize.reserved_minor).scaleb(-2)), "currency": "USD"}
    message = {
        "type": "prize.paid", "payment_id": f"{payer}-{play.token_id}", "token_id": play.token_id,
        **(money if play.prize.kind == "money" else {}),
    }  # fmt: skip
    body = json.dumps(message).encode()
    headers = sign(secret_of("webhook"), "m", NOW, body)
    done(lambda: record_payment(ports, RETAILER, headers, body))


def answered(ports: Ports, token: str) -> Iterator[tuple[str, str]]:
    """Play a token; yield the token and the receipt, which is signed over everything the player is told."""
    with suppress(Fault):  # revoked meanwhile
        yield token, done(lambda: play_game(ports, PlayRequest(token=token))).receipt


def main(home: str, adapter: str, kind: str, orders: str, seed: str) -> None:
    """Go through all numbers: the first ones together with the others, the rest in a sequence of its own."""
    ports = opened(Path(home), adapter, kind, pause=PAUSES[kind])
    first, rest = list(range(TOGETHER)), list(range(TOGETHER, int(orders)))
    random.Random(seed).shuffle(rest)  # noqa: S311 (a reproducible sequence, no secret)
    bearing = (Fault,) if kind == "naive" else ()  # books that are broken make faults, and the attack goes on
    for index, number in enumerate((*first, *rest)):
        with suppress(*bearing):
            for answer in happens(ports, Part(number)):
                print("answer", *answer, flush=True)  # noqa: T201 (how a process tells what it was told)
            if index % TOGETHER == 0:
                done(lambda: settle_version(ports, CAMPAIGN, 1))
        print("did", number, flush=True)  # noqa: T201
    print("done", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
