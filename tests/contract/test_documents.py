"""Documents: what every adapter promises, and how weak it is allowed to be."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.adapters.embedded.clock import ReplayClock
from tombola.adapters.embedded.documents import EmbeddedDocuments
from tombola.ports.documents import (
    INT64_MAX,
    INT64_MIN,
    MAX_COMMIT_BYTES,
    MAX_COMMIT_WRITES,
    MAX_DOCUMENT_BYTES,
    Create,
    Delete,
    DocumentKey,
    Documents,
    OutboundEvent,
    Replace,
    Scalar,
    Snapshot,
    Where,
)
from tombola.ports.errors import PreconditionFailed, Refused
from tombola.ports.topics import MAX_DATA_BYTES, Message

NOW = datetime(2017, 6, 15, 12, 0, 0, 123457, tzinfo=UTC)
Race = Callable[[int, Callable[[int], object]], list[object]]


def empty(request: pytest.FixtureRequest, home: Path) -> Documents:
    if request.getfixturevalue("adapters") == "embedded":
        return EmbeddedDocuments(home, ReplayClock(NOW))
    made: Documents = request.getfixturevalue("google_documents")(ReplayClock(NOW))
    return made


@pytest.fixture
def documents(request: pytest.FixtureRequest, tmp_path: Path) -> Documents:
    return empty(request, tmp_path)


def order(*parts: str) -> DocumentKey:
    return DocumentKey("orders", parts or ("shop", "1"))


def play(number: int | str) -> DocumentKey:
    return DocumentKey("plays", (str(number),))


def one(documents: Documents, key: DocumentKey) -> Snapshot:
    (found,) = documents.get([key])
    assert found is not None
    return found


EVERYTHING = {
    "none": None,
    "yes": True,
    "no": False,
    "least": INT64_MIN,
    "most": INT64_MAX,
    "text": "Zürich 🎡 \x00",
    "bytes": b"\x00\xff",
    "instant": NOW,
    "old": datetime(1, 1, 1, tzinfo=UTC),
    "late": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    "list": [1, "a", None, NOW],
    "map": {"inner": {"list": [b"x"], "n": 0}, "empty": {}},
    "empty": [],
}


def test_every_value_comes_back_as_it_was(documents: Documents) -> None:
    documents.commit([Create(order(), EVERYTHING)])
    found = one(documents, order())
    assert found.fields == EVERYTHING
    assert found.key == order()
    assert [type(value) for value in found.fields.values()] == [type(value) for value in EVERYTHING.values()]


def test_documents_come_in_the_order_asked_for_and_none_where_there_is_none(documents: Documents) -> None:
    documents.commit([Create(order("b"), {"n": 2}), Create(order("a"), {"n": 1})])
    found = documents.get([order("a"), order("x"), order("b"), order("a")])
    assert [each and each.fields["n"] for each in found] == [1, None, 2, 1]


def test_keys_with_the_same_text_split_elsewhere_are_other_documents(documents: Documents) -> None:
    documents.commit([Create(order("ab", "c"), {"n": 1}), Create(order("a", "bc"), {"n": 2})])
    assert one(documents, order("a", "bc")).fields["n"] == 2


def test_a_document_is_created_once(documents: Documents) -> None:
    documents.commit([Create(order(), {"n": 1})])
    with pytest.raises(PreconditionFailed, match="expected: no document"):
        documents.commit([Create(order(), {"n": 2})])
    assert one(documents, order()).fields == {"n": 1}


def test_only_the_version_that_was_read_is_replaced(documents: Documents) -> None:
    documents.commit([Create(order(), {"n": 1, "gone": True})])
    read = one(documents, order())
    documents.commit([Replace(order(), {"n": 2}, read.version)])
    assert one(documents, order()).fields == {"n": 2}
    with pytest.raises(PreconditionFailed, match="the version that was read"):
        documents.commit([Replace(order(), {"n": 3}, read.version)])
    with pytest.raises(PreconditionFailed):
        documents.commit([Delete(order(), read.version)])
    assert one(documents, order()).fields == {"n": 2}


def test_writing_the_same_fields_again_is_a_new_version(documents: Documents) -> None:
    documents.commit([Create(order(), {"n": 1})])
    read = one(documents, order())
    documents.commit([Replace(order(), read.fields, read.version)])
    assert one(documents, order()).version != read.version


def test_what_does_not_exist_is_neither_replaced_nor_deleted(documents: Documents) -> None:
    documents.commit([Create(order(), {})])
    version = one(documents, order()).version
    for write in (Replace(order("x"), {}, version), Delete(order("x"), version)):
        with pytest.raises(PreconditionFailed):
            documents.commit([write])


def test_a_version_that_was_never_read_is_no_version(documents: Documents) -> None:
    documents.commit([Create(order(), {"n": 1})])
    for write in (Replace(order(), {"n": 2}, None), Delete(order(), None)):
        with pytest.raises(PreconditionFailed):
            documents.commit([write])
    assert one(documents, order()).fields == {"n": 1}


def test_deleting_and_creating_again_never_revives_an_old_version(documents: Documents) -> None:
    documents.commit([Create(order(), {"n": 1})])
    old = one(documents, order())
    documents.commit([Delete(order(), old.version)])
    assert documents.get([order()]) == [None]
    documents.commit([Create(order(), {"n": 1})])
    with pytest.raises(PreconditionFailed):
        documents.commit([Replace(order(), {"n": 2}, old.version)])


def test_a_commit_happens_whole_or_not_at_all(documents: Documents) -> None:
    documents.commit([Create(order("taken"), {})])
    with pytest.raises(PreconditionFailed):
        documents.commit(
            [Create(order("a"), {}), Create(play(1), {"campaign": "c"}), Create(order("taken"), {})], [event("e")]
        )
    assert documents.get([order("a"), play(1), DocumentKey("outbox", ("e",))]) == [None, None, None]
    assert list(documents.query("plays", [Where("campaign", "==", "c")])) == []


def test_nothing_to_commit_is_no_error(documents: Documents) -> None:
    documents.commit([])


def test_write_skew_is_possible_for_documents_that_are_only_read(documents: Documents) -> None:
    """The weak guarantee, held on purpose: who needs more must rewrite what the decision depends on."""
    documents.commit([Create(order("a"), {"on": True}), Create(order("b"), {"on": True})])
    first = documents.get([order("a"), order("b")])
    second = documents.get([order("a"), order("b")])
    assert all(each and each.fields["on"] for each in (*first, *second))
    documents.commit([Replace(order("a"), {"on": False}, first[0].version if first[0] else None)])
    documents.commit([Replace(order("b"), {"on": False}, second[1].version if second[1] else None)])
    assert not any(each and each.fields["on"] for each in documents.get([order("a"), order("b")]))


def test_of_sixteen_who_create_one_wins(documents: Documents, race: Race) -> None:
    outcomes = race(16, lambda number: documents.commit([Create(order(), {"n": number})]))
    winners = [number for number, outcome in enumerate(outcomes) if outcome is None]
    assert [one(documents, order()).fields["n"]] == winners
    assert sum(isinstance(outcome, PreconditionFailed) for outcome in outcomes) == 15


def test_sixteen_threads_share_one_adapter_from_its_first_use(documents: Documents, race: Race) -> None:
    def write(number: int) -> list[Any]:
        for turn in range(5):
            documents.commit([Create(play(f"{number}.{turn}"), {"campaign": str(number), "n": turn})])
        found = documents.get([play(f"{number}.{turn}") for turn in range(5)])
        return [*(each and each.fields["n"] for each in found), numbers(documents.query("plays", by(number)))]

    def by(number: int) -> list[Where]:
        return [Where("campaign", "==", str(number))]

    for turns in race(16, write):
        assert isinstance(turns, list), turns
        assert turns[:5] == [0, 1, 2, 3, 4]
        assert sorted(turns[5]) == [0, 1, 2, 3, 4]


def test_compare_and_swap_loses_nothing(documents: Documents, race: Race) -> None:
    documents.commit([Create(order(), {"n": 0})])

    def count(_number: int) -> None:
        done = 0
        while done < 20:
            read = one(documents, order())
            try:
                documents.commit([Replace(order(), {"n": int(str(read.fields["n"])) + 1}, read.version)])
            except PreconditionFailed:
                continue
            done += 1

    assert race(8, count) == [None] * 8
    assert one(documents, order()).fields == {"n": 160}


# Events


def event(event_id: str, data: bytes = b"{}") -> OutboundEvent:
    return OutboundEvent(event_id, "order-recorded", Message(data, {"type": "order-recorded"}))


def test_events_lie_in_the_outbox_once_the_commit_has_happened(documents: Documents) -> None:
    documents.commit([Create(order(), {})], [event("e1", b"\x00body")])
    fields = dict(one(documents, DocumentKey("outbox", ("e1",))).fields)
    assert fields.pop("shard") in range(16)
    assert fields == {
        "topic": "order-recorded",
        "data": b"\x00body",
        "attributes": {"type": "order-recorded"},
        "created_at": NOW,
    }


def test_the_same_event_again_is_no_conflict_and_lies_there_once(documents: Documents) -> None:
    documents.commit([], [event("e1")])
    (before,) = documents.query("outbox", [])
    documents.commit([Create(order(), {})], [event("e1"), event("e1")])
    (after,) = documents.query("outbox", [])
    assert (after.key, after.fields) == (before.key, before.fields)
    assert one(documents, order())


def test_an_event_that_no_topic_would_take_is_refused_before_anything_is_written(documents: Documents) -> None:
    with pytest.raises(Refused, match="message of 10000001 bytes"):
        documents.commit([Create(order(), {})], [event("e1", bytes(MAX_DATA_BYTES + 1))])
    assert documents.get([order()]) == [None]


# Limits


def nested(depth: int) -> dict[str, Any]:
    return {"m": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"n": INT64_MAX + 1}, "field 'n' holds 9223372036854775808; expected a 64-bit integer"),
        ({"n": 1.5}, "field 'n' holds a float; expected int, str"),
        ({"m": {"n": {1, 2}}}, "field 'm.n' holds a set"),
        ({"at": datetime(2017, 1, 1)}, "expected an aware instant in UTC"),  # noqa: DTZ001 (that is the point)
        ({"list": [[1]]}, "field 'list' is a list that holds a list; expected a flat list of scalars"),
        ({"list": [{"a": 1}]}, "field 'list' is a list that holds a dict"),
        ({"m": {"": 1}}, "field 'm' has the map key ''; expected non-empty text"),
        ({"": 1}, "has the map key ''"),
        ({"m": {1: 1}}, "field 'm' has the map key 1"),
        ({"text": "\ud800"}, "field 'text' holds text with half a surrogate pair"),
        ({"key": ["shop"]}, "that name holds the document's key"),
        ({"m": {"__name__": 1}}, "field 'm.__name__': names in double underscores are Firestore's own"),
        ({"n" * 1501: 1}, "has a name of 1502 bytes; at most 1500 are allowed"),
        (nested(21), "is nested deeper than 20"),
        ({"b": bytes(MAX_DOCUMENT_BYTES)}, "at most 524288 are allowed"),
    ],
)
def test_a_document_that_firestore_could_not_hold_is_refused(
    documents: Documents, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused) as refused:
        documents.commit([Create(order("fine"), {}), Create(order(), fields)])
    assert said in str(refused.value)
    assert documents.get([order(), order("fine")]) == [None, None]


def test_a_document_at_the_limits_is_kept(documents: Documents) -> None:
    fields = {"b": bytes(MAX_DOCUMENT_BYTES - 2)}
    documents.commit([Create(order(), fields), Create(order("deep"), nested(20))])
    assert one(documents, order()).fields == fields


def test_a_commit_at_the_limits_is_kept_whole(documents: Documents) -> None:
    """Of text that JSON would escape, and of bytes.

    The emulator takes 4 MiB together with names and keys, where Firestore takes 10.
    """
    names_and_keys = 200 * 400
    room = (MAX_COMMIT_BYTES - names_and_keys) // 199
    fields = {"text": '"\\é🎡' * (room // 2 // len('"\\é🎡'.encode())), "bytes": b"\xff" * (room // 2)}
    documents.commit([Create(order(str(number)), fields) for number in range(199)], [event("e1")])
    found = documents.get([order(str(number)) for number in range(199)])
    assert all(each and each.fields == fields for each in found)
    with pytest.raises(PreconditionFailed):
        documents.commit([Create(order(str(number)), fields) for number in range(198, 397)], [event("e2")])
    assert documents.get([order("300"), DocumentKey("outbox", ("e2",))]) == [None, None]


def test_commits_have_limits(documents: Documents) -> None:
    many = [Create(order(str(number)), {}) for number in range(MAX_COMMIT_WRITES)]
    with pytest.raises(Refused, match="commit of 201 writes; at most 200 are allowed"):
        documents.commit([*many, Create(order(), {})])
    with pytest.raises(Refused, match="commit of 201 writes"):
        documents.commit(many, [event("e1")])
    with pytest.raises(Refused, match="at most 4194304 are allowed"):
        documents.commit([Create(order(str(number)), {"b": bytes(500_000)}) for number in range(9)])
    documents.commit(many)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ([DocumentKey("wishes", ("1",))], "unknown collection 'wishes'; expected one of orders"),
        ([order("a"), order("a")], "is written twice in one commit"),
        ([DocumentKey("orders", ())], "has an empty part"),
        ([order("shop", "")], "has an empty part"),
    ],
)
def test_a_key_that_names_nothing_or_twice_the_same_is_refused(
    documents: Documents, keys: list[DocumentKey], said: str
) -> None:
    with pytest.raises(Refused) as refused:
        documents.commit([Create(key, {}) for key in keys])
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": 1}, "field 'campaign' is indexed and holds a dict; expected a scalar"),
        (["a"], "field 'campaign' is indexed and holds a list"),
        ("c" * 1500, "field 'campaign' is indexed and holds 1501 bytes; at most 1500 are allowed"),
    ],
)
def test_what_an_index_cannot_hold_whole_is_refused(documents: Documents, value: Any, said: str) -> None:  # noqa: ANN401 (wrong on purpose)
    with pytest.raises(Refused) as refused:
        documents.commit([Create(play(1), {"campaign": value})])
    assert said in str(refused.value)


def test_what_expires_holds_an_instant(documents: Documents) -> None:
    kept = [DocumentKey("idempotency", (name,)) for name in "ab"]
    later = datetime(2199, 1, 1, tzinfo=UTC)  # what is over may be gone at once
    documents.commit([Create(kept[0], {"expires": later}), Create(kept[1], {"expires": None})])
    with pytest.raises(Refused, match="field 'expires' expires and holds a int; expected an instant"):
        documents.commit([Create(DocumentKey("idempotency", ("c",)), {"expires": 7})])
    assert all(documents.get(kept))


# Queries


def put_plays(documents: Documents, *campaigns: Scalar) -> None:
    documents.commit([Create(play(n), {"campaign": value, "n": n}) for n, value in enumerate(campaigns)])


def numbers(found: Iterator[Snapshot]) -> list[Any]:
    return [each.fields["n"] for each in found]


def test_a_query_finds_by_equality_and_range_within_one_type(documents: Documents) -> None:
    put_plays(documents, "a", "b", "c", 1, 2, None, True, b"b", NOW, NOW + timedelta(microseconds=1))  # noqa: FBT003 (data)
    found = {
        (operator, value): sorted(numbers(documents.query("plays", [Where("campaign", operator, value)])))
        for operator, value in [
            ("==", "b"),
            (">", "a"),
            ("<=", 1),
            (">=", 1),
            ("==", None),
            ("==", True),
            (">", NOW),
            ("<", b"c"),
        ]
    }
    assert list(found.values()) == [[1], [1, 2], [3], [3, 4], [5], [6], [9], [7]]
    between = [Where("campaign", ">=", "a"), Where("campaign", "<", "c")]
    assert numbers(documents.query("plays", between)) == [0, 1]


def test_a_document_without_the_field_never_matches(documents: Documents) -> None:
    documents.commit([Create(play(1), {"n": 1})])
    assert numbers(documents.query("plays", [Where("campaign", "==", None)])) == []
    assert numbers(documents.query("plays", [], order_by="campaign")) == []
    assert numbers(documents.query("plays", [])) == [1]


def test_a_query_is_ordered_and_limited(documents: Documents) -> None:
    put_plays(documents, "b", "c", "a", "b")
    tied = sorted((0, 3), key=lambda number: play(number).id)
    assert numbers(documents.query("plays", [], order_by="campaign")) == [2, *tied, 1]
    assert numbers(documents.query("plays", [], order_by="campaign", limit=2)) == [2, tied[0]]
    assert numbers(documents.query("plays", [], order_by="campaign", limit=0)) == []
    assert numbers(documents.query("plays", [])) == sorted(range(4), key=lambda number: play(number).id)
    assert numbers(documents.query("plays", [Where("campaign", ">=", "b")])) == [*tied, 1]


def test_a_query_over_a_declared_pair_of_fields_is_answered(documents: Documents) -> None:
    documents.commit([], [event(str(number)) for number in range(100)])
    where = [Where("shard", "==", 3), Where("created_at", "<=", NOW)]
    found = list(documents.query("outbox", where, order_by="created_at"))
    assert found
    assert {each.fields["shard"] for each in found} == {3}
    assert list(documents.query("outbox", [where[0], Where("created_at", "<", NOW)])) == []


def test_an_index_follows_its_document(documents: Documents) -> None:
    put_plays(documents, "a")
    read = one(documents, play(0))
    documents.commit([Replace(play(0), {"n": 0, "campaign": "b"}, read.version)])
    assert numbers(documents.query("plays", [Where("campaign", "==", "a")])) == []
    (found,) = documents.query("plays", [Where("campaign", "==", "b")])
    documents.commit([Delete(play(0), found.version)])
    assert list(documents.query("plays", [Where("campaign", "==", "b")])) == []


def test_a_query_of_many_can_be_written_to_while_it_is_read(documents: Documents) -> None:
    for start in range(0, 1200, 200):
        documents.commit([Create(play(n), {"campaign": "c", "n": n}) for n in range(start, start + 200)])
    seen = []
    for each in documents.query("plays", [Where("campaign", "==", "c")]):
        seen.append(each.fields["n"])
        documents.commit([Delete(each.key, each.version)])
    assert sorted(seen) == list(range(1200))
    assert list(documents.query("plays", [])) == []


@pytest.mark.parametrize(
    ("collection", "where", "order_by", "said"),
    [
        ("wishes", [], None, "unknown collection 'wishes'"),
        ("orders", [Where("shopper", "==", "s")], None, "query of 'orders' by ('shopper',); declared are []"),
        ("plays", [Where("campaign", "==", "c")], "issued_at", "by ('campaign', 'issued_at')"),
        ("plays", [Where("campaign", "!=", "c")], None, "operator '!='; expected =="),
        ("plays", [Where("campaign", ">=", None)], None, "field 'campaign' >= None; expected a value"),
        ("plays", [Where("campaign", "==", "c")], "campaign", "range or order of ['campaign']"),
        ("outbox", [Where("shard", ">", 1)], "created_at", "of ['created_at', 'shard']; expected 'created_at' alone"),
        ("outbox", [Where("shard", ">", 1), Where("created_at", "==", NOW)], None, "range or order of ['shard']"),
    ],
)
def test_a_query_without_a_declared_index_is_refused_at_once(
    documents: Documents, collection: str, where: list[Where], order_by: str | None, said: str
) -> None:
    with pytest.raises(Refused) as refused:
        documents.query(collection, where, order_by=order_by)
    assert said in str(refused.value)


# Properties

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(INT64_MIN, INT64_MAX)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.binary(max_size=20)
    | st.datetimes(timezones=st.just(UTC))
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda name: not (name.startswith("__") and name.endswith("__"))
)
VALUES = st.recursive(
    SCALARS | st.lists(SCALARS, max_size=4), lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=8
)
FIELDS = st.dictionaries(NAMES.filter(lambda name: name != "key"), VALUES, max_size=6)


@pytest.fixture(scope="module")
def lasting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Documents:
    return empty(request, tmp_path_factory.mktemp("lasting"))


@given(fields=FIELDS)
def test_whatever_is_allowed_comes_back_equal(lasting: Documents, fields: dict[str, Any]) -> None:
    (read,) = lasting.get([order()])
    lasting.commit([Create(order(), fields) if read is None else Replace(order(), fields, read.version)])
    assert one(lasting, order()).fields == fields
