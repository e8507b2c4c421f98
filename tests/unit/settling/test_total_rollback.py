"""Total rollback: whatever happens in whatever order, everything ends as if computed anew from what is left."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tombola.errors import Fault
from tombola.games.opening import funded_parts
from tombola.ports.documents import Create, DocumentKey
from tombola.runtime.testing import fake_clock
from tombola.settling.usecases import settle_version, write_off_prize

from ...conftest import make_ports  # noqa: TID252 (tests have no package of their own to be named by)
from ..games.conftest import launch_in  # noqa: TID252 (as above)
from .conftest import Cashier
from .rollback_model import (
    BOUND,
    CLAIM_WITHIN,
    MATURES_AFTER,
    PER_CAMPAIGN,
    PER_SHOPPER,
    PLAY_WITHIN,
    Model,
    Refused,
    Revision,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .rollback_model import Event

ORDERS = st.integers(0, 4).map("o-{}".format)
MOMENTS: dict[str, Any] = {
    "prizes": [
        {"name": "basket", "kind": "basket_value", "cap": "15.00", "moments": 60},
        {"name": "note", "kind": "fixed", "amount": "5.00", "moments": 30},
        {"name": "mug", "kind": "physical", "value": "9.00", "stock": 20, "moments": 20},
        {"name": "sip", "kind": "coupon", "face_value": "1.50", "moments": 20},
    ],
}
ODDS: dict[str, Any] = {
    "prizes": [
        {"name": "basket", "kind": "basket_value", "cap": "15.00", "chance": "1/2"},
        {"name": "note", "kind": "fixed", "amount": "5.00", "chance": "1/5"},
        {"name": "mug", "kind": "physical", "value": "9.00", "stock": 1, "chance": "1/10"},
        {"name": "sip", "kind": "coupon", "face_value": "1.50", "chance": "1/10"},
    ],
    "draw": {"kind": "odds", "maximum_plays": PER_CAMPAIGN},
    "when_empty": {"fallback": {"kind": "coupon", "worth": "1.00"}},
}
COMMON: dict[str, Any] = {
    "limits": {"per_shopper": PER_SHOPPER, "per_campaign": PER_CAMPAIGN},
    "play_within_days": PLAY_WITHIN.days,
    "matures_after_days": MATURES_AFTER.days,
    "claim_within_days": CLAIM_WITHIN.days,
}


class Rollback(RuleBasedStateMachine):
    """Orders, revisions, returns, cancellations, plays, claims, payments, erasures, in any order."""

    homes: Iterator[Path]
    changed: dict[str, Any]

    def __init__(self) -> None:
        """Launch the campaign in a home of its own."""
        super().__init__()
        game = launch_in(make_ports(next(self.homes), fake_clock()), **COMMON, **self.changed)
        self.game, self.cashier = game, Cashier(game)
        self.events: list[Event] = []
        self.facts: dict[str, tuple[object, ...]] = {}
        self.newest: dict[str, Revision] = {}
        self.funded = sum(funded_parts(game.launched.rules).values())

    @property
    def model(self) -> Model:
        return Model(self.events, self.funded)

    def happens(self, kind: str, what: object, do: Callable[[], object]) -> None:
        """Do it, and hold that the program refuses exactly what must be refused."""
        event: Event = (kind, self.game.ports.clock.now(), what)
        try:
            Model([*self.events, event], self.funded)
        except Refused:
            with pytest.raises(Fault):
                do()
        else:
            do()
            self.events.append(event)

    def tell(self, revision: Revision) -> None:
        order = self.game.order(
            revision.order, revision=revision.number, shopper=revision.shopper, authoritative=revision.stated,
            returned=(revision.units_back, revision.minor_back), cancelled=revision.cancelled,
        )  # fmt: skip
        self.happens("order", revision, lambda: self.game.issue(order))

    @rule(order=ORDERS, back=st.sampled_from([(0, 0), (0, 300), (1, 700), (1, 2000), (2, 0), (3, 2000)]),
          cancelled=st.sampled_from([False, False, False, True]), stated=st.booleans())  # fmt: skip
    def order_is_stated(self, order: str, back: tuple[int, int], cancelled: bool, stated: bool) -> None:  # noqa: FBT001
        before = self.newest.get(order)
        number, stated = (before.number + 1, stated or before.stated) if before else (1, stated)
        shopper = f"s-{int(order[-1]) % 3}"
        self.newest[order] = Revision(order, number, shopper, *back, cancelled=cancelled, stated=stated)
        self.tell(self.newest[order])

    @rule(order=ORDERS, older=st.integers(0, 3))
    def order_is_told_again_or_late(self, order: str, older: int) -> None:
        if order in self.model.tokens:
            newest = self.newest[order]
            self.tell(replace(newest, number=max(newest.number - older, 1), cancelled=bool(older)))

    @rule(order=ORDERS)
    def token_is_played(self, order: str) -> None:
        token, now = self.model.tokens.get(order), self.game.ports.clock.now()
        if token is None:
            return
        entry = self.game.entry(order)
        if token.state != "open" or now >= token.expires_at:
            with pytest.raises(Fault) if token.state != "played" else contextlib.nullcontext():
                self.game.play(self.game.text(entry.token_id))
            self.events.append(("tried", now, order))
            return
        self.game.play(self.game.text(entry.token_id))
        play = self.game.look(entry.token_id)
        granted = play.prize.name
        self.events.append(("drawn", now, (order, play.draw.prize, granted, play.prize.reserved_minor)))
        self.facts[order] = (play.draw, play.accepted_at, granted, play.prize.kind, play.prize.reserved_minor)

    @initialize()
    def some_play_at_once(self) -> None:
        for number in range(PER_CAMPAIGN - 1):
            self.order_is_stated(f"o-{number}", (0, 0), cancelled=False, stated=True)
            self.token_is_played(f"o-{number}")

    @rule(hours=st.sampled_from([1, 20, 50, 80]), is_settled=st.booleans())
    def time_passes(self, hours: int, is_settled: bool) -> None:  # noqa: FBT001
        self.game.ports.clock.advance(timedelta(hours=hours))
        if is_settled:
            self.happens("settled", None, lambda: settle_version(self.game.ports, "june-wheel", 1))

    @precondition(lambda self: self.facts)
    @rule(data=st.data(), waits=st.booleans())
    def prize_is_claimed(self, data: st.DataObject, waits: bool) -> None:  # noqa: FBT001
        order = data.draw(st.sampled_from(sorted(self.facts)))
        play = self.game.play_of(order)
        if waits:
            self.game.ports.clock.set(max(play.matures_at, self.game.ports.clock.now()))
        token = self.game.text(play.token_id)
        self.happens("claimed", order, lambda: self.cashier.claim(token))

    @precondition(lambda self: self.facts)
    @rule(data=st.data(), outcome=st.sampled_from(["paid", "paid", "refused", "returned", "netted"]),
          payment=st.sampled_from("abc"), minor=st.sampled_from([300, 500, 1500]))  # fmt: skip
    def payment_is_told(self, data: st.DataObject, outcome: str, payment: str, minor: int) -> None:
        asked = [order for order, token in self.model.tokens.items() if token.prize in {"claimed", "paid"}]
        order = data.draw(st.sampled_from(sorted(asked or self.facts)))
        is_money = self.facts[order][3] == "money"
        amount = f"{minor / 100:.2f}" if is_money else None
        what = (order, payment, outcome, minor if is_money else 0)
        self.happens("told", what, lambda: self.cashier.tell(outcome, order, f"{payment}-{order}", amount=amount))

    @precondition(lambda self: any(token.out for token in self.model.tokens.values()))
    @rule(back=st.sampled_from([(1, 700), (1, 1600), (2, 0), (3, 2000)]))
    def what_was_paid_for_comes_back(self, back: tuple[int, int]) -> None:
        for order, token in self.model.tokens.items():
            if token.out:
                self.order_is_stated(order, back, cancelled=False, stated=True)

    @precondition(lambda self: any(token.owed for token in self.model.tokens.values()))
    @rule(data=st.data())
    def what_is_owed_is_written_off(self, data: st.DataObject) -> None:
        owing = sorted(order for order, token in self.model.tokens.items() if token.owed)
        order = data.draw(st.sampled_from(owing))
        token = self.game.entry(order).token_id
        self.happens("written_off", order, lambda: write_off_prize(self.game.ports, token, "nobody pays"))

    @precondition(lambda self: len(self.facts) > 1 and not self.model.erased)
    @rule(shopper=st.sampled_from(["s-0", "s-1"]))
    def shopper_is_forgotten(self, shopper: str) -> None:
        tombstone = {"status": "erased", "counts": b"", "facts": b"", "revision": 1}
        write = Create(DocumentKey("profiles", ("corner-shop", shopper)), tombstone)
        self.happens("forgotten", shopper, lambda: self.game.ports.documents.commit([write]))

    @invariant()
    def everything_is_as_if_computed_anew(self) -> None:
        books, model = self.game.books(), self.model
        assert books.problems == ()
        assert {name: minor for name, minor in books.accounts_balances.items() if minor} == {
            name: minor for name, minor in model.accounts().items() if minor
        }
        assert books.tokens == len(model.tokens)
        for order, token in model.tokens.items():
            play = self.game.play_of(order)
            assert (play.state, play.prize.state) == (token.state, token.prize), order
            assert play.prize.payable_minor + play.prize.held("reserved") == token.due, order

    @invariant()
    def facts_stay(self) -> None:
        for order, facts in self.facts.items():
            play = self.game.play_of(order)
            now = (play.draw, play.accepted_at, play.prize.name, play.prize.kind, play.prize.reserved_minor)
            assert now == facts


@pytest.mark.parametrize(("rules", "pool"), [(MOMENTS, "20000.00"), (ODDS, "16.00")], ids=["moments", "odds"])
def test_whatever_happens_in_whatever_order_ends_as_if_computed_anew(
    rules: dict[str, Any], pool: str, tmp_path: Path
) -> None:
    bound = {"amount": pool, "currency": "USD", "unrecovered_returns": f"{BOUND / 100:.2f}"}
    homes = (tmp_path / f"home-{number}" for number in count())
    machine = type("Machine", (Rollback,), {"homes": homes, "changed": {**rules, "pool": bound}})
    settled = settings(max_examples=25, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(machine, settings=settled)
