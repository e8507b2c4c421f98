"""How many tokens a second are played, by so many processes, in one campaign or in many.

`prepared` issues the tokens; each process plays its share and says how long that took. Run as
`python -m tests.contention.speed HOME ADAPTER SHARE SHARES`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tombola.draws.usecases import play_game
from tombola.games.answers import PlayRequest
from tombola.games.plays import Play
from tombola.games.tokens import sign_token
from tombola.games.usecases import issue_tokens
from tombola.orders.facts import Header, Line, OrderStatement
from tombola.orders.usecases import record_order
from tombola.ports.unit_of_work import all_of
from tombola.runtime.races import decide_again

from .attack import ROOT
from .crowd import SIGNER
from .homes import OPENS, RETAILER, base_rules, launched, opened

if TYPE_CHECKING:
    from tombola.ports import Ports

TENTH = 10
"""Every so many plays wins money, by either draw."""
LINE = Line(line_id="1", product_id="milk", quantity=2, value_minor=1500)


@dataclass(frozen=True)
class Load:
    """What is measured: a draw, so many campaigns, and how many tokens there are of all of them together."""

    draw: str
    campaigns: int
    plays: int

    def rules(self) -> Iterator[dict[str, Any]]:
        """Yield the campaign files: half of the tokens' tenth are moments, half of them are due when all are played."""
        each = self.plays // self.campaigns
        pool = {"amount": f"{each * 50 + 50}.00", "currency": "USD"}
        money = {"name": "basket", "kind": "basket_value", "cap": "50.00"}
        prize = {"chance": f"1/{TENTH}"} if self.draw == "odds" else {"moments": max(each // TENTH, 1)}
        more = {"maximum_plays": each * 2} if self.draw == "odds" else {}
        ends = {"when_empty": {"announced": "nothing more to win"}} if self.draw == "odds" else {}
        for number in range(self.campaigns):
            yield {
                **base_rules(f"wheel-{number}"), "further_tiers": [], "prizes": [{**money, **prize}], "pool": pool,
                "draw": {"kind": self.draw, **more}, "matures_after_days": 30, **ends,
            }  # fmt: skip


def prepared(folder: Path, adapter: str, load: Load) -> Path:
    """Return a home in which every order has a token in every campaign; `tokens` beside it lists them."""
    home = launched(folder / "home", adapter, *load.rules())
    ports = opened(home, adapter)
    for number in range(load.plays // load.campaigns):
        _order(ports, number)
    plays = all_of(ports.documents, Play)
    texts = sorted(sign_token(SIGNER, play.token_id, play.of.campaign, play.expires_at) for play in plays)
    (folder / "tokens").write_text("\n".join(texts), encoding="utf-8")
    return home


def _order(ports: Ports, number: int) -> None:
    at = OPENS + timedelta(days=1)
    header = Header(shopper=f"s-{number}", store_id="1", ordered_at=at, currency="USD")
    statement = OrderStatement(
        retailer=RETAILER, order_id=f"o-{number}", door="webhook", scope="whole", stated_at=at, header=header,
        lines=(LINE,),
    )  # fmt: skip
    order = record_order(ports, statement, lane="live")
    assert order is not None
    issue_tokens(ports, order, lane="live")


def measured(home: Path, adapter: str, processes: int) -> dict[str, float]:
    """Play all tokens; return plays, wins, commits that lost a race, CPU seconds, and seconds from first to last."""
    with ExitStack() as stack:
        commands = (
            [sys.executable, "-m", "tests.contention.speed", str(home), adapter, str(share), str(processes)]
            for share in range(processes)
        )
        started = [stack.enter_context(subprocess.Popen(each, cwd=ROOT, stdout=subprocess.PIPE)) for each in commands]
        for process in started:
            stack.callback(process.kill)
        found = [json.loads(process.communicate()[0]) for process in started]
    seconds = max(each["ended"] for each in found) - min(each["began"] for each in found)
    return {name: sum(each[name] for each in found) for name in ("plays", "wins", "lost", "cpu")} | {"seconds": seconds}


def played(ports: Ports, tokens: Sequence[str]) -> dict[str, float]:
    """Play these tokens one after the other."""
    tries = wins = 0

    def once(token: str) -> str:
        nonlocal tries
        tries += 1
        return play_game(ports, PlayRequest(token=token)).result

    began, used = time.time(), time.process_time()
    for token in tokens:
        wins += decide_again(lambda token=token: once(token)) == "won"
    cpu, ended = time.process_time() - used, time.time()
    lost = tries - len(tokens)
    return {"plays": len(tokens), "wins": wins, "lost": lost, "cpu": cpu, "began": began, "ended": ended}


def main(home: str, adapter: str, share: str, shares: str) -> None:
    """Be one process: wait until all are there, and play every token whose turn is this share's."""
    ports, meeting = opened(Path(home), adapter), Path(home).with_name("meeting")
    tokens = Path(home).with_name("tokens").read_text(encoding="utf-8").split()
    meeting.mkdir(exist_ok=True)
    (meeting / share).touch()
    while len(list(meeting.iterdir())) < int(shares):
        time.sleep(0.001)
    print(json.dumps(played(ports, tokens[int(share) :: int(shares)])))  # noqa: T201 (its answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
