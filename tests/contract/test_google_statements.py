"""Statements in DuckDB's SQL, as BigQuery takes them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from tombola.adapters.google.warehouse_parameters import query_parameter
from tombola.adapters.google.warehouse_statements import said_to_bigquery
from tombola.ports.errors import Refused

TABLES = ("feed_lines", "order_recorded")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("FROM feed_lines", "SELECT * FROM feed_lines"),
        ("SELECT sum(line)::bigint AS n FROM feed_lines", "SELECT CAST(SUM(line) AS INT64) AS n FROM feed_lines"),
        (
            "SELECT body->>'$.a.b' AS b FROM order_recorded",
            "SELECT JSON_EXTRACT_SCALAR(body, '$.a.b') AS b FROM order_recorded",
        ),
        (
            "WITH kept AS (SELECT line FROM feed_lines) SELECT line FROM kept",
            "WITH kept AS (SELECT line FROM feed_lines) SELECT line FROM kept",
        ),
        (
            "WITH a AS (FROM feed_lines), b AS (FROM a) SELECT (SELECT max(n) FROM a) AS m FROM b",
            "WITH a AS (SELECT * FROM feed_lines), b AS (SELECT * FROM a) SELECT (SELECT MAX(n) FROM a) AS m FROM b",
        ),
        (
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
        ),
    ],
)
def test_a_statement_is_said_in_bigquerys_words(statement: str, said: str) -> None:
    assert said_to_bigquery(statement, (), TABLES) == said


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        ("SELECT * FROM other.feed_lines", {}),
        ("SELECT * FROM INFORMATION_SCHEMA.TABLES", {}),
        ("SELECT * FROM feed_lines_rows", {}),
        ("SELECT * FROM external_query('c', 'SELECT 1')", {}),
        ("SELECT (SELECT max(x) FROM hidden) FROM feed_lines", {}),
        ("SELECT * FROM (WITH hidden AS (SELECT 1) SELECT * FROM hidden), hidden", {}),
        ('SELECT * FROM (WITH "other.t" AS (SELECT 1) SELECT 1), "other.t"', {}),
        ("WITH a AS (DELETE FROM feed_lines RETURNING *) SELECT * FROM a", {}),
        (f"SELECT {'(' * 5_000}1{')' * 5_000}", {}),
        ("DELETE FROM feed_lines WHERE true", {}),
        ("EXPORT DATA OPTIONS (uri = 'gs://b/*') AS SELECT 1", {}),
        ("SELECT line FROM feed_lines WHERE line = $one", {"two": 2}),
        ("SELECT line FROM feed_lines WHERE line = ?", {}),
    ],
)
def test_what_is_not_of_our_tables_is_never_sent(statement: str, parameters: Mapping[str, object]) -> None:
    with pytest.raises(Refused, match=r"refused|expected one SELECT"):
        said_to_bigquery(statement, parameters, TABLES)


@pytest.mark.parametrize("value", [None, object(), datetime(2017, 6, 15), {1, 2}])  # noqa: DTZ001 (that is the point)
def test_a_value_of_no_type_is_refused(value: Any) -> None:  # noqa: ANN401
    with pytest.raises(Refused, match="parameter p is"):
        query_parameter("p", value)
