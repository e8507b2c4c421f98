"""Statements in the one SQL that callers write, DuckDB's, as BigQuery's: read, held against our tables, and said again.

Nothing is trusted to BigQuery's own refusal: what is no single SELECT over tables of ours is not sent.
"""

from collections.abc import Collection, Iterator

import sqlglot
from sqlglot import expressions as sql_words
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from tombola.ports.errors import Refused


def said_to_bigquery(statement: str, parameters: Collection[str], tables: Collection[str]) -> str:
    """Return a statement as BigQuery takes it, its parameters `@name`. Raises `Refused`."""
    read = _read(statement)
    for table in _stored(read):
        if not isinstance(table.this, sql_words.Identifier) or table.db or table.name not in tables:
            msg = f"statement refused: table {table.sql()} does not exist; expected one of {', '.join(tables)}"
            raise Refused(msg)
    asked = {each.name for each in read.find_all(sql_words.Placeholder, sql_words.Parameter)}
    if asked != set(parameters):
        msg = f"statement refused: parameters {sorted(parameters)}; expected {sorted(asked)}"
        raise Refused(msg)
    return read.sql(dialect="bigquery")


def _stored(read: sql_words.Query) -> Iterator[sql_words.Table]:
    """Yield every table that is read, but for what the statement makes itself, where that can be seen."""
    made = {id(table) for scope in traverse_scope(read) for table in scope.tables if table.name in scope.cte_sources}
    return (table for table in read.find_all(sql_words.Table) if id(table) not in made)


def _read(statement: str) -> sql_words.Query:
    try:
        found = sqlglot.parse(statement, read="duckdb")
    except (SqlglotError, RecursionError) as error:
        msg = f"statement refused: {error}"
        raise Refused(msg) from error
    if len(found) != 1 or not isinstance(found[0], sql_words.Query):
        msg = f"{len(found)} statements, of which not all read; expected one SELECT"
        raise Refused(msg)
    return found[0]
