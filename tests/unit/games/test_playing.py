"""A play draws once, wins what is reserved in the same commit, and gives the same answer for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tombola.draws.usecases import play_game
from tombola.errors import Gone, Unauthenticated, Unknown
from tombola.games.answers import PlayRequest
from tombola.games.derivation import winning_moments
from tombola.games.records import version_of
from tombola.games.tokens import RECEIPT_AUDIENCE, SIGNING_KEY, Signer, sign_token
from tombola.games.usecases import issue_tokens, list_keys
from tombola.ports.documents import DocumentKey, Replace, Where
from tombola.settling.usecases import settle_plays, settle_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Game

    Published = Callable[[str], list[dict[str, Any]]]

FEW = [{"name": "basket", "kind": "basket_value", "cap": "50.00", "moments": 2}]


def moments_of(game: Game) -> tuple[datetime, ...]:
    launched, rules = game.launched, game.launched.rules
    seed = game.ports.keys.get(launched.seed_key).material
    window = (rules.window.opens_at, rules.window.closes_at)
    counts = [rules.moments]
    drawn = winning_moments(seed, launched.witness, launched.rules_hash, version_of(launched), window, counts)
    return tuple(moment.at for moment in drawn)


def test_a_play_at_a_moment_wins_the_value_of_its_basket(game: Game, published: Published) -> None:
    answer = game.play(game.earn())
    assert (answer.result, answer.prize.amount, answer.prize.currency) == ("won", "20.00", "USD")
    play = game.play_of()
    assert (play.state, play.draw.moment, play.draw.claims_seen, play.prize.state) == ("played", 0, 0, "reserved")
    assert (play.draw.prize, play.draw.sequences, play.draw.available_minor) == ("basket", {"0": 2}, 2_000_000 - 2000)
    assert published("play-changed")[-1]["won"]
    books = game.books()
    assert (books.wins, books.accounts_balances["reserved"], books.problems) == (1, 2000, ())


def test_a_prize_is_capped(game: Game) -> None:
    from tombola.orders.facts import Line  # noqa: PLC0415

    lines = (Line(line_id="1", product_id="caviar", quantity=2, value_minor=99_900),)
    assert game.play(game.earn(lines=lines)).prize.amount == "50.00"


def test_a_play_before_the_first_moment_loses(launch: Callable[..., Game]) -> None:
    game = launch(prizes=FEW)
    assert moments_of(game)[0] > game.ports.clock.now()
    answer = game.play(game.earn())
    assert (answer.result, answer.prize) == ("lost", None)
    play = game.play_of()
    assert (play.draw.moment, play.draw.claims_seen, play.prize.state) == (None, 0, "none")


def test_a_losing_play_records_the_claims_it_saw_and_the_next_moment_lies_after_it(launch: Callable[..., Game]) -> None:
    game = launch(prizes=[FEW[0] | {"moments": 30}], limits={"per_shopper": None})
    moments, seen = moments_of(game), []
    for number in range(40):
        game.ports.clock.advance(timedelta(hours=3))
        game.play(game.earn(f"o-{number}"))
        play = game.play_of(f"o-{number}")
        if not play.won:
            seen.append(play.draw.claims_seen)
            assert play.draw.claims_seen == 30 or moments[play.draw.claims_seen] > play.accepted_at
        else:
            assert moments[play.draw.moment] <= play.accepted_at
    assert seen
    assert game.books().problems == ()


class HeldUp:
    """A clock after whose first look its process is held up for five seconds."""

    def __init__(self, clock: Any) -> None:  # noqa: ANN401 (a clock that is set by hand)
        self.clock, self.looks = clock, 0

    def now(self) -> datetime:
        told: datetime = self.clock.now()
        self.looks += 1
        if self.looks == 1:
            self.clock.advance(timedelta(seconds=5))
        return told


def test_a_play_that_was_held_up_counts_from_when_it_looked_at_the_claims(launch: Callable[..., Game]) -> None:
    game = launch()
    token, began_at = game.earn(), game.ports.clock.now()
    replace(game, ports=replace(game.ports, clock=HeldUp(game.ports.clock))).play(token)
    assert game.play_of().accepted_at == began_at + timedelta(seconds=5)


def test_when_all_moments_are_won_everybody_loses(launch: Callable[..., Game]) -> None:
    game = launch(prizes=FEW)
    game.ports.clock.set(datetime(2017, 6, 21, 23, 59, tzinfo=UTC))
    results = [game.play(game.earn(f"o-{number}", shopper=f"s-{number}")).result for number in range(4)]
    assert results == ["won", "won", "lost", "lost"]
    assert game.play_of("o-3").draw.claims_seen == 2


def test_a_token_played_again_gives_the_same_answer(game: Game, published: Published) -> None:
    token = game.earn()
    first, told = game.play(token), len(published("play-changed"))
    game.ports.clock.advance(timedelta(days=60))
    assert game.play(token) == first
    assert len(published("play-changed")) == told


def test_an_answer_stays_what_it_was_when_the_order_is_cancelled_later(game: Game) -> None:
    token = game.earn()
    first = game.play(token)
    game.issue(game.order(cancelled=True))
    assert game.play(token) == first
    assert game.play_of().prize.state == "void"


def test_the_receipt_is_verified_with_the_listed_keys_alone(game: Game) -> None:
    answer = game.play(game.earn())
    key = jwt.PyJWKSet.from_dict(list_keys(game.ports))[jwt.get_unverified_header(answer.receipt)["kid"]]
    claims = jwt.decode(answer.receipt, key, algorithms=["EdDSA"], audience=RECEIPT_AUDIENCE)
    assert claims == {
        "jti": game.play_of().token_id,
        "aud": RECEIPT_AUDIENCE,
        "campaign": "june-wheel",
        "version": 1,
        "accepted_at": "2017-06-15T13:00:00.000000+00:00",
        "result": "won",
        "drawn": "basket",
        "prize": {"name": "basket", "kind": "money", "amount": "20.00", "currency": "USD", "code": ""},
    }


def test_a_receipt_is_no_token(game: Game) -> None:
    receipt = game.play(game.earn()).receipt
    with pytest.raises(Unauthenticated) as refused:
        game.play(receipt)
    assert refused.value.code == "foreign-token"


def test_an_expired_token_is_gone_and_its_play_says_so(game: Game, published: Published) -> None:
    token = game.earn()
    game.ports.clock.advance(timedelta(days=14))
    for _ in range(2):
        with pytest.raises(Gone) as refused:
            game.play(token)
        assert refused.value.code == "expired-token"
    assert game.play_of().state == "expired"
    assert [event["state"] for event in published("play-changed")] == ["open", "expired"]


def test_a_revoked_token_is_gone(game: Game) -> None:
    token = game.earn()
    game.issue(game.order(cancelled=True))
    with pytest.raises(Gone) as refused:
        game.play(token)
    assert refused.value.code == "revoked-token"


def test_a_forged_token_changes_nothing(game: Game) -> None:
    game.earn()
    forged = sign_token(Signer(1, bytes([9]) * 32), game.play_of().token_id, "june-wheel", game.play_of().expires_at)
    with pytest.raises(Unauthenticated) as refused:
        game.play(forged)
    assert refused.value.code == "forged-token"
    assert game.play_of().state == "open"


def test_a_token_of_a_key_that_is_not_there_is_foreign(game: Game) -> None:
    game.earn()
    foreign = sign_token(Signer(2, bytes([9]) * 32), game.play_of().token_id, "june-wheel", game.play_of().expires_at)
    with pytest.raises(Unauthenticated) as refused:
        game.play(foreign)
    assert refused.value.code == "foreign-token"


def test_a_genuine_token_without_a_play_is_unknown(game: Game) -> None:
    orphan = sign_token(game.signer, "cd" * 32, "june-wheel", datetime(2017, 6, 29, tzinfo=UTC))
    with pytest.raises(Unknown) as refused:
        game.play(orphan)
    assert refused.value.code == "unknown-token"


def test_a_rotated_key_signs_new_tokens_and_old_ones_stay_good(game: Game) -> None:
    old = game.earn("o-1")
    rotated = game.ports.keys.rotate(SIGNING_KEY, bytes([7]) * 32)
    game.ports.clock.advance(timedelta(minutes=2))
    game.earn("o-2")
    assert game.play_of("o-2").signing_version == rotated.version == 2
    game.play(old)
    game.play(Signer(2, rotated.material).sign(claims_of(game, "o-2")))
    listed = [key["kid"] for key in list_keys(game.ports)["keys"]]
    assert [kid for kid in listed if kid.startswith(SIGNING_KEY)] == ["token-signing-v1", "token-signing-v2"]


def claims_of(game: Game, order_id: str) -> dict[str, object]:
    play = game.play_of(order_id)
    exp = int(play.expires_at.timestamp())
    return {"jti": play.token_id, "aud": "tombola-play", "campaign": "june-wheel", "exp": exp}


def test_a_prize_is_reduced_to_what_is_left_of_the_order(game: Game) -> None:
    game.play(game.earn())
    game.issue(game.order(returned=(1, 1200)))
    prize = game.play_of().prize
    assert (prize.state, prize.reserved_minor, prize.released_minor) == ("reserved", 2000, 1200)
    game.issue(game.order())
    assert game.play_of().prize.held("reserved") == 800
    books = game.books()
    assert (books.accounts_balances["available"], books.problems) == (2_000_000 - 800, ())


def test_a_played_token_uses_its_limit_for_ever(game: Game) -> None:
    for number in range(3):
        game.play(game.earn(f"o-{number}"))
        game.issue(game.order(f"o-{number}", cancelled=True))
    assert game.issue(game.order("o-3")).reason == "limit-reached"
    books = game.books()
    assert (books.wins, books.released_minor, books.difference_minor, books.problems) == (3, 6000, 0, ())


def test_a_claimed_moment_is_never_opened_again(game: Game) -> None:
    game.play(game.earn("o-1"))
    game.issue(game.order("o-1", cancelled=True))
    game.play(game.earn("o-2"))
    assert [game.play_of(f"o-{number}").draw.moment for number in (1, 2)] == [0, 1]


def test_a_prize_matures_once_after_the_return_window(game: Game, published: Published) -> None:
    game.play(game.earn())
    game.ports.clock.advance(timedelta(days=29))
    assert settle_version(game.ports, "june-wheel", 1) == 0
    game.ports.clock.advance(timedelta(days=1))
    assert settle_version(game.ports, "june-wheel", 1) == 1
    assert settle_version(game.ports, "june-wheel", 1) == 0
    assert (published("play-changed")[-1]["prize_state"], published("play-changed")[-1]["payable_minor"]) == (
        "matured",
        2000,
    )
    assert game.books().problems == ()


def test_a_prize_that_no_system_of_record_has_confirmed_does_not_mature(game: Game) -> None:
    game.play(game.earn(authoritative=False))
    game.ports.clock.advance(timedelta(days=60))
    assert settle_version(game.ports, "june-wheel", 1) == 0
    game.issue(game.order())
    assert settle_version(game.ports, "june-wheel", 1) == 1


def test_a_return_after_the_money_was_closed_takes_the_prize_back_and_nobody_can_win_it(game: Game) -> None:
    game.play(game.earn())
    game.ports.clock.advance(timedelta(days=30))
    settle_version(game.ports, "june-wheel", 1)
    game.issue(game.order(cancelled=True))
    books = game.books()
    assert (books.accounts_balances["payable"], books.accounts_balances["expired"]) == (0, 2_000_000)
    assert books.problems == ()


def test_many_prizes_mature_in_several_commits(launch: Callable[..., Game]) -> None:
    game = launch(limits={"per_shopper": None})
    game.ports.clock.set(datetime(2017, 6, 21, 23, 59, tzinfo=UTC))
    for number in range(65):
        game.play(game.earn(f"o-{number}"))
    game.ports.clock.advance(timedelta(days=31))
    assert settle_version(game.ports, "june-wheel", 1) == 65
    assert game.books().accounts_balances["payable"] == 65 * 2000
    assert game.books().problems == ()


def test_plays_whose_time_is_over_are_written_down_as_expired(game: Game) -> None:
    game.earn("o-1")
    game.play(game.earn("o-2"))
    game.ports.clock.advance(timedelta(days=14))
    assert settle_version(game.ports, "june-wheel", 1) == 1
    assert settle_version(game.ports, "june-wheel", 1) == 0
    assert (game.play_of("o-1").state, game.play_of("o-2").state) == ("expired", "played")


def test_a_campaign_whose_books_are_broken_does_not_keep_the_others_from_being_settled(
    launch: Callable[..., Game],
) -> None:
    game, _ = launch(), launch(campaign="june-xylophone")
    order = game.order(ordered_at=game.ports.clock.now())
    tokens = [str(each.token_id) for each in issue_tokens(game.ports, order, lane="live")]
    for token in tokens:
        game.play(game.text(token))
    balance_with(game, accounts={"funded": 0})
    game.ports.clock.advance(timedelta(days=30))
    with pytest.raises(ExceptionGroup, match="cannot be settled") as raised:
        settle_plays(game.ports)
    assert [fault.code for fault in raised.value.exceptions] == ["overdrawn"]
    assert [game.look(token).prize.state for token in tokens] == ["reserved", "matured"]


def balance_with(game: Game, **changed: object) -> None:
    (snapshot,) = game.ports.documents.get([DocumentKey("balances", ("june-wheel", "1", "0"))])
    game.ports.documents.commit([Replace(snapshot.key, {**snapshot.fields, **changed}, snapshot.version)])


def test_an_empty_pool_grants_nothing_and_the_win_is_still_a_fact(game: Game) -> None:
    accounts = {"funded": -1999, "available": 1999}
    balance_with(game, accounts={**game.books().accounts_balances, **accounts})
    answer = game.play(game.earn())
    assert (answer.result, answer.prize.amount) == ("won", "0.00")
    play = game.play_of()
    assert (play.won, play.prize.state, play.draw.sequences) == (True, "none", {"0": 1})
    assert game.books().accounts_balances["available"] == 1999


def test_a_closed_balance_stops_playing(game: Game) -> None:
    token = game.earn()
    balance_with(game, status="closed")
    with pytest.raises(Gone) as refused:
        game.play(token)
    assert refused.value.code == "campaign-ended"
    assert game.play_of().state == "open"


def test_no_document_of_a_play_names_the_shopper_or_the_order(game: Game) -> None:
    game.play(game.earn("order-4711", shopper="shopper-0815"))
    for collection in ("plays", "claims", "postings", "balances", "slots"):
        for snapshot in game.ports.documents.query(collection, [Where("campaign", "==", "june-wheel/v1")]):
            shown = repr((snapshot.key, snapshot.fields))
            assert "shopper-0815" not in shown
            assert "order-4711" not in shown


def test_a_limit_lists_no_token(game: Game) -> None:
    game.earn()
    (limit,) = game.ports.documents.query("limits", [Where("campaign", "==", "june-wheel/v1")])
    assert game.play_of().token_id not in repr(limit.fields)
    assert limit.fields["entries"] == ["order/o-1#1"]


def test_a_request_needs_the_token_alone(game: Game) -> None:
    assert play_game(game.ports, PlayRequest(token=game.earn())).result == "won"
