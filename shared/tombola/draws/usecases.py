"""Play a token: draw, grant what was won and answer, all in one commit."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from tombola.campaigns.model import Launched
from tombola.campaigns.prizes import prize_minor
from tombola.campaigns.usecases import find_launched
from tombola.campaigns.winning import Prize
from tombola.draws.claims import Claim, narrowed, probes
from tombola.draws.drawing import Outcome, by_moment, by_odds, drawn
from tombola.draws.granting import Means, enough
from tombola.draws.odds import number, prize_of, thresholds
from tombola.errors import Gone, Problem, Unknown
from tombola.games.answers import PlayAnswer, PlayRequest, over, play_answer
from tombola.games.derivation import Moment, coupon_code, winning_moments
from tombola.games.ledger import Balance
from tombola.games.opening import balance_count, balance_order
from tombola.games.plays import Play
from tombola.games.records import CampaignVersion, version_of
from tombola.games.stocks import Stock
from tombola.games.tokens import read_token
from tombola.games.usecases import closing_writes, find_public_keys, find_signer
from tombola.games.winnings import FALLBACK
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey
from tombola.ports.errors import PreconditionFailed
from tombola.ports.unit_of_work import UnitOfWork

LONGEST_LOOK = timedelta(seconds=1)
"""From the instant a play counts from to what was claimed by then. Claims of later plays, seen by a process that was
held up between, would make it look as if it had been overtaken: the verifier allows for so much and no more."""
CLAIMS_STALE_FOR = timedelta(seconds=10)
FOR_EVER = timedelta(days=1)
"""For what never changes once it exists: a campaign's key, its moments, the claims there were."""


def play_game(ports: Ports, request: PlayRequest) -> PlayAnswer:
    """Play a token: draw, reserve what was won and answer, all in one commit. Asked again, the same answer.

    Raises `Unauthenticated` (`forged-token`, `foreign-token`), `Unknown` (`unknown-token`), `Gone`
    (`expired-token`, `revoked-token`, `campaign-ended`).
    """
    claims = read_token(request.token, find_public_keys(ports, request.token))
    unit, now = UnitOfWork(ports.documents), ports.clock.now()
    play = unit.read(Play, (claims.token_id,))
    if play is None:
        msg = "the token is genuine, but no play here belongs to it"
        raise Unknown(msg, [Problem("token", claims.token_id[:12], "a token issued here")], code="unknown-token")
    if play.is_expiring(now):
        play = play.become("expired", now)
        ports.documents.commit([unit.write(play)], [play.event().outbound()])
    if play.state == "open":
        play = _draw(ports, unit, play, now)
    if play.state != "played":
        raise over(play)
    return play_answer(play, find_signer(ports, play.signing_version))


def _draw(ports: Ports, unit: UnitOfWork, play: Play, now: datetime) -> Play:
    """Draw, grant and commit. Once a prize ran out, the slots that are still open are closed in the same commit."""
    launched = find_launched(ports, *play.of)
    rules = launched.rules
    outcome = _by_odds(ports, launched, play) if rules.draw.kind == "odds" else _by_moment(ports, launched, play, now)
    means = Means() if outcome.prize is None else _means(ports, unit, launched, play, outcome.prize)
    if any(balance.status == "closed" for balance in means.balances):
        msg = f"{rules.title} is over"
        raise Gone(msg, [Problem("token", "a campaign that is over", "one that runs")], code="campaign-ended")
    done = drawn(rules, play, outcome, means, now)
    writes = [unit.write(record) for record in done.records]
    closing = closing_writes(ports, *play.of) if done.ran_out else []
    ports.documents.commit([*writes, *closing], [done.play.event().outbound()])
    return done.play


def _by_odds(ports: Ports, launched: Launched, play: Play) -> Outcome:
    token_number = number(_seed(ports, launched), launched.rules_hash, launched.witness, play.token_id)
    index = prize_of(token_number, thresholds(launched.rules.prizes))
    return by_odds(token_number, None if index is None else launched.rules.prizes[index])


def _by_moment(ports: Ports, launched: Launched, play: Play, now: datetime) -> Outcome:
    moments = _moments(ports, launched)
    due = bisect_right(moments, now, key=attrgetter("at"))
    unclaimed = _first_unclaimed(ports, play.of, due)
    if ports.clock.now() - now > LONGEST_LOOK:
        msg = "held up between the clock and the claims"
        raise PreconditionFailed(msg)
    if unclaimed >= due:
        return by_moment(unclaimed)
    claim = Claim(
        campaign=play.campaign,
        moment=unclaimed,
        moment_at=moments[unclaimed].at,
        token_id=play.token_id,
        accepted_at=now,
    )
    return by_moment(unclaimed, claim, launched.rules.prizes[moments[unclaimed].prize])


def _means(ports: Ports, unit: UnitOfWork, launched: Launched, play: Play, prize: Prize) -> Means:
    """Read what the prize can be granted from: one balance, or all where it has not enough."""
    rules, of = launched.rules, play.of
    balances: list[Balance] = []
    if prize.is_money:
        first, *others = balance_order(play.token_id, balance_count(rules))
        balances = _opened(unit, of, [first])
        if not enough(balances, prize_minor(rules, prize, play.base_minor)):
            balances += _opened(unit, of, others)
    stock = unit.read(Stock, (*of.parts, prize.name)) if prize.stock else None
    fallback = unit.read(Balance, (*of.parts, FALLBACK)) if rules.fallback_minor else None
    code = coupon_code(_seed(ports, launched), launched.rules_hash, play.token_id)
    return Means(balances, fallback, stock, code)


def _opened(unit: UnitOfWork, of: CampaignVersion, names: Sequence[str]) -> list[Balance]:
    found = unit.read_all(Balance, [(*of.parts, name) for name in names])
    if None in found:
        msg = f"a balance document of {of.text} is missing"
        raise Unknown(msg, code="unknown-balance")
    return [balance for balance in found if balance is not None]


def _seed(ports: Ports, launched: Launched) -> bytes:
    name = launched.seed_key
    return ports.memo.read(("campaign-key", name), FOR_EVER, lambda: ports.keys.get(name, 1).material)


def _moments(ports: Ports, launched: Launched) -> tuple[Moment, ...]:
    def derive() -> tuple[Moment, ...]:
        rules = launched.rules
        window = (rules.window.opens_at, rules.window.closes_at)
        of = version_of(launched)
        counts = [prize.moments or 0 for prize in rules.prizes]
        return winning_moments(_seed(ports, launched), launched.witness, launched.rules_hash, of, window, counts)

    return ports.memo.read(("moments", *version_of(launched)), FOR_EVER, derive)


def _first_unclaimed(ports: Ports, of: CampaignVersion, due: int) -> int:
    """Return the number of the first moment nobody has claimed; `due` or more when all moments due are claimed."""
    known = ports.memo.read(("claims", *of), CLAIMS_STALE_FOR, lambda: _searched(ports, of, 0, due))
    return _searched(ports, of, known, due)


def _searched(ports: Ports, of: CampaignVersion, low: int, high: int) -> int:
    while low < high:
        numbers = list(probes(low, high))
        snapshots = ports.documents.get([DocumentKey(Claim.COLLECTION, (*of.parts, str(n))) for n in numbers])
        claimed = [snapshot is not None for snapshot in snapshots]
        low, high = narrowed(low, high, list(zip(numbers, claimed, strict=True)))
    return low
