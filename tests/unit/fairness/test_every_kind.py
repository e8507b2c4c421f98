"""Tokens of further tiers and of free entries are sealed, revealed and verified like all others, and told apart."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tombola.draws.usecases import play_game
from tombola.fairness.usecases import export_audit, reveal_campaign
from tombola.games.answers import PlayRequest
from tombola.games.usecases import enter_free, issue_tokens
from tombola.orders.facts import Header, Line, Order
from tombola.orders.signatures import sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Season

VERIFIER = Path(__file__).parents[3] / "tools" / "verify_draws.py"
SECRET = b"webhook-corner-shop, 32 bytes or more of it"


def tiers_of(season: Season, order_id: str) -> list[str]:
    """Return the tokens of an order of five units."""
    header = Header(shopper=order_id, store_id="1", ordered_at=season.ports.clock.now(), currency="USD")
    line = Line(line_id="1", product_id="milk", quantity=5, value_minor=2500)
    order = Order(
        retailer="corner-shop", order_id=order_id, revision=1, authoritative=True, header=header, lines=(line,)
    )
    return [issued.token_id for issued in issue_tokens(season.ports, order, lane="live") if issued.token_id]


def free_token(season: Season, entry_id: str) -> str:
    now = season.ports.clock.now()
    stated = {
        "type": "entry.free", "campaign": "june-wheel", "entry_id": entry_id, "shopper_id": entry_id,
        "entered_at": now.isoformat(),
    }  # fmt: skip
    body = json.dumps(stated).encode()
    offered = enter_free(season.ports, "corner-shop", sign(SECRET, "m", now, body), body)
    return str(offered.token)


def test_further_tiers_and_free_entries_pass_the_verifier_and_are_marked(
    launch: Callable[..., Season], tmp_path: Path
) -> None:
    season = launch(
        further_tiers=[{"all": [{"minimum_quantity": 3}]}, {"all": [{"minimum_quantity": 5}]}],
        free_entry={"amount": "6.00", "how": "by letter"},
    )
    season.later(hours=30)
    orders = [token for n in range(5) for token in tiers_of(season, f"o-{n}")]
    assert len(orders) == 15
    for token in orders[::2]:
        season.later(hours=1)
        season.play(token)
    letters = [play_game(season.ports, PlayRequest(token=free_token(season, f"letter-{n}"))) for n in range(4)]
    assert {answer.prize.amount for answer in letters if answer.prize} <= {"6.00", "9.00"}
    season.seal()
    season.over()
    reveal_campaign(season.ports, "june-wheel")
    for name, data in export_audit(season.ports, "june-wheel"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    own = tmp_path / "orders.csv"
    own.write_text("retailer,order_id\n" + "".join(f"corner-shop,o-{n}\n" for n in range(5)), encoding="utf-8")
    command = [sys.executable, "-I", "-S", VERIFIER, tmp_path, "--entries", own]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    register = [json.loads(line) for line in (tmp_path / "register.jsonl").read_text(encoding="utf-8").splitlines()]
    kinds = sorted((one["kind"], one["tier"]) for one in register)
    assert kinds == [("free", 1)] * 4 + [("order", tier) for tier in (1, 2, 3) for _ in range(5)]
