"""The same launched campaign as in the tests of games, and short ways to win, claim and pay."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tombola.orders.signatures import sign
from tombola.runtime.races import decide_again
from tombola.settling.claiming import ClaimAnswer, ClaimRequest
from tombola.settling.messages import PaymentAnswer
from tombola.settling.usecases import claim_prize, record_payment, settle_version

from ..games.conftest import Game, game, launch  # noqa: TID252 (tests have no package of their own to be named by)

__all__ = ["Cashier", "Game", "cashier", "game", "launch"]
SECRET = b"webhook-corner-shop, 32 bytes or more of it"


@dataclass
class Cashier:
    """Whoever asks for prizes and pays them, in one game."""

    game: Game

    def win(self, order_id: str = "o-1", **more: Any) -> str:  # noqa: ANN401 (any field of an order)
        """Earn a token, play it and wait until its prize is due; return the token's text."""
        token = self.game.earn(order_id, **more)
        self.game.play(token)
        return token

    def wait(self, **days: float) -> None:
        """Let time pass (30 days unless said otherwise) and do what is due."""
        self.game.ports.clock.advance(timedelta(**(days or {"days": 30})))
        settle_version(self.game.ports, "june-wheel", 1)

    def claim(self, token: str, **more: str) -> ClaimAnswer:
        request = ClaimRequest(**{"token": token, "country": "US", "age_confirmed": "seen at the till", **more})
        return decide_again(lambda: claim_prize(self.game.ports, request))

    def tell(self, outcome: str, order_id: str = "o-1", payment_id: str = "p-1", **more: Any) -> PaymentAnswer:  # noqa: ANN401
        """Tell what became of a payment of 20.00, unless `amount` says otherwise; None: of no money."""
        token_id = self.game.play_of(order_id).token_id
        amount = more.pop("amount", "20.00")
        money = {} if amount is None else {"amount": amount, "currency": "USD"}
        body = {"type": f"prize.{outcome}", "payment_id": payment_id, "token_id": token_id, **money, **more}
        return self.send(json.dumps(body).encode())

    def send(self, body: bytes, secret: bytes = SECRET) -> PaymentAnswer:
        headers = sign(secret, "msg-1", self.game.ports.clock.now(), body)
        return decide_again(lambda: record_payment(self.game.ports, "corner-shop", headers, body))

    def money(self) -> dict[str, int]:
        """Return the accounts that are not empty, having seen that the books add up."""
        books = self.game.books()
        assert books.problems == ()
        return {account: minor for account, minor in books.accounts_balances.items() if minor and account != "funded"}


@pytest.fixture
def cashier(game: Game) -> Cashier:
    """Serve the campaign as it stands."""
    return Cashier(game)
