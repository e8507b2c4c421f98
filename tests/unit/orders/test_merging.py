"""Orders merge the same way whatever the order, number and grouping of their facts."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tombola.orders.facts import Header, Line, OrderStatement, Payment, ReturnedLine
from tombola.orders.merging import NOTHING, OrderTooLarge, State, join, merge, stated
from tombola.orders.packing import MAX_STATE_BYTES, pack, unpack
from tombola.orders.reading import current

START = datetime(2017, 3, 1, 12, tzinfo=UTC)

instants = st.integers(0, 4).map(lambda hours: START + timedelta(hours=hours))
line_ids = st.sampled_from("abc")
small = st.integers(0, 3)
lines = st.builds(
    Line, line_id=line_ids, product_id=st.sampled_from("pq"), quantity=small, value_minor=small, coupon_minor=small
)
returns = st.builds(ReturnedLine, return_id=st.sampled_from("rs"), line_id=line_ids, quantity=small, value_minor=small)
payments = st.builds(
    Payment, payment_id=st.sampled_from("xy"), tender=st.sampled_from(["card", "prize"]), amount_minor=small
)
headers = st.builds(
    Header,
    shopper=st.sampled_from([None, "s1", "s2"]),
    household=st.sampled_from([None, "h1"]),
    store_id=st.sampled_from(["1", "2"]),
    ordered_at=instants,
    currency=st.just("USD"),
)
statements = st.builds(
    OrderStatement,
    retailer=st.just("corner-shop"),
    order_id=st.just("1"),
    door=st.sampled_from(["feed", "webhook", "check_out"]),
    scope=st.sampled_from(["whole", "some"]),
    stated_at=instants,
    header=st.none() | headers,
    lines=st.lists(lines, max_size=3).map(tuple),
    returns=st.lists(returns, max_size=2).map(tuple),
    payments=st.lists(payments, max_size=2).map(tuple),
    cancelled_at=st.none() | instants,
)


def merged(*given: OrderStatement) -> State:
    return reduce(merge, given, NOTHING)


def statement(*, at: int = 0, **members: object) -> OrderStatement:
    defaults: dict[str, object] = {"retailer": "corner-shop", "order_id": "1", "door": "webhook", "scope": "some"}
    return OrderStatement.model_validate({**defaults, "stated_at": START + timedelta(hours=at), **members})


def line(line_id: str, value: int = 100, product: str = "p") -> Line:
    return Line(line_id=line_id, product_id=product, quantity=1, value_minor=value)


def header(shopper: str | None = "s1") -> Header:
    return Header(shopper=shopper, store_id="1", ordered_at=START, currency="USD")


def seen(*given: OrderStatement) -> list[str]:
    order = current(merged(*given), "corner-shop", "1", 1)
    assert order is not None
    return [f"{each.line_id}={each.value_minor}" for each in order.lines]


@given(st.lists(statements, max_size=6), st.randoms(use_true_random=False))
def test_shuffled_and_duplicated_statements_end_in_equal_bytes(facts: list[OrderStatement], random: Random) -> None:
    again = facts + [random.choice(facts) for _ in facts]
    random.shuffle(again)
    assert pack(merged(*again)) == pack(merged(*facts))


@given(st.lists(statements, max_size=5), st.data())
def test_any_tree_of_joins_ends_in_equal_bytes(facts: list[OrderStatement], data: st.DataObject) -> None:
    states = [stated(fact) for fact in facts] or [NOTHING]
    while len(states) > 1:
        one = states.pop(data.draw(st.integers(0, len(states) - 1)))
        place = data.draw(st.integers(0, len(states) - 1))
        states[place] = join(one, states[place]) if data.draw(st.booleans()) else join(states[place], one)
    assert pack(states[0]) == pack(merged(*facts))


@given(statements, st.data())
def test_a_partial_statement_split_line_by_line_ends_in_equal_bytes(fact: OrderStatement, data: st.DataObject) -> None:
    fact = fact.model_copy(update={"scope": "some"})
    bare = fact.model_copy(update={"lines": (), "returns": (), "payments": ()})
    parts = [bare]
    for name in ("lines", "returns", "payments"):
        parts += [bare.model_copy(update={name: (each,), "header": None}) for each in getattr(fact, name)]
    assert pack(merged(*data.draw(st.permutations(parts)))) == pack(merged(fact))


@given(st.lists(statements, max_size=5))
def test_unpacking_gives_back_the_state_and_packing_the_bytes(facts: list[OrderStatement]) -> None:
    state = merged(*facts)
    assert unpack(pack(state)) == state
    assert pack(unpack(pack(state))) == pack(state)


@given(st.lists(statements, max_size=5), statements)
@settings(max_examples=50)
def test_joining_what_is_known_already_changes_nothing(facts: list[OrderStatement], fact: OrderStatement) -> None:
    state = merged(*facts, fact)
    assert pack(merge(state, fact)) == pack(join(state, state)) == pack(state)


def test_the_line_stated_last_wins() -> None:
    assert seen(statement(header=header(), at=1, lines=(line("a", 5),)), statement(at=0, lines=(line("a", 9),))) == [
        "a=5"
    ]


def test_two_words_at_one_instant_are_settled_alike_everywhere() -> None:
    one, other = statement(header=header(), lines=(line("a", 5),)), statement(lines=(line("a", 9),))
    assert seen(one, other) == seen(other, one)


def test_a_whole_order_ends_older_lines_for_ever() -> None:
    whole = statement(at=2, scope="whole", header=header(), lines=(line("b"),))
    late = statement(at=1, lines=(line("a"), line("c")))
    assert seen(statement(lines=(line("a"),)), whole, late) == ["b=100"]
    assert pack(merged(whole, late)) == pack(merged(whole))


def test_a_partial_order_leaves_other_lines_alone() -> None:
    assert seen(statement(header=header(), lines=(line("a"),)), statement(at=1, lines=(line("b", 7),))) == [
        "a=100",
        "b=7",
    ]


def test_a_later_line_survives_an_earlier_whole_order() -> None:
    assert seen(statement(at=1, lines=(line("b"),)), statement(scope="whole", header=header())) == ["b=100"]


def test_the_earliest_cancellation_stays_whatever_comes_later() -> None:
    facts = [
        statement(header=header(), cancelled_at=START + timedelta(hours=2)),
        statement(at=1, cancelled_at=START + timedelta(hours=1)),
        statement(at=5, scope="whole", header=header(), lines=(line("a"),)),
    ]
    order = current(merged(*facts), "corner-shop", "1", 3)
    assert order is not None
    assert order.cancelled_at == START + timedelta(hours=1)


def test_a_household_is_part_of_what_is_stated_last() -> None:
    first = statement(header=header().model_copy(update={"household": "h1"}))
    order = current(unpack(pack(merged(first))), "c", "1", 1)
    assert order is not None
    assert order.header.household == "h1"
    order = current(merged(first, statement(at=1, header=header())), "c", "1", 2)
    assert order is not None
    assert order.header.household is None


def test_an_order_without_a_household_is_packed_as_before_there_were_any() -> None:
    packed = pack(merged(statement(header=header())))
    assert b'"header":[1488369600000000,"s1","1",1488369600000000,"USD","store"]' in packed


def test_an_order_without_a_header_is_not_seen_yet() -> None:
    assert current(merged(statement(lines=(line("a"),))), "corner-shop", "1", 1) is None


def test_what_the_till_promised_counts_until_the_system_of_record_speaks() -> None:
    promise = statement(door="check_out", header=header("s1"), scope="whole", lines=(line("a", 900),))
    order = current(merged(promise), "corner-shop", "1", 1)
    assert order is not None
    assert (order.authoritative, order.promised_lines) == (False, None)
    assert [each.value_minor for each in order.lines] == [900]

    order = current(merged(promise, statement(door="feed", header=header("s2"), lines=(line("a", 800),))), "c", "1", 2)
    assert order is not None
    assert (order.authoritative, order.header.shopper) == (True, "s2")
    assert [each.value_minor for each in order.lines] == [800]
    assert [each.value_minor for each in order.promised_lines or ()] == [900]


def test_a_check_out_however_late_never_changes_the_authoritative_lines() -> None:
    spoken = statement(door="webhook", header=header(), lines=(line("a", 800),))
    promise = statement(at=4, door="check_out", header=header("thief"), scope="whole", lines=(line("z", 10**6),))
    assert seen(spoken, promise) == ["a=800"]


def test_a_cancellation_and_a_return_reach_a_promised_order_before_the_order_itself() -> None:
    facts = [
        statement(cancelled_at=START, returns=(ReturnedLine(return_id="r", line_id="a", quantity=1, value_minor=9),)),
        statement(door="check_out", header=header(), lines=(line("a"),)),
    ]
    order = current(merged(*facts), "corner-shop", "1", 2)
    assert order is not None
    assert order.cancelled_at == START
    assert [each.return_id for each in order.returns] == ["r"]
    assert not order.authoritative


def test_about_one_payment_the_system_of_record_wins() -> None:
    promise = statement(
        at=3, door="check_out", header=header(), payments=(Payment(payment_id="1", tender="card", amount_minor=5),)
    )
    spoken = statement(payments=(Payment(payment_id="1", tender="prize", amount_minor=5),))
    order = current(merged(promise, spoken), "corner-shop", "1", 2)
    assert order is not None
    assert [each.tender for each in order.payments] == ["prize"]


def test_an_order_of_more_than_2000_lines_is_refused_with_its_size() -> None:
    first = statement(header=header(), lines=tuple(line(f"a{n}") for n in range(2_000)))
    with pytest.raises(OrderTooLarge) as refusal:
        merged(first, statement(lines=(line("b"),)))
    assert refusal.value.code == "order-too-large"
    assert refusal.value.status == 413
    assert refusal.value.problems[0].found == "2001 lines"


def test_an_order_whose_words_are_too_long_is_refused_with_its_size() -> None:
    wordy = tuple(line(f"{n}".rjust(200, "x"), product="y" * 200) for n in range(2_000))
    with pytest.raises(OrderTooLarge, match="too large"):
        pack(merged(statement(header=header(), lines=wordy)))
    assert MAX_STATE_BYTES < 512 * 1024


def test_instants_keep_their_microseconds() -> None:
    at = datetime(2017, 3, 1, 12, 0, 0, 123_457, tzinfo=UTC)
    order = current(unpack(pack(merged(statement(header=header().model_copy(update={"ordered_at": at}))))), "c", "1", 1)
    assert order is not None
    assert order.header.ordered_at == at
