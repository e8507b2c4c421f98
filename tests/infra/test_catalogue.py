"""Two readers, one catalogue: what Terraform reads of the manifests is what Python reads."""

import json
from typing import Any

from tests.infra.checkouts import Checkout

from tombola.runtime.manifests import BucketTrigger, HttpTrigger, Manifest, ScheduleTrigger, TopicTrigger


def test_terraform_and_python_read_the_same_catalogue(damaged: Checkout, manifests: dict[str, Manifest]) -> None:
    assert catalogue(damaged) == {name: said(one) for name, one in manifests.items()}


def test_a_word_that_one_reader_alone_knows_is_found(damaged: Checkout, manifests: dict[str, Manifest]) -> None:
    damaged.replace("modules/catalog/main.tf", 'try(said.trigger.lanes, ["live"])', '["live"]')
    other = catalogue(damaged)
    assert {name for name, one in manifests.items() if other[name] != said(one)} == {
        name for name, one in manifests.items() if one.listens_to and "bulk" in one.listens_to[1]
    }


def catalogue(checkout: Checkout) -> dict[str, Any]:
    """Return what the module says, applied in its own folder: it makes nothing."""
    folder = "modules/catalog"
    checkout.asked("apply", "-input=false", "-auto-approve", "-var=folder=../../../../functions", within=folder)
    found: dict[str, Any] = json.loads(checkout.asked("output", "-json", within=folder))
    return dict(found["functions"]["value"])


def said(one: Manifest) -> dict[str, Any]:
    """Return a manifest in the module's words."""
    return {
        "name": one.name,
        "service": one.service,
        "summary": one.summary,
        "trigger": trigger(one),
        "publishes": list(one.publishes),
        "reads": one.reads.model_dump(mode="json"),
        "writes": one.writes.model_dump(mode="json"),
        "secrets": list(one.secrets),
        "extras": list(one.extras),
        "package": one.package,
        "sizing": one.sizing.model_dump(),
    }


def trigger(one: Manifest) -> dict[str, Any]:
    """Return a trigger in the module's words: all kinds have the same ones."""
    words = dict.fromkeys(("kind", "topic", "bucket", "method", "schedule")) | {"public": False, "lanes": ["live"]}
    match one.trigger:
        case TopicTrigger(topic=topic, lanes=lanes):
            return words | {"kind": "topic", "topic": topic, "lanes": list(lanes)}
        case BucketTrigger(bucket=bucket):
            return words | {"kind": "bucket", "bucket": bucket}
        case HttpTrigger(http=method, public=public):
            return words | {"kind": "http", "method": method, "public": public}
        case ScheduleTrigger(schedule=schedule):
            return words | {"kind": "schedule", "schedule": schedule}
