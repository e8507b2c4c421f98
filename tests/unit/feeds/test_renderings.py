"""The contracts in other notations say what the contracts say."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from jsonschema import Draft202012Validator

from tombola.errors import Malformed
from tombola.feeds.contracts import KINDS, Row, contract, reading
from tombola.feeds.events import FeedKind
from tombola.feeds.renderings.arrow import arrow_file
from tombola.feeds.renderings.bigquery import MOST_CLUSTERED, OURS, bigquery_table
from tombola.feeds.renderings.json_schema import json_schema
from tombola.feeds.renderings.markdown import BEGIN, END, all_in
from tombola.feeds.samples import sample, seeded
from tombola.feeds.schemas import arrow_schema, columns
from tombola.feeds.tables import TABLES
from tombola.money import major_units

TAG = "projects/p/locations/eu/taxonomies/1/policyTags/2"
JSON_TYPES = {"text": {"string"}, "whole": {"integer"}, "amount": {"number", "string"}, "instant": {"string"}}
JSON_TYPES["yes_no"] = {"boolean"}
AT = datetime(2026, 1, 5, 10, tzinfo=UTC)
FULL: Mapping[FeedKind, dict[str, Any]] = {
    "orders": {"order_id": "1", "line_id": "1", "store_id": "s", "ordered_at": "2026-01-05", "product_id": "p"}
    | {"quantity": 1, "value": "3.00"},
    "navigation": {"event_id": "1", "action": "basket_changed", "occurred_at": "2026-01-05", "product_id": "p"}
    | {"quantity": 0},
    "returns": {"return_id": "r", "order_id": "o", "line_id": "1", "quantity": 1, "returned_at": "2026-01-05"},
    "products": {"product_id": "p", "gtin": "73513537"},
    "shoppers": {"shopper_id": "s", "consented_at": "2026-01-05T10:00:00+01:00"}
    | dict.fromkeys(("consent_profile", "consent_ads", "consent_partner"), False),
}


def as_json(row: Row) -> dict[str, object]:
    """Return a row as a sender of JSON writes it, without what is missing."""
    written = {}
    for name, value in row:
        how = reading(type(row), name)
        if value is None:
            continue
        written[name] = value
        if how == "amount":
            written[name] = str(major_units(value, row.currency))  # type: ignore[attr-defined]
        elif how == "instant":
            written[name] = value.isoformat()
    return written


@pytest.mark.parametrize("kind", KINDS)
def test_json_schema_takes_the_rows_that_the_contract_takes(kind: FeedKind) -> None:
    schema = json_schema(kind)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    validator.validate(FULL[kind])
    for row in sample(kind, 60, seeded(1)):
        validator.validate(as_json(row))


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_schema_is_that_of_the_contract(kind: FeedKind) -> None:
    """`tombola contract KIND --as json-schema --out docs/feeds/KIND.schema.json` writes it anew."""
    published = Path(__file__).resolve().parents[3] / "docs" / "feeds" / f"{kind}.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == json_schema(kind)
    assert json_schema(kind)["$id"].endswith(f"/docs/feeds/{published.name}")


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("orders", {"order_id": ""}),
        ("orders", {"order_id": None}),
        ("orders", {"store_id": "s" * 201}),
        ("orders", {"product_id": "a\nb"}),
        ("orders", {"quantity": -1}),
        ("orders", {"quantity": 1.5}),
        ("orders", {"quantity": 10**9 + 1}),
        ("orders", {"value": "1.0001"}),
        ("orders", {"value": -0.01}),
        ("orders", {"currency": "usd"}),
        ("orders", {"currency": None}),
        ("orders", {"ordered_at": "yesterday"}),
        ("navigation", {"action": "view"}),
        ("navigation", {"quantity": None}),
        ("navigation", {"action": "banner_seen"}),
        ("navigation", {"action": "page_viewed", "page": None}),
        ("navigation", {"page": "/search?q=Erika"}),
        ("returns", {"line_id": None}),
        ("returns", {"line_id": None, "cancelled": False}),
        ("returns", {"quantity": 0}),
        ("returns", {"quantity": None, "value": 0}),
        ("products", {"gtin": "735135"}),
        ("shoppers", {"consent_ads": "perhaps"}),
    ],
)
def test_json_schema_refuses_what_the_contract_refuses(kind: FeedKind, changes: dict[str, object]) -> None:
    stated = FULL[kind] | changes
    assert not Draft202012Validator(json_schema(kind)).is_valid(stated)


def test_json_schema_says_in_words_what_it_cannot_refuse() -> None:
    assert json_schema("returns")["x-rules"] == ["returned-exceeds-bought: quantity: expected at most `bought`"]
    assert Draft202012Validator(json_schema("returns")).is_valid(FULL["returns"] | {"line_id": None, "cancelled": True})


@pytest.mark.parametrize("kind", KINDS)
def test_arrow_bigquery_and_json_schema_name_the_same_fields_of_the_same_types(kind: FeedKind) -> None:
    row, arrow, schema = contract(kind), arrow_schema(kind), json_schema(kind)
    table = bigquery_table(kind)["schema"]
    assert [one["name"] for one in table] == arrow.names
    assert [one["mode"] == "NULLABLE" for one in table] == [field.nullable for field in arrow]
    assert all(one["description"] for one in table)
    kinds = {
        "STRING": pa.string(),
        "INTEGER": pa.int64(),
        "BOOLEAN": pa.bool_(),
        "TIMESTAMP": pa.timestamp("us", "UTC"),
    }
    assert [kinds[one["type"]] for one in table] == arrow.types
    stored = {column.field: column for column in columns(row)}
    assert set(schema["properties"]) - set(row.UNSTORED) == set(stored)
    assert {column.name for column in stored.values()} | set(OURS) == set(arrow.names)
    for field, column in stored.items():
        known = schema["properties"][field]
        types = {known["type"]} if isinstance(known["type"], str) else set(known["type"])
        assert types - {"null"} == JSON_TYPES[column.reads]
        assert ("null" in types and "default" not in known) == arrow.field(column.name).nullable


@pytest.mark.parametrize("kind", KINDS)
def test_bigquery_is_told_how_a_table_is_split_and_asked_for(kind: FeedKind) -> None:
    table = bigquery_table(kind)
    assert table["table_id"] in TABLES
    types = {one["name"]: one["type"] for one in table["schema"]}
    assert types[table["time_partitioning"]["field"]] == "TIMESTAMP"
    assert set(table["clustering"]) <= set(types)
    assert 1 <= len(table["clustering"]) <= MOST_CLUSTERED
    assert table["require_partition_filter"] == (kind in {"orders", "navigation", "returns"})
    assert json.loads(json.dumps(table)) == table


def test_the_columns_of_persons_bear_the_policy_tag() -> None:
    tagged = {one["name"]: one.get("policyTags") for one in bigquery_table("orders", TAG)["schema"]}
    assert (
        {name for name, tags in tagged.items() if tags}
        == set(bigquery_table("orders")["personal"])
        == {"shopper", "household"}
    )
    assert tagged["shopper"] == {"names": [TAG]}
    assert not any("policyTags" in one for one in bigquery_table("orders")["schema"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_arrow_file_is_the_schema_of_staged_files(kind: FeedKind) -> None:
    assert pa.ipc.read_schema(pa.py_buffer(arrow_file(kind))) == arrow_schema(kind)


def test_a_page_is_renewed_between_its_marks_and_nowhere_else() -> None:
    page = f"before\n\n{BEGIN}\nof yesterday\n{END}\n\nafter\n"
    renewed = all_in(page)
    assert renewed.startswith(f"before\n\n{BEGIN}\n\n### `products`\n")
    assert renewed.endswith(f"\n\n{END}\n\nafter\n")
    assert "of yesterday" not in renewed
    assert all_in(renewed) == renewed
    with pytest.raises(Malformed):
        all_in(page.replace(END, ""))
