"""What the infrastructure must know of the code: written as JSON, which Terraform reads.

`python -m tombola.runtime.infrastructure --write` writes `infra/terraform/generated/`. Functions are not in it:
Terraform reads their manifests itself. What only an environment knows stands there as `PROJECT`, `DATASET` and
`PERSONAL_TAG`.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tombola.events import topic_name
from tombola.feeds.contracts import KINDS
from tombola.feeds.tables import KEYS
from tombola.ports.indexes import composite_indexes, field_overrides
from tombola.ports.objects import BUCKETS
from tombola.ports.warehouse_layout import LOADS, layout, messages_table, rows_table, scratch_dataset
from tombola.runtime import topology

PROJECT, DATASET, PERSONAL_TAG = "PROJECT", "DATASET", "PERSONAL_TAG"


def generated() -> dict[str, str]:
    """Return the files of `infra/terraform/generated/` by their names."""
    contents = {"topology.json": _topology(), "documents.json": _documents(), "warehouse.json": _warehouse()}
    return {name: json.dumps(content, indent=2) + "\n" for name, content in contents.items()}


def _topology() -> dict[str, Any]:
    """Return buckets, topics by their lanes, what announces new objects, and what stores messages."""
    return {
        "buckets": list(BUCKETS),
        "notifications": dict(topology.NOTIFYING_BUCKETS),
        "topics": {
            topic.name: {lane: topic_name(topic.name, lane) for lane in topic.lanes}
            for topic in topology.TOPICS.values()
        },
        "dead_letters": topology.DEAD_LETTERS,
        "stores": {
            one.name: {"topic": one.topic, "table": one.table, **asdict(one.retry)}
            for one in topology.store_subscriptions()
        },
    }


def _documents() -> dict[str, Any]:
    return {"composite_indexes": composite_indexes(), "field_overrides": field_overrides()}


def _warehouse() -> dict[str, Any]:
    """Return datasets, tables and views; and for each table of the port what holds it, to grant reading or writing."""
    from tombola.feeds.renderings.bigquery import bigquery_table  # noqa: PLC0415 (heavy)

    feeds = [bigquery_table(kind, PERSONAL_TAG) for kind in KINDS]
    stored = [topic.table for topic in topology.TOPICS.values() if topic.table]
    return {
        **layout(PROJECT, DATASET, feeds, KEYS),
        "holds": {
            **{table: _held(table, rows_table(table), LOADS) for table in topology.FEED_TABLES},
            **{table: _held(table, messages_table(table)) for table in stored},
        },
        "messages": {table: messages_table(table) for table in stored},
        "scratch": scratch_dataset(DATASET),
    }


def _held(view: str, behind: str, *noted: str) -> Mapping[str, list[str]]:
    """Return what must be granted: a reader asks the view, and so the table behind it; a writer notes what it wrote."""
    return {"read": [view, behind], "write": [behind, *noted]}


def main(arguments: list[str]) -> int:
    """Write the files (`--write [FOLDER]`), or tell which of them are stale; return the exit code."""
    folders = [Path(argument) for argument in arguments if argument != "--write"]
    folder = folders[0] if folders else Path("infra/terraform/generated")
    if "--write" in arguments:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in generated().items():
            (folder / name).write_text(text, encoding="utf-8")
    stale = [name for name, text in generated().items() if not _says(folder / name, text)]
    for name in stale:
        sys.stderr.write(f"{folder / name} is not what the code says; expected: {__spec__.name} --write\n")
    return 1 if stale else 0


def _says(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
