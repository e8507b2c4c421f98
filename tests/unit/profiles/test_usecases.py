"""A profile always agrees with its orders, whatever comes twice, late or never."""

import threading
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from tombola.adapters.embedded.clock import ReplayClock
from tombola.feeds.events import ShopperReceived, StatedConsent
from tombola.orders.facts import Header, Line, Order, ReturnedLine
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, Replace, Snapshot
from tombola.profiles.room import LEVELS
from tombola.profiles.usecases import read_profile, record_shopper, update_profile
from tombola.runtime.races import decide_again

ORDERED = datetime(2017, 6, 14, 12, tzinfo=UTC)


def order(order_id: str = "1", revision: int = 1, *, shopper: str | None = "s1", **members: object) -> Order:
    line = Line(line_id="1", product_id="857", quantity=2, value_minor=450, coupon_minor=100)
    return Order(
        retailer="corner-shop",
        order_id=order_id,
        revision=revision,
        authoritative=True,
        header=Header(shopper=shopper, store_id="1", ordered_at=ORDERED, currency="USD"),
        lines=(line,),
    ).model_copy(update=members)


def varied(order_id: str, weeks_ago: int, products: int = 700) -> Order:
    lines = tuple(Line(line_id=str(n), product_id=f"{n:030}", quantity=1, value_minor=100 + n) for n in range(products))
    at = ORDERED - timedelta(weeks=weeks_ago)
    return order(order_id, lines=lines, header=Header(shopper="s1", store_id="1", ordered_at=at, currency="USD"))


def said(*, granted: bool = True, at: datetime = ORDERED, tier: str | None = "gold") -> ShopperReceived:
    return ShopperReceived(
        event_id="e",
        retailer="corner-shop",
        shopper="s1",
        stated_at=at,
        registered_at=None,
        loyalty_tier=tier,
        consents=(StatedConsent(purpose="profile", granted=granted, effective_at=at),),
    )


def counts(ports: Ports, shopper: str = "s1") -> bytes:
    return read_profile(ports, "corner-shop", shopper).counts


def profile_document(ports: Ports) -> Snapshot:
    (found,) = ports.documents.get([DocumentKey("profiles", ("corner-shop", "s1"))])
    assert found is not None
    return found


def contribution_document(ports: Ports, order_id: str = "1") -> Snapshot:
    (found,) = ports.documents.get([DocumentKey("contributions", ("corner-shop", order_id))])
    assert found is not None
    return found


def test_a_redelivered_order_counts_once(ports: Ports) -> None:
    assert update_profile(ports, order())
    before = profile_document(ports)
    assert not update_profile(ports, order())
    assert profile_document(ports) == before


def test_a_cancelled_order_leaves_bytes_equal_to_never(ports: Ports) -> None:
    update_profile(ports, order("1"))
    never = counts(ports)
    update_profile(ports, order("2"))
    assert counts(ports) != never
    update_profile(ports, order("2", 2, cancelled_at=ORDERED))
    assert counts(ports) == never
    assert contribution_document(ports, "2").fields["shopper"] is None


def test_an_order_cancelled_before_it_was_ever_seen_leaves_no_profile(ports: Ports) -> None:
    update_profile(ports, order("1", 2, cancelled_at=ORDERED))
    assert not update_profile(ports, order("1", 1))
    assert read_profile(ports, "corner-shop", "s1").revision == 0


def test_a_fully_returned_line_vanishes_and_a_part_reduces_it(ports: Ports) -> None:
    half = ReturnedLine(return_id="r1", line_id="1", quantity=1, value_minor=225)
    update_profile(ports, order("1", 1, returns=(half,)))
    assert b'["857",1,175]' in counts(ports)
    rest = ReturnedLine(return_id="r2", line_id="1", quantity=1, value_minor=225)
    update_profile(ports, order("1", 2, returns=(half, rest)))
    assert counts(ports) == b""


def test_revisions_in_any_order_of_arrival_end_in_equal_bytes(ports: Ports) -> None:
    returned = (ReturnedLine(return_id="r1", line_id="1", quantity=1, value_minor=225),)
    ends = set()
    for number, arrival in enumerate(permutations([(1, ()), (2, returned), (3, ())])):
        shopper = f"s{number}"
        for revision, returns in arrival:
            update_profile(ports, order(f"{number}", revision, shopper=shopper, returns=returns))
        ends.add(counts(ports, shopper))
    assert len(ends) == 1


def test_two_orders_of_one_shopper_in_the_same_second_both_count(ports: Ports) -> None:
    update_profile(ports, order("1"))
    update_profile(ports, order("2"))
    assert b'"orders":[["",2,700]]' in counts(ports)


def test_many_orders_of_one_shopper_at_once_all_count(ports: Ports) -> None:
    def work(number: int) -> None:
        decide_again(lambda: update_profile(ports, order(str(number))))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert b'"orders":[["",6,2100]]' in counts(ports)


def test_an_order_that_changes_its_shopper_leaves_one_profile_and_joins_the_other(ports: Ports) -> None:
    update_profile(ports, order("1", 1, shopper="s1"))
    added = counts(ports, "s1")
    update_profile(ports, order("1", 2, shopper="s2"))
    assert (counts(ports, "s1"), counts(ports, "s2")) == (b"", added)


def test_of_an_order_without_a_shopper_only_the_revision_is_kept(ports: Ports) -> None:
    update_profile(ports, order("1", 2, shopper=None))
    assert contribution_document(ports).fields == {"revision": 2, "shopper": None, "counts": b"", "ordered_at": None}
    assert not update_profile(ports, order("1", 1, shopper="s1"))
    assert counts(ports) == b""


def test_an_order_that_loses_its_shopper_leaves_the_profile(ports: Ports) -> None:
    update_profile(ports, order("1", 1))
    update_profile(ports, order("1", 2, shopper=None))
    assert counts(ports) == b""


def test_weeks_past_156_leave_and_are_not_retracted_twice(ports: Ports, clock: ReplayClock) -> None:
    update_profile(ports, order("1"))
    clock.advance(timedelta(weeks=158))
    assert counts(ports) == b""
    recent = Header(shopper="s1", store_id="1", ordered_at=clock.now(), currency="USD")
    update_profile(ports, order("2", header=recent))
    only_recent = counts(ports)
    update_profile(ports, order("1", 2, cancelled_at=clock.now()))
    assert counts(ports) == only_recent
    assert profile_document(ports).fields["counts"] == only_recent


def test_a_profile_past_its_room_is_the_same_in_any_order_of_arrival(ports: Ports) -> None:
    orders = [varied(f"o{week}", week) for week in range(12)]
    for each in orders:
        update_profile(ports, each)
    forwards = counts(ports)
    assert profile_document(ports).fields["trimmed"]
    assert len(forwards) <= LEVELS[1][0]
    backwards = [each.model_copy(update={"order_id": f"b{n}"}) for n, each in enumerate(reversed(orders))]
    other = Header.model_validate({**orders[0].header.model_dump(), "shopper": "s2"})
    for each in backwards:
        header = other.model_copy(update={"ordered_at": each.header.ordered_at})
        update_profile(ports, each.model_copy(update={"header": header}))
    assert counts(ports, "s2") == forwards


def test_detail_that_was_cut_away_comes_back_when_there_is_room_again(ports: Ports) -> None:
    for week in range(8):
        update_profile(ports, varied(f"o{week}", week))
    whole = counts(ports)
    assert not profile_document(ports).fields["trimmed"]
    for week in range(8, 12):
        update_profile(ports, varied(f"o{week}", week))
    for week in range(8, 12):
        cancelled = varied(f"o{week}", week).model_copy(update={"revision": 2, "cancelled_at": ORDERED})
        update_profile(ports, cancelled)
    assert counts(ports) == whole
    assert not profile_document(ports).fields["trimmed"]


def test_of_an_erased_shopper_nothing_is_kept_again(ports: Ports) -> None:
    update_profile(ports, order("1"))
    found = profile_document(ports)
    tombstone = {**found.fields, "status": "erased", "counts": b"", "facts": b""}
    ports.documents.commit([Replace(found.key, tombstone, found.version)])
    update_profile(ports, order("1", 2))
    update_profile(ports, order("2"))
    assert not record_shopper(ports, said())
    assert profile_document(ports).fields == tombstone
    assert contribution_document(ports, "2").fields["shopper"] is None
    assert read_profile(ports, "corner-shop", "s1").revision == 0


def test_consent_and_tier_are_recorded_once(ports: Ports) -> None:
    assert record_shopper(ports, said())
    assert not record_shopper(ports, said())
    profile = read_profile(ports, "corner-shop", "s1")
    assert (profile.revision, profile.facts.loyalty_tier) == (1, "gold")
    assert profile.agreed("profile", ORDERED)
    assert not profile.agreed("ads", ORDERED)


def test_an_old_file_never_undoes_a_later_refusal(ports: Ports) -> None:
    record_shopper(ports, said(granted=False, at=ORDERED, tier=None))
    record_shopper(ports, said(granted=True, at=ORDERED - timedelta(days=1)))
    profile = read_profile(ports, "corner-shop", "s1")
    assert not profile.agreed("profile", ORDERED)
    assert profile.facts.loyalty_tier is None


def test_orders_and_facts_share_a_profile_without_harm(ports: Ports) -> None:
    update_profile(ports, order())
    before = counts(ports)
    record_shopper(ports, said())
    update_profile(ports, order("2"))
    update_profile(ports, order("2", 2, cancelled_at=ORDERED))
    profile = read_profile(ports, "corner-shop", "s1")
    assert (profile.counts, profile.agreed("profile", ORDERED)) == (before, True)


def test_tastes_are_seen_only_by_those_who_may(ports: Ports) -> None:
    update_profile(ports, order())
    assert read_profile(ports, "corner-shop", "s1").scores(ORDERED).lines == {}
    record_shopper(ports, said())
    profile = read_profile(ports, "corner-shop", "s1")
    assert profile.scores(ORDERED).of("product", "857") == 1
    assert profile.scores(ORDERED - timedelta(seconds=1)).lines == {}


def test_a_stranger_has_an_empty_profile(ports: Ports) -> None:
    profile = read_profile(ports, "corner-shop", "nobody")
    assert (profile.revision, profile.counts, profile.consents) == (0, b"", ())


@pytest.mark.parametrize("revision", [1, 5])
def test_the_revision_handled_is_remembered(ports: Ports, revision: int) -> None:
    update_profile(ports, order("1", revision))
    assert contribution_document(ports).fields["revision"] == revision
