"""What must hold of every prize: what was won and granted, its state, its money, its stock and its payments."""

from collections import Counter
from collections.abc import Iterator

from tombola.campaigns.model import Campaign
from tombola.games.plays import Play
from tombola.games.winnings import FALLBACK, PlayPrize
from tombola.settling.books import Books
from tombola.settling.wording import differing


def prize_problems(rules: Campaign, books: Books) -> Iterator[str]:
    """Yield a sentence for everything about prizes that does not add up."""
    winners = [play for play in books.plays if play.prize.state != "none"]
    yield from differing("prizes unlike what was won", (p.token_id for p in books.plays if not _as_drawn(p)))
    most = _most_minor(rules)
    over = (p.token_id for p in winners if p.prize.reserved_minor > most.get((p.prize.name, p.prize.kind), 0))
    yield from differing("prizes above what the rules give", over)
    unlike = (p.token_id for p in winners if not _money_as_state(p.prize))
    yield from differing("prizes whose money is unlike their state", unlike)
    yield from _claim_problems(rules, winners)
    yield from _stock_problems(rules, books)
    yield from _payment_problems(rules, books, winners)
    codes = Counter(play.prize.code for play in winners if play.prize.code)
    yield from differing("coupon codes given more than once", (code for code, n in codes.items() if n > 1))


def _as_drawn(play: Play) -> bool:
    """Tell whether the grant follows from the draw: the prize that was won, the fallback, or nothing."""
    prize, won = play.prize, play.draw.prize if play.draw else ""
    if not won:
        return prize == PlayPrize()
    return prize.name in {won, FALLBACK, ""} and (bool(prize.name) or not prize.portions)


def _most_minor(rules: Campaign) -> dict[tuple[str, str], int]:
    """Return the money that a prize can bring at most, by name and kind; what is no money is not there."""
    most = {(prize.name, "money"): rules.worth_minor(prize) for prize in rules.prizes if prize.is_money}
    fallback = rules.when_empty.fallback if rules.when_empty else None
    if fallback is not None and fallback.kind == "fixed":
        most[FALLBACK, "money"] = rules.minor(fallback.worth)
    return most


def _money_as_state(prize: PlayPrize) -> bool:
    """Tell whether a prize's money lies where its state says; nothing of a thing's or a coupon's is money."""
    if prize.kind != "money":
        return not prize.portions
    waits, due = prize.held("reserved"), prize.payable_minor
    out = prize.held("paid") + prize.held("recoverable") + prize.held("written_off")
    return {
        "reserved": waits > 0 and not due and not out,
        "matured": due > 0 and not waits and not out,
        "claimed": due > 0 and not waits,
        "paid": out > 0 and not waits and not due,
        "void": not waits and not due and not out,
    }.get(prize.state, False)


def _claim_problems(rules: Campaign, winners: list[Play]) -> Iterator[str]:
    asked = [play for play in winners if play.prize.state in {"claimed", "paid"}]
    unclaimed = (play.token_id for play in asked if play.prize.claim is None)
    yield from differing("prizes paid or to be paid that nobody claimed", unclaimed)
    claims = ((play.token_id, play.prize.claim) for play in asked)
    abroad = (token for token, claim in claims if claim and claim.country not in rules.eligibility.countries)
    yield from differing("prizes claimed from a country that is not in the rules", abroad)
    due = (play for play in winners if play.prize.state in {"matured", "claimed", "paid"})
    unstated = (play.token_id for play in due if not play.authoritative)
    yield from differing("prizes due though no system of record stated the order", unstated)


def _stock_problems(rules: Campaign, books: Books) -> Iterator[str]:
    left = {stock.prize: stock.left for stock in books.stocks}
    granted = Counter(play.prize.name for play in books.plays)
    for prize in rules.prizes:
        if prize.stock is not None and left.get(prize.name) != (expected := prize.stock - granted[prize.name]):
            found = f"stock of {prize.name} is {left.get(prize.name)}"
            yield f"{found}; expected {expected}: {prize.stock} less those granted"


def _payment_problems(rules: Campaign, books: Books, winners: list[Play]) -> Iterator[str]:
    paid: Counter[str] = Counter()
    given_up: Counter[str] = Counter()
    for payment in books.payments:
        if payment.outcome == "written_off":
            given_up[payment.token_id] += payment.counted_minor
        else:
            paid[payment.token_id] += -payment.counted_minor if payment.outcome == "netted" else payment.counted_minor
    known = {play.token_id: play.prize for play in winners}
    yield from differing("payments of prizes that nobody won", (paid.keys() | given_up.keys()) - known.keys())
    unlike = (token for token, prize in known.items() if (paid[token], given_up[token]) != _paid_out(prize))
    yield from differing("prizes unlike their payments", unlike)
    total, bound = given_up.total(), rules.minor(rules.pool.unrecovered_returns)
    if total > bound:
        yield f"{total} minor units were written off; expected at most {bound}"


def _paid_out(prize: PlayPrize) -> tuple[int, int]:
    """Return what payments must have counted, less what was netted; and what was written off."""
    if prize.kind != "money":
        return (prize.worth_minor if prize.state == "paid" else 0), 0
    written_off = prize.held("written_off")
    return prize.held("paid") + prize.held("recoverable") + written_off, written_off
