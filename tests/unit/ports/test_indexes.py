"""Whatever a query may ask is answered by an index that is declared, by Firestore's own rules.

Those rules are written down here anew: the emulator answers any query, and only the real Firestore would refuse one.
Source: https://firebase.google.com/docs/firestore/query-data/index-overview
"""

from collections.abc import Iterator, Sequence
from itertools import product

import pytest

from tombola.ports.documents import COLLECTIONS, Collection, Where
from tombola.ports.errors import Refused
from tombola.ports.indexes import OPERATORS, check_query, composite_indexes, field_overrides, query_order

Index = tuple[str, ...]


def declared(collection: str) -> set[Index]:
    """Every ascending index that Terraform is told of: of one field or of several. The id comes last in each."""
    alone = {(each["field"],) for each in field_overrides() if each["collection"] == collection and each["indexes"]}
    composite = [each["fields"] for each in composite_indexes() if each["collection"] == collection]
    return alone | {tuple(field["field"] for field in fields) for fields in composite}


def is_answered(indexes: set[Index], where: Sequence[Where], order_by: str | None) -> bool:
    """Firestore's own rules.

    An index answers equality on its first fields, in any order, with what is sorted after them: by the field of the
    one range, by the field of the order, then by the id. Several that end alike are merged, each giving some equality.
    """
    if not where and order_by is None:
        return True  # the documents themselves stand in the order of their ids
    equal = {condition.field for condition in where if condition.operator == "=="}
    ranges = {condition.field for condition in where if condition.operator != "=="}
    last = tuple(dict.fromkeys([*ranges, *([order_by] if order_by else [])]))
    usable = [index[: len(index) - len(last)] for index in indexes if index[len(index) - len(last) :] == last]
    covered = {field for prefix in usable if set(prefix) <= equal for field in prefix}
    return len(last) <= 1 and not equal & set(last) and covered == equal and bool(usable)


def questions(collection: Collection) -> Iterator[tuple[list[Where], str | None]]:
    """Every query of up to three conditions over the declared fields and one that is not."""
    fields = [*collection.queried, "undeclared"]
    conditions = [Where(field, operator, 1) for field in fields for operator in OPERATORS]
    for count in range(4 if collection.composite else 3):
        for where in product(conditions, repeat=count):
            for order_by in (None, *fields):
                yield list(where), order_by


@pytest.mark.parametrize("name", COLLECTIONS)
def test_whatever_may_be_asked_is_answered_by_a_declared_index(name: str) -> None:
    indexes, let_pass, refused = declared(name), 0, 0
    for where, order_by in questions(COLLECTIONS[name]):
        try:
            check_query(name, where, order_by)
        except Refused:
            refused += 1
            continue
        let_pass += 1
        assert is_answered(indexes, where, query_order(where, order_by)), (where, order_by)
    assert let_pass > 0
    assert refused > 0


@pytest.mark.parametrize(
    ("where", "order_by", "answered"),
    [
        ([], "at", True),
        ([Where("shop", "==", 1)], None, True),
        ([Where("shop", "==", 1), Where("day", "==", 1)], None, True),  # merged
        ([Where("shop", "==", 1), Where("at", ">", 1)], "at", True),
        ([Where("shop", ">", 1), Where("at", "==", 1)], "shop", False),  # the other way round
        ([Where("day", "==", 1), Where("at", ">", 1)], "at", False),
        ([Where("day", "==", 1)], "shop", False),
        ([Where("name", "==", 1)], None, False),
    ],
)
def test_the_rules_tell_what_needs_another_index(where: list[Where], order_by: str | None, answered: bool) -> None:  # noqa: FBT001 (data)
    indexes = {("shop",), ("day",), ("at",), ("shop", "at")}
    assert is_answered(indexes, where, order_by) is answered


def test_indexing_is_off_for_every_field_that_is_not_declared() -> None:
    off = [each["collection"] for each in field_overrides() if each["field"] == "*" and not each["indexes"]]
    assert off == list(COLLECTIONS)


def test_a_field_that_grows_with_time_is_indexed_only_behind_another() -> None:
    alone = {each["field"] for each in field_overrides() if each["indexes"]}
    assert not {field for field in alone if field.endswith("_at")}
