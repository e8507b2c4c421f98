"""What is made from the manifests: the JSON Schema for editors, the table of functions for readers."""

import json
from collections.abc import Mapping

from tombola.runtime.manifest_model import (
    BucketTrigger,
    FunctionFile,
    HttpTrigger,
    Manifest,
    Resources,
    ScheduleTrigger,
    TopicTrigger,
)


def schema_text() -> str:
    """Return the JSON Schema of `function.yaml`, as it lies in the folder of functions."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **FunctionFile.model_json_schema()}
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def table_text(manifests: Mapping[str, Manifest]) -> str:
    """Return `functions/README.md`: one row per function."""
    head = [
        "# Functions",
        "",
        "One folder per deployed function. Made from the manifests by `python -m tombola.runtime.manifests --write`.",
        "",
        "| function | trigger | reads | writes | publishes | what it does |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(_row(manifest) for manifest in manifests.values()), ""])


def _row(manifest: Manifest) -> str:
    cells = (
        f"[`{manifest.name}`]({manifest.name}/main.py)",
        trigger_words(manifest.trigger),
        _resource_words(manifest.reads),
        _resource_words(manifest.writes),
        ", ".join(f"`{topic}`" for topic in manifest.publishes),
        manifest.summary,
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def trigger_words(trigger: TopicTrigger | BucketTrigger | HttpTrigger | ScheduleTrigger) -> str:
    """Return a trigger as people say it, names between backticks."""
    match trigger:
        case TopicTrigger(topic=topic, lanes=lanes):
            return f"topic `{topic}`" + (f" ({', '.join(lanes)})" if lanes != ("live",) else "")
        case BucketTrigger(bucket=bucket):
            return f"new object in `{bucket}`"
        case HttpTrigger(http=method, public=public):
            return f"HTTP {method}{', public' if public else ''}"
        case ScheduleTrigger(schedule=schedule):
            return f"schedule `{schedule}`"


def _resource_words(resources: Resources) -> str:
    kinds = (("documents", resources.documents), ("objects", resources.objects), ("warehouse", resources.warehouse))
    return "; ".join(f"{kind} {', '.join(f'`{name}`' for name in names)}" for kind, names in kinds if names)
