"""Money moves in double entry, and the books are checked from three sides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.errors import Conflict
from tombola.games.events import PlayChanged
from tombola.games.ledger import (
    ACCOUNTS,
    Balance,
    Posting,
    move,
    post,
)
from tombola.games.opening import opening_documents
from tombola.games.plays import Draw, Play, played
from tombola.games.records import CampaignVersion
from tombola.games.winnings import Moved, PlayPrize, Portion, onward, post_all, rolled_back
from tombola.settling.due import step_due
from tombola.settling.ledger_check import check_ledger, recompute

if TYPE_CHECKING:
    from conftest import Game

NOW = datetime(2017, 6, 15, 12, tzinfo=UTC)
EMPTY = Balance(campaign="june-wheel/v1", balance="0", currency="USD", accounts=dict.fromkeys(ACCOUNTS, 0))
OPEN = Play(
    campaign="june-wheel/v1",
    token_id="ab" * 32,
    retailer="corner-shop",
    tier=1,
    currency="USD",
    states=("open",),
    state_times=(NOW,),
    state_at=NOW,
    shard="june-wheel/v1/00",
    issued_at=NOW,
    expires_at=NOW + timedelta(days=14),
    matures_at=NOW + timedelta(days=30),
    base_minor=2000,
    authoritative=True,
    order_revision=1,
    signing_version=1,
)


def won(granted_minor: int) -> PlayPrize:
    return PlayPrize(name="basket", state="reserved", portions={"0": Portion(reserved_minor=granted_minor)})


WON = played(OPEN, NOW, Draw(prize="basket", claims_seen=0, moment=0), won(2000))


def due(play: Play) -> Play:
    step = step_due(play, None, play.matures_at)
    assert step is not None
    return step.play


def paid(prize: PlayPrize) -> Moved:
    return onward(prize, "pay", "payable", "paid", "paid")


def after(play: Play, moved: Moved | None) -> Play:
    assert moved is not None
    return play.changed(prize=moved.prize)


def funded(amount: int) -> Balance:
    balance, _ = post(EMPTY, cause="launch", kind="fund", legs=move("funded", "available", amount), at=NOW)
    return balance


def test_a_posting_says_what_moved_and_what_is_left() -> None:
    balance, posting = post(funded(500), cause="token", kind="reserve", legs=move("available", "reserved", 200), at=NOW)
    assert (balance.accounts["available"], balance.accounts["reserved"], balance.sequence) == (300, 200, 2)
    assert posting.accounts_after == balance.accounts
    assert posting.parts == ("june-wheel", "1", "0", "token", "reserve")
    assert sum(balance.accounts.values()) == 0


def test_no_account_but_the_source_falls_below_zero() -> None:
    with pytest.raises(Conflict, match="available at -1") as refused:
        post(funded(500), cause="token", kind="reserve", legs=move("available", "reserved", 501), at=NOW)
    assert refused.value.code == "overdrawn"


def test_legs_that_do_not_sum_to_zero_are_refused() -> None:
    with pytest.raises(Conflict, match="sum to 1") as refused:
        post(funded(500), cause="token", kind="reserve", legs={"available": -1, "reserved": 2}, at=NOW)
    assert refused.value.code == "unbalanced"


def test_a_launch_opens_the_balance_its_posting_and_the_slots(game: Game) -> None:
    documents = opening_documents(game.launched, NOW)
    assert [collection for collection, _, _ in documents] == ["balances", "postings", *["slots"] * 5]
    assert documents[0][2]["accounts"]["available"] == game.launched.rules.pool_minor
    assert sum(fields["capacity"] for collection, _, fields in documents if collection == "slots") == 5000


def test_a_prize_goes_from_reserved_to_payable_to_paid() -> None:
    matured = due(WON)
    assert (matured.prize.held("reserved"), matured.prize.held("payable")) == (0, 2000)
    gone = paid(matured.prize).prize
    assert (gone.state, gone.held("paid"), gone.payable_minor) == ("paid", 2000, 0)


def test_a_prize_does_not_mature_before_the_return_window_or_a_word_of_authority() -> None:
    assert step_due(WON, None, WON.matures_at - timedelta(microseconds=1)) is None
    promised = WON.model_copy(update={"authoritative": False})
    assert promised.due_at is None
    assert step_due(promised, None, NOW + timedelta(days=400)) is None


def test_what_was_paid_for_a_returned_order_is_recoverable() -> None:
    back = rolled_back(paid(due(WON).prize).prize, 500, stands=True)
    assert back is not None
    (movement,) = back.movements
    assert (movement.kind, movement.legs) == ("recover", {"paid": -1500, "recoverable": 1500})
    assert back.prize.state == "paid"


def test_a_payable_prize_is_voided_like_a_reserved_one() -> None:
    back = rolled_back(due(WON).prize, 0, stands=False)
    assert back is not None
    assert ([movement.legs for movement in back.movements], back.prize.state) == (
        [{"payable": -2000, "available": 2000}],
        "void",
    )


def test_a_voided_prize_never_rises_again() -> None:
    void = rolled_back(WON.prize, 0, stands=False)
    assert void is not None
    assert rolled_back(void.prize, 2000, stands=True) is None
    assert void.prize.released_minor == 2000


def test_money_goes_back_to_the_balances_it_came_from() -> None:
    portions = {"1": Portion(reserved_minor=700), "0": Portion(reserved_minor=300)}
    prize = PlayPrize(name="basket", state="reserved", portions=portions)
    back = rolled_back(prize, 400, stands=True)
    assert back is not None
    assert [(movement.balance, movement.amount_minor) for movement in back.movements] == [("0", 300), ("1", 300)]
    assert (back.prize.held("reserved"), back.prize.released_minor) == (400, 600)


@pytest.mark.parametrize("kind", ["coupon", "physical"])
def test_a_coupon_or_a_thing_falls_with_its_order_until_it_is_handed_over(kind: str) -> None:
    prize = PlayPrize.model_validate({"name": "mug", "kind": kind, "worth_minor": 900, "state": "reserved"})
    assert rolled_back(prize, 0, stands=True) is None
    void = rolled_back(prize, 0, stands=False)
    assert void is not None
    assert (void.prize.state, void.movements) == ("void", ())
    delivered = rolled_back(prize.model_copy(update={"state": "paid"}), 0, stands=False)
    assert delivered is not None
    assert (delivered.prize.state, delivered.prize.fallen, delivered.movements) == ("paid", True, ())
    assert rolled_back(delivered.prize, 0, stands=False) is None


def test_a_lost_play_has_nothing_to_roll_back() -> None:
    assert rolled_back(played(OPEN, NOW, Draw(claims_seen=0)).prize, 0, stands=True) is None


@given(st.lists(st.sampled_from(["lower", "void", "mature", "pay"]), max_size=12), st.integers(1, 10_000))
def test_any_life_of_a_prize_keeps_the_three_sums_equal(steps: list[str], granted: int) -> None:
    opened, fund = post(EMPTY, cause="launch", kind="fund", legs=move("funded", "available", 20_000), at=NOW)
    raised = OPEN.model_copy(update={"base_minor": granted})
    play = played(raised, NOW, Draw(prize="basket", claims_seen=0, moment=0), won(granted))
    balance, first = post(opened, cause="win", kind="reserve", legs=move("available", "reserved", granted), at=NOW)
    postings: list[Posting] = [fund, first]
    for number, step in enumerate(steps):
        moved = _step(play, step, number)
        if moved is not None:
            play = after(play, moved)
            balances, new = post_all({"0": balance}, ((f"step {number}", each) for each in moved.movements), NOW)
            balance = balances["0"]
            postings += new
    check = check_ledger([balance], postings, [play], {"0": 20_000})["0"]
    assert check.difference_minor == 0
    assert all(amount >= 0 for account, amount in balance.accounts.items() if account != "funded")


def _step(play: Play, step: str, number: int) -> Moved | None:
    match step:
        case "lower":
            return rolled_back(play.prize, play.base_minor * number // 10, stands=True)
        case "void":
            return rolled_back(play.prize, 0, stands=False)
        case "mature":
            step = step_due(play, None, play.matures_at)
            return None if step is None else Moved(step.play.prize, tuple(movement for _, movement in step.caused))
    return paid(play.prize) if play.prize.state == "matured" else None


def test_a_wrong_balance_is_found() -> None:
    balance = funded(20_000)
    wrong = balance.model_copy(update={"accounts": {**balance.accounts, "available": 19_999}})
    assert check_ledger([wrong], [], [], {"0": 20_000})["0"].difference_minor == 20_000
    assert recompute(WON.prize.portions.values(), 20_000)["available"] == 18_000


def test_movements_of_one_commit_follow_one_another() -> None:
    balance, _ = post(funded(9000), cause="x", kind="reserve", legs=move("available", "reserved", 4000), at=NOW)
    (mature,) = onward(WON.prize, "mature", "reserved", "payable", "matured").movements
    balances, postings = post_all({"0": balance}, ((letter, mature) for letter in "ab"), NOW)
    assert [posting.sequence for posting in postings] == [3, 4]
    assert balances["0"].accounts["payable"] == 4000


def test_a_play_tells_its_state_under_an_id_of_its_revision() -> None:
    first, again, later = WON.event(), WON.event(), WON.changed().event()
    assert first == again
    assert later.event_id != first.event_id
    assert isinstance(first, PlayChanged)
    assert not {"shopper", "order", "base_minor"} & set(first.model_dump())


def test_a_campaign_version_is_read_as_it_is_written() -> None:
    assert CampaignVersion.parse(CampaignVersion("wheel-v2", 13).text) == ("wheel-v2", 13)


def test_the_opening_posting_carries_the_whole_pool(game: Game) -> None:
    (_, _, balance), (_, _, posting) = opening_documents(game.launched, NOW)[:2]
    assert posting["legs"] == {"funded": -2_000_000, "available": 2_000_000}
    assert balance["currency"] == "USD"
